"""The part of a segment that says most about a query, where the whole does not fit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tamis_tools import lexical
from tamis_tools.document import Span

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PIECE_CHARS = 120
"""A longer line is taken in pieces of about so many characters, cut at white space."""


def excerpt(text: str, whole: Span, query: str, fits: Callable[[Span], bool]) -> Span | None:
    """The line that covers most of the query and as many of those around it as fit; None if not even that does."""
    lines = list(_lines(text, whole))
    covered = lexical.coverage(query, [text[slice(*line)] for line in lines])
    first = last = int(covered.argmax())
    if not fits(lines[first]):
        return None
    growing = True
    while growing:
        growing = False
        for low, high in ((first, last + 1), (first - 1, last)):
            if low >= 0 and high < len(lines) and fits(Span(lines[low].start, lines[high].end)):
                first, last, growing = low, high, True
    return Span(lines[first].start, lines[last].end)


def _lines(text: str, whole: Span) -> Iterator[Span]:
    start = whole.start
    while start < whole.end:
        end = text.find("\n", start, whole.end) + 1 or whole.end
        if end - start > PIECE_CHARS:
            end = text.rfind(" ", start + PIECE_CHARS // 2, start + PIECE_CHARS) + 1 or start + PIECE_CHARS
        yield Span(start, end)
        start = end
