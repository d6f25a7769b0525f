"""Documents cut into segments with exact offsets, each format in its own way."""

from tamis_tools.segments.by_format import ranking_text, segment
from tamis_tools.segments.model import MAX_SEGMENT_CHARS, Segment, SegmentKind

__all__ = ["MAX_SEGMENT_CHARS", "Segment", "SegmentKind", "ranking_text", "segment"]
