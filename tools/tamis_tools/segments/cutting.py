"""Where a piece of text that is too long may be cut, and how far a piece reaches without the white space around it."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

from tamis_tools.document import Span

if TYPE_CHECKING:
    from collections.abc import Iterator

_BREAKS = tuple(
    re.compile(pattern)
    for pattern in (
        r"(?<=\n)[ \t]*\r?\n",  # after a blank line
        r"\n",
        r"(?<=[.!?;…])[\"'”’)\]]*\s|[。！？]",
        r"\s",
        r"[,;})\]>](?=\w)",
    )
)
"""Best first; a cut is made after the match."""

_LONGEST_CLUSTER = 64
_DEEPEST_INDENT = 200
_ZERO_WIDTH_JOINER = "\u200d"


def cut(text: str, start: int, end: int, limit: int) -> Iterator[Span]:
    """`text[start:end]` in pieces of at most `limit` characters and of about the same length."""
    while end - start > limit:
        pieces = -(-(end - start) // limit)
        size = (end - start) // pieces
        stop = last_break(text, start + size // 2, min(start + limit, start + size + size // 4))
        yield Span(start, stop)
        start = stop
    yield Span(start, end)


def trimmed(text: str, start: int, end: int, *, whole_lines: bool) -> Span:
    """The span without white space around it; with `whole_lines` the indentation of its first line stays."""
    piece = text[start:end]
    end = start + len(piece.rstrip())
    first = end - len(piece.strip())
    if not whole_lines or first >= end:
        return Span(min(first, end), end)
    line = text.rfind("\n", start, first) + 1
    begins_line = start == 0 or text[start - 1] == "\n"
    return Span(line or (start if begins_line else first), end)


def without_end(text: str, span: Span) -> Span:
    """The span without white space at its end."""
    return Span(span.start, span.start + len(text[span.start : span.end].rstrip()))


def line_start(text: str, at: int) -> int:
    """The start of the line of `at` if only white space stands between, else `at`."""
    start = text.rfind("\n", max(0, at - _DEEPEST_INDENT), at) + 1
    return start if start and not text[start:at].strip() else at


def last_break(text: str, low: int, high: int) -> int:
    """The last good place in `(low, high]` for a cut."""
    window = text[low:high]
    for pattern in _BREAKS:
        at = max((match.end() for match in pattern.finditer(window)), default=0)
        if at:
            return low + at
    return _between_clusters(text, low, high)


def _between_clusters(text: str, low: int, high: int) -> int:
    for at in range(high, max(low, high - _LONGEST_CLUSTER), -1):
        if not _joined(text[at - 1], text[at]):
            return at
    return high


def _joined(before: str, after: str) -> bool:
    """True where a reader sees the two as one character; pairs of flags count as joined throughout."""
    return (
        _ZERO_WIDTH_JOINER in (before, after)
        or unicodedata.category(after)[0] == "M"
        or "\U0001f3fb" <= after <= "\U0001f3ff"
        or "\U0001f1e6" <= min(before, after) <= max(before, after) <= "\U0001f1ff"
        or "\udc00" <= after <= "\udfff"
        or (before, after) == ("\r", "\n")
    )
