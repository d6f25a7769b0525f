"""Markdown cut into sentences, list items, table rows and code, below its headings."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from markdown_it import MarkdownIt

from tamis_tools.document import Span
from tamis_tools.segments.model import Segment
from tamis_tools.segments.outline import Lines, Rows
from tamis_tools.segments.partition import partition
from tamis_tools.segments.prose import SHORT_CHARS, Headings, segment_prose, sentences

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from markdown_it.token import Token

    from tamis_tools.document import Document

MAX_LINES = 40_000
"""The parser takes up to 40 microseconds a line."""
ITEM_CHARS = 400
"""A list item up to this length is one segment."""

_FRONT_MATTER = re.compile(r"(---|\+\+\+)[ \t]*\r?\n(?:.*\n){0,200}?\1[ \t]*\r?(?:\n|\Z)")
_ITEM = re.compile(r"(?:[-*+]|\d{1,9}[.)])[ \t]")
_LONE_RETURN = re.compile(r"\r(?!\n)")


def segment_markdown(document: Document) -> tuple[Segment, ...]:
    """As plain text where it is too large to parse."""
    if len(document.line_starts) > MAX_LINES:
        return segment_prose(document)
    return partition(document, _short_items_joined(document.text, _Reader(document).segments()))


def _tokens(text: str) -> Sequence[Token]:
    """Block tokens; their rows are those of the document, because nothing but a line feed ends a line."""
    parser = MarkdownIt("commonmark").enable("table").disable(["inline", "text_join"])
    front = _FRONT_MATTER.match(text)
    hidden = re.sub(r"[^\n]", "", front[0]) if front else ""
    return parser.parse(hidden + _LONE_RETURN.sub(" ", text[front.end() if front else 0 :]))


class _Reader:
    def __init__(self, document: Document) -> None:
        self.text = document.text
        self.lines = Lines(document)
        self.headings = Headings()
        self.header: Span | None = None
        self.table = Span(0, 0)

    def segments(self) -> Iterator[Segment]:
        """Segments of the blocks that hold no other blocks, in order."""
        for token in _tokens(self.text):
            if token.map and token.map[0] < min(token.map[1], self.lines.count):
                rows = Rows(token.map[0], min(token.map[1], self.lines.count) - 1)
                yield from self._block(token, rows, self.lines.span(rows))

    def _block(self, token: Token, rows: Rows, span: Span) -> Iterator[Segment]:
        above = self.headings.context
        match token.type:
            case "paragraph_open":
                yield from self._paragraph(token, span)
            case "heading_open":
                above = above if token.level else self.headings.add(int(token.tag[1:]), span)
                yield Segment(*span, "heading", span, above)
            case "fence" | "code_block" | "html_block":
                yield Segment(*span, "text" if token.type == "html_block" else "code", span, above)
            case "table_open":
                self.table, self.header = span, None
            case "tr_open":
                yield self._row(rows)
            case _:
                pass

    def _paragraph(self, token: Token, span: Span) -> Iterator[Segment]:
        if token.level and span.end - span.start <= ITEM_CHARS:
            yield Segment(*span, "sentence", span, self.headings.context)
        else:
            yield from sentences(self.text, span, self.headings.context)

    def _row(self, rows: Rows) -> Segment:
        if self.header is None:
            # the line of dashes goes with it
            self.header = self.lines.span(Rows(rows.first, min(rows.last + 1, self.lines.count - 1)))
            return Segment(*self.header, "row", self.table, self.headings.context)
        return Segment(*self.lines.span(rows), "row", self.table, (*self.headings.context, self.header))


def _short_items_joined(text: str, segments: Iterable[Segment]) -> Iterator[Segment]:
    """Items of a list that are too short to say much go together with the next."""
    held: Segment | None = None
    for segment in segments:
        if held is not None and _go_together(text, held, segment):
            span = Span(held.start, segment.end)
            held = Segment(*span, "sentence", span, held.context)
        else:
            yield from [held] if held else []
            held = segment
    yield from [held] if held else []


def _go_together(text: str, one: Segment, other: Segment) -> bool:
    return (
        one.kind == other.kind == "sentence"
        and one.end - one.start < SHORT_CHARS
        and bool(_ITEM.match(text, one.start) and _ITEM.match(text, other.start))
        and text[one.end : other.start].strip(" \t\r") == "\n"
    )
