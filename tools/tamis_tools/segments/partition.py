"""Segments made good: what each format proposes becomes sorted, disjoint, complete and short enough."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tamis_tools.document import Span
from tamis_tools.segments.cutting import cut, trimmed
from tamis_tools.segments.model import MAX_SEGMENT_CHARS, Segment

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tamis_tools.document import Document

_PROSE = {"sentence", "turn", "heading"}


def partition(document: Document, proposed: Iterable[Segment], visible: str | None = None) -> tuple[Segment, ...]:
    """The proposed segments, in order, clipped to what may be read, and what lies between them as `text`.

    `visible` is the document's text with everything that a reader doesn't see replaced by spaces.
    """
    text = document.text if visible is None else visible
    at, end = document.readable
    done: list[Segment] = []
    for segment in proposed:
        if segment.start > at:
            done += _between(text, at, min(segment.start, end))
        if at <= segment.start < segment.end <= end and _is_good(text, segment):
            done.append(segment)
        elif segment.end > at and segment.start < end:
            done += _pieces(text, segment, Span(max(segment.start, at), min(segment.end, end)))
        at = max(at, segment.end)
    done += _between(text, at, end)
    return tuple(done) if document.window is None else tuple(_clipped(done, document.readable))


def _is_good(text: str, segment: Segment) -> bool:
    """Short enough, nothing to trim, no context: most records and rows."""
    start, end = segment.start, segment.end
    ends_well = not text[start].isspace() and not text[end - 1].isspace()
    return ends_well and end - start <= MAX_SEGMENT_CHARS and not segment.context


def _between(text: str, start: int, end: int) -> Iterator[Segment]:
    if start < end and not text[start:end].isspace():
        span = trimmed(text, start, end, whole_lines=True)
        yield from _pieces(text, Segment(span.start, span.end, "text", span), span)


def _pieces(text: str, segment: Segment, span: Span) -> Iterator[Segment]:
    whole_lines = segment.kind not in _PROSE
    span = trimmed(text, *span, whole_lines=whole_lines)
    if span.end - span.start <= MAX_SEGMENT_CHARS:
        pieces: Iterable[Span] = (span,)
    else:
        cuts = cut(text, *span, MAX_SEGMENT_CHARS)
        pieces = (trimmed(text, *piece, whole_lines=whole_lines) for piece in cuts)
    for start, end in pieces:
        if start < end:
            yield _fitted(segment, start, end)


def _fitted(segment: Segment, start: int, end: int) -> Segment:
    context = segment.context
    if any(span.start < end and start < span.end for span in context):
        context = tuple(span for span in context if span.end <= start or end <= span.start)
    elif (start, end) == segment.span:
        return segment
    return Segment(start, end, segment.kind, segment.block, context)


def _clipped(segments: Iterable[Segment], window: Span) -> Iterator[Segment]:
    for segment in segments:
        block = Span(max(segment.block.start, window.start), min(segment.block.end, window.end))
        yield segment if block == segment.block else replace(segment, block=block)
