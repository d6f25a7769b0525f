"""A piece of a document that is ranked and shown as one, with exact offsets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tamis_tools.document import Span

SegmentKind = Literal["heading", "sentence", "turn", "code", "record", "row", "value", "text"]

MAX_SEGMENT_CHARS = 1_200
"""No segment is longer, so that none fills a small budget alone; longer units are cut at line or word ends."""


@dataclass(frozen=True, slots=True)
class Segment:
    """`text[start:end]` of a document.

    `block` is the unit that a reader would take whole (paragraph, function, record, table); segments of one
    block share it. `context` are spans that make the segment understandable and are shown with it,
    outermost first: the headings above prose, the signature lines above a statement, a table's header row,
    the first line of a long record. None of them overlaps the segment.
    """

    start: int
    end: int
    kind: SegmentKind
    block: Span
    context: tuple[Span, ...] = ()

    @property
    def span(self) -> Span:
        """The characters of the segment itself."""
        return Span(self.start, self.end)
