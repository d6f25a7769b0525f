"""A whole source as text, and the arithmetic from character offsets to what a user sees."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from pathlib import Path

Format = Literal["text", "markdown", "code", "json", "jsonl", "csv", "log", "html", "pdf"]


class Span(NamedTuple):
    """Characters `text[start:end]` of a document."""

    start: int
    end: int


class LineRange(NamedTuple):
    """Lines first to last, counted from 1, both included."""

    first: int
    last: int


@dataclass(frozen=True)
class Document:
    """One source, decoded.

    `text` is what the file says: decoded characters with line ends as they are and without a byte order
    mark; for a PDF the text of its pages, each ended by a form feed. All offsets are into `text`.
    `address` is what an agent passes to get it again, without lines. `window` holds the lines that were
    asked for, where it was not the whole. `raw_sha256` is of the file's bytes, to see later if it changed.
    """

    address: str
    text: str
    format: Format = "text"
    language: str = ""
    encoding: str = "utf-8"
    path: Path | None = None
    raw_sha256: str = ""
    window: LineRange | None = None

    @cached_property
    def line_starts(self) -> tuple[int, ...]:
        """Offset of the first character of each line; a line ends after its line feed."""
        starts, text = [0], self.text
        at = text.find("\n")
        while at != -1:
            starts.append(at + 1)
            at = text.find("\n", at + 1)
        if len(starts) > 1 and starts[-1] == len(text):
            starts.pop()
        return tuple(starts)

    @cached_property
    def page_starts(self) -> tuple[int, ...]:
        """Index into `line_starts` of the first line of each page of a PDF; empty for other formats."""
        if self.format != "pdf":
            return ()
        pages = [0]
        at = self.text.find("\f")
        while at != -1 and at + 1 < len(self.text):
            pages.append(self.line_of(at + 1) - 1)
            at = self.text.find("\f", at + 1)
        return tuple(pages)

    def line_of(self, offset: int) -> int:
        """The line, counted from 1, that holds the character at `offset`."""
        return bisect_right(self.line_starts, offset)

    def lines_of(self, span: Span) -> LineRange:
        """The lines that a span touches. An empty span touches the line it stands on."""
        return LineRange(self.line_of(span.start), self.line_of(max(span.start, span.end - 1)))

    def span_of(self, lines: LineRange) -> Span:
        """The characters of whole lines, line ends included; clipped to the document."""
        starts = self.line_starts
        first = min(max(lines.first, 1), len(starts))
        last = min(max(lines.last, first), len(starts))
        return Span(starts[first - 1], starts[last] if last < len(starts) else len(self.text))

    def lines_before_page(self, line: int) -> int:
        """How many lines stand before the page of a PDF that holds `line`; 0 for other formats."""
        page = bisect_right(self.page_starts, line - 1)
        return self.page_starts[page - 1] if page else 0

    @property
    def readable(self) -> Span:
        """The characters to look at: the window where there is one, else everything."""
        return self.span_of(self.window) if self.window else Span(0, len(self.text))

    def locate(self, span: Span) -> str:
        """What a user calls a place: `path:12-18`, or `paper.pdf p3:4-9`."""
        return f"{self.address}{' ' if self.page_starts else ':'}{self.place(span)}"

    def place(self, span: Span) -> str:
        """The lines of a span, `12-18`; in a PDF its page and the lines in it, `p3:4-9`."""
        lines = self.lines_of(span)
        if not self.page_starts:
            return _range(lines.first, lines.last)
        page = bisect_right(self.page_starts, lines.first - 1)
        before = self.lines_before_page(lines.first)
        return f"p{page}:{_range(lines.first - before, lines.last - before)}"


def _range(first: int, last: int) -> str:
    return str(first) if first == last else f"{first}-{last}"
