"""CSV cut into rows, each with the header row for context."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tamis_tools.document import Span
from tamis_tools.segments.cutting import without_end
from tamis_tools.segments.model import Segment
from tamis_tools.segments.partition import partition

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tamis_tools.document import Document

HEADER_CHARS = 600

_ROW = re.compile(
    r"""(?:
        (?:^|(?<=[,;\t|]))"[^"]{0,4000}+(?:""[^"]{0,4000}+){0,1000}+"(?=[,;\t|\r\n]|\Z)   # quoted, line feeds and all
      | [^\n,;\t|]++
      | [,;\t|]
    )*+(?:\n|\Z)""",
    re.VERBOSE | re.MULTILINE,
)
"""A quote that never closes where a field may end is a character like others, so that it can't swallow the rest."""


def segment_rows(document: Document) -> tuple[Segment, ...]:
    """The first row that isn't blank is the header."""
    return partition(document, _rows(document.text))


def _rows(text: str) -> Iterator[Segment]:
    header: tuple[Span, ...] = ()
    for match in _ROW.finditer(text):
        row = without_end(text, Span(*match.span()))
        if row.start < row.end:
            yield Segment(*row, "row", row, header)
            header = header or (Span(row.start, min(row.end, row.start + HEADER_CHARS)),)
