"""A passage cut into sentences or lines, and tokens assigned to them."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import NamedTuple
from unicodedata import combining

from sentencex import get_sentence_boundaries  # pyright: ignore[reportAttributeAccessIssue]

Offset = tuple[int, int]

SENTENCEX_CHARS = 2_000
"""What sentencex gets at once: on some text it takes the square of the time."""

_LINE_BREAK = re.compile(r"\r\n|\n|\r")


class Span(NamedTuple):
    """Characters of a passage."""

    start: int
    end: int


def lines(text: str) -> list[Span]:
    """Without their breaks; blank ones are left out."""
    return [span for span in _lines(text) if text[span.start : span.end].strip()]


def sentences(text: str) -> list[Span]:
    """Trimmed. A line break ends a sentence unless the next line goes on in small letters."""
    spans = [span for block in _blocks(text) for span in _sentences(text, block)]
    return [span for span in (trimmed(text, *span) for span in spans) if span.start < span.end]


def trimmed(text: str, start: int, end: int) -> Span:
    """Without the white space around it."""
    piece = text[start:end]
    start += len(piece) - len(piece.lstrip())
    return Span(start, max(start, end - (len(piece) - len(piece.rstrip()))))


def of_tokens(text: str, start: int, end: int) -> Span:
    """From one token's first character to another's last: trimmed, and with the accents that tokens leave out."""
    span = trimmed(text, start, end)
    end = span.end
    while span.start < end < len(text) and combining(text[end]):
        end += 1
    return Span(span.start, end)


def owners(units: Sequence[Span], offsets: Sequence[Offset]) -> list[int]:
    """The unit in which each token's last character lies, the white space behind a unit being part of it."""
    starts = [unit.start for unit in units[1:]]
    return [bisect_left(starts, end) for _, end in offsets]


def _lines(text: str) -> Iterator[Span]:
    start = 0
    for found in _LINE_BREAK.finditer(text):
        yield Span(start, found.start())
        start = found.end()
    yield Span(start, len(text))


def _blocks(text: str) -> Iterator[Span]:
    """Lines, put together with those that go on with a small letter."""
    start = end = 0
    for line in _lines(text):
        if line.start and not text[line.start : line.start + 1].islower():
            yield Span(start, end)
            start = line.start
        end = line.end
    yield Span(start, end)


def _sentences(text: str, block: Span) -> Iterator[Span]:
    at = block.start
    while at < block.end:
        stop = _stop(text, at, block.end)
        ends = sorted({at + found["end_index"] for found in get_sentence_boundaries("en", text[at:stop])} | {stop})
        if stop < block.end and len(ends) > 1:
            ends.pop()  # the last sentence may go on
        for end in ends:
            yield Span(at, end)
            at = end


def _stop(text: str, start: int, end: int) -> int:
    far = start + SENTENCEX_CHARS
    if far >= end:
        return end
    space = max(text.rfind(" ", start + 1, far), text.rfind("\n", start + 1, far))
    return space + 1 if space > start else far
