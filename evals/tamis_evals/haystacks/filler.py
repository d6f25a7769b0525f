"""Long context of titled paragraphs: a question's own, at random places among others that do not help."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import accumulate
from typing import NamedTuple

from tamis_evals.arms.bm25 import Index, index
from tamis_evals.datasets.paragraphs import Paragraph
from tamis_evals.metrics.answers import normalised, occurrences
from tamis_evals.sample import Passage, Unit
from tamis_tools import tokens

NAME = "haystack.txt"
MISSES = 50
"""Paragraphs that may be too long for what is left, one after the other, before the haystack counts as full."""


class Block(NamedTuple):
    """A paragraph as it stands in the file: title line, text, blank line. Spans are characters from its beginning."""

    title: str
    text: str
    tokens: int
    body: tuple[int, int]
    sentences: tuple[tuple[int, int], ...]


class Placed(NamedTuple):
    """Where one paragraph stands in a haystack: its text less the title, and its sentences."""

    body: Passage
    sentences: tuple[Passage, ...]


class Haystack(NamedTuple):
    """A text and its cuts; `own` tells where each of the question's own paragraphs stands."""

    text: str
    sentences: tuple[Unit, ...]
    blocks: tuple[Unit, ...]
    own: tuple[Placed, ...]


@lru_cache(maxsize=20_000)
def laid(paragraph: Paragraph) -> Block:
    """The paragraph as a block. Its tokens are counted once a run: a haystack is the sum of its blocks."""
    first = len(paragraph.title) + 1
    ends = accumulate((len(sentence) + 1 for sentence in paragraph.sentences), initial=first)
    spans = tuple((start, start + len(text)) for start, text in zip(ends, paragraph.sentences, strict=False))
    text = f"{paragraph.title}\n{paragraph.text}\n\n"
    return Block(paragraph.title, text, tokens.count(text), (first, len(text) - 2), spans)


@dataclass(frozen=True)
class Pool:
    """Paragraphs to fill with: each title once for each text, none empty."""

    paragraphs: tuple[Paragraph, ...]

    @classmethod
    def of(cls, paragraphs: Iterable[Paragraph]) -> Pool:
        """Without those that stand twice."""
        return cls(tuple(dict.fromkeys(paragraph for paragraph in paragraphs if paragraph.sentences)))

    def shuffled(self, seed: str) -> Iterator[int]:
        """All numbers in an order of the seed's own."""
        numbers = range(len(self.paragraphs))
        return iter(random.Random(seed).sample(numbers, len(numbers)))

    def ranked(self, query: str) -> Iterator[int]:
        """All numbers, the highest BM25 for the query first."""
        scores = self._index.scores(query)
        return (int(number) for number in (-scores).argsort(kind="stable"))

    def harmless(self, numbers: Iterable[int], own: Iterable[Paragraph], answers: Sequence[str]) -> Iterator[Paragraph]:
        """Those with no title of the question's own paragraphs that hold none of its (normalised) answers."""
        taken = {paragraph.title.casefold() for paragraph in own}
        for number in numbers:
            paragraph = self.paragraphs[number]
            if paragraph.title.casefold() not in taken and not occurrences(self._words[number], answers):
                yield paragraph

    @cached_property
    def _words(self) -> tuple[str, ...]:
        return tuple(normalised(f"{paragraph.title} {paragraph.text}") for paragraph in self.paragraphs)

    @cached_property
    def _index(self) -> Index:
        return index([f"{paragraph.title} {paragraph.text}" for paragraph in self.paragraphs])


def tokens_of(paragraph: Paragraph) -> int:
    """Of its block."""
    return laid(paragraph).tokens


def fitting(
    paragraphs: Iterable[Paragraph], room: int, size: Callable[[Paragraph], int] = tokens_of
) -> list[Paragraph]:
    """Those that still fit into `room` tokens, in their order."""
    kept: list[Paragraph] = []
    misses = 0
    for paragraph in paragraphs:
        needed = size(paragraph)
        if needed <= room:
            room, misses = room - needed, 0
            kept.append(paragraph)
        elif (misses := misses + 1) >= MISSES:
            break
    return kept


def haystack(own: Sequence[Paragraph], filler: Sequence[Paragraph], seed: str) -> Haystack:
    """All of them in an order drawn by lot, so that each of the own stands anywhere with equal chance."""
    everything = [laid(paragraph) for paragraph in (*own, *filler)]
    order = random.Random(seed).sample(range(len(everything)), len(everything))
    shuffled = [everything[number] for number in order]
    starts = list(accumulate((len(block.text) for block in shuffled), initial=0))
    at = dict(zip(order, starts, strict=False))
    blocks = tuple(
        Unit(Passage(0, start, start + block.body[1]), block.title)
        for start, block in zip(starts, shuffled, strict=False)
    )
    sentences = tuple(
        Unit(Passage(0, start + begin, start + end), block.title)
        for start, block in zip(starts, shuffled, strict=False)
        for begin, end in block.sentences
    )
    places = tuple(_placed(everything[number], at[number]) for number in range(len(own)))
    return Haystack("".join(block.text for block in shuffled), sentences, blocks, places)


def _placed(block: Block, at: int) -> Placed:
    spans = (Passage(0, at + start, at + end) for start, end in (block.body, *block.sentences))
    return Placed(next(spans), tuple(spans))
