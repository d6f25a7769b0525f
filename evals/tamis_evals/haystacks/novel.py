"""Long context of prose: facts told in order, at random places of a book that has nothing to do with them."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from functools import cache
from typing import NamedTuple

from sentencex import get_sentence_boundaries  # pyright: ignore[reportAttributeAccessIssue]

from tamis_evals.sample import Passage, Unit
from tamis_tools import tokens

NAME = "book.txt"


class Told(NamedTuple):
    """A text and its cuts; `facts` tells where each fact stands."""

    text: str
    sentences: tuple[Unit, ...]
    blocks: tuple[Unit, ...]
    facts: tuple[Passage, ...]


class _Line(NamedTuple):
    text: str
    paragraph: int
    fact: bool


@cache
def cut(paragraph: str) -> tuple[tuple[str, int], ...]:
    """Its sentences, each with its tokens: counted once a run."""
    spans = get_sentence_boundaries("en", paragraph)
    found = (paragraph[span["start_index"] : span["end_index"]].strip() for span in spans)
    return tuple((sentence, tokens.count(f" {sentence}")) for sentence in found if sentence)


def hidden(facts: Sequence[str], prose: Sequence[str], length: int, seed: str) -> Told:
    """The facts between sentences of as much prose as makes `length` tokens, from a paragraph drawn by lot.

    Prose that ends goes on from its beginning; each fact is a sentence of the paragraph that it falls into.
    """
    lot = random.Random(seed)
    room = length - sum(tokens.count(f" {fact}") for fact in facts)
    lines = list(_window(prose, lot.randrange(len(prose)), room))
    slots = sorted(lot.randrange(len(lines) + 1) for _ in facts)
    return _joined(_inserted(lines, facts, slots))


def _window(prose: Sequence[str], first: int, room: int) -> Iterator[_Line]:
    for number in range(len(prose)):
        room -= 1  # the blank line before it
        for sentence, size in cut(prose[(first + number) % len(prose)]):
            room -= size
            if room < 0:
                return
            yield _Line(sentence, number, False)


def _inserted(lines: Sequence[_Line], facts: Sequence[str], slots: Sequence[int]) -> list[_Line]:
    """A fact goes before the line of its slot, into that line's paragraph; after the last line, into the last."""
    out: list[_Line] = []
    done = 0
    for fact, slot in zip(facts, slots, strict=True):
        out += lines[done:slot]
        paragraph = lines[min(slot, len(lines) - 1)].paragraph if lines else 0
        out.append(_Line(fact, paragraph, True))
        done = slot
    return [*out, *lines[done:]]


def _joined(lines: Sequence[_Line]) -> Told:
    """Sentences of a paragraph on one line, a blank line between paragraphs."""
    parts: list[str] = []
    spans: list[Passage] = []
    starts: dict[int, int] = {}
    at = 0
    for line in lines:
        gap = "" if not parts else " " if line.paragraph in starts else "\n\n"
        at += len(gap)
        starts.setdefault(line.paragraph, at)
        parts += (gap, line.text)
        spans.append(Passage(0, at, at + len(line.text)))
        at += len(line.text)
    ends = {line.paragraph: span.end for line, span in zip(lines, spans, strict=True)}
    blocks = tuple(Unit(Passage(0, start, ends[paragraph])) for paragraph, start in starts.items())
    facts = tuple(span for line, span in zip(lines, spans, strict=True) if line.fact)
    return Told("".join(parts) + "\n", tuple(map(Unit, spans)), blocks, facts)
