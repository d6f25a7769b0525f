"""The one way into the segments of a document, whatever its format."""

from __future__ import annotations

import re
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from tamis_tools.document import Document, Format
    from tamis_tools.segments.model import Segment

CONTEXT_CHARS = 160
"""Characters of one heading or signature that count in ranking."""
CONTEXTS_CHARS = 240
"""And of all of them; the encoder reads 256 tokens, and most of those belong to the segment."""

_MODULES: dict[Format, str] = {
    "text": "prose:segment_prose",
    "pdf": "prose:segment_prose",
    "markdown": "markdown:segment_markdown",
    "code": "code:segment_code",
    "log": "records:segment_log",
    "jsonl": "records:segment_json_lines",
    "json": "values:segment_values",
    "csv": "rows:segment_rows",
    "html": "markup:segment_markup",
}
_SPACES = re.compile(r"[^\S\n]{3,}|\s*\n\s*\n\s*")


def segment(document: Document) -> tuple[Segment, ...]:
    """All segments of what may be read of a document, in order.

    They don't overlap, none is longer than `MAX_SEGMENT_CHARS`, and together they hold every character that is
    not white space; of HTML, every one that a reader sees.
    """
    # late: parsers are only loaded for the formats that are met
    module, name = _MODULES[document.format].split(":")
    cut: Callable[[Document], tuple[Segment, ...]] = getattr(import_module(f"tamis_tools.segments.{module}"), name)
    return cut(document)


def ranking_text(document: Document, segment: Segment) -> str:
    """The text to judge a segment by: what encloses it, then the segment; the markup of HTML taken out."""
    pieces: list[str] = []
    room = CONTEXTS_CHARS
    for span in reversed(segment.context):
        piece = _readable(document, span.start, span.end)[: min(CONTEXT_CHARS, room)]
        room -= len(piece)
        pieces.append(piece)
    pieces.reverse()
    return "\n".join([*filter(None, pieces), _readable(document, segment.start, segment.end)])


def _readable(document: Document, start: int, end: int) -> str:
    text = document.text[start:end]
    if document.format == "html":
        # late: only HTML needs it
        from tamis_tools.segments.markup import plain_text

        text = plain_text(text)
    return _SPACES.sub(lambda run: "\n" if "\n" in run[0] else " ", text).strip()
