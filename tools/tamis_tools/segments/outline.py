"""Code cut along an outline of it, whatever the outline was made from: a syntax tree or indentation.

All of it works on rows (lines counted from 0), so that what is shown are whole lines.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

from tamis_tools.document import Span
from tamis_tools.segments.cutting import without_end
from tamis_tools.segments.model import MAX_SEGMENT_CHARS, Segment

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tamis_tools.document import Document

DEFINITION_ROWS = 25
"""A function or class up to this length is one segment."""
GROUP_ROWS = 20
"""Statements are put together up to this length."""
ENOUGH_ROWS = 5
"""A group of this length ends at the next blank line."""
HEAD_ROWS = 2
"""A class that begins with no more than this before its first method is shown with it."""
SIGNATURE_ROWS = 3
SIGNATURE_CHARS = 320
CONTEXTS = 3
"""Enclosing definitions that are shown: the innermost ones."""
DEEPEST = 40


class Rows(NamedTuple):
    """Rows first to last, both included."""

    first: int
    last: int

    @property
    def height(self) -> int:
        """How many they are."""
        return self.last - self.first + 1


class Part(NamedTuple):
    """Rows that belong together; `signature` names them where they define something that stands on its own."""

    rows: Rows
    signature: Rows | None = None
    source: object = None
    """What the outline needs to open the part further."""
    holds_definitions: bool = False
    """A class rather than a function: what stands in it isn't read as one."""

    @property
    def block(self) -> Rows | None:
        """The rows that a reader would take as a whole, if they are one unit."""
        return None if self.holds_definitions else self.rows


class Outline(Protocol):
    """Says what a part is made of."""

    def parts(self, part: Part) -> Sequence[Part]:
        """Smaller parts that together cover the rows of `part`, in order; none where it can't be opened."""
        ...


class Lines:
    """The rows of a document as characters."""

    def __init__(self, document: Document) -> None:
        self.text = document.text
        self.starts = (*document.line_starts, len(document.text))

    @property
    def count(self) -> int:
        """How many rows there are."""
        return len(self.starts) - 1

    def span(self, rows: Rows) -> Span:
        """The characters of the rows without white space at their end."""
        return without_end(self.text, Span(self.starts[rows.first], self.starts[rows.last + 1]))

    def content(self, row: int) -> str:
        """One row without white space around it."""
        return self.text[self.starts[row] : self.starts[row + 1]].strip()

    def fits(self, rows: Rows, most: int) -> bool:
        """True where the rows may be one segment of at most `most` rows."""
        return rows.height <= most and self.starts[rows.last + 1] - self.starts[rows.first] <= MAX_SEGMENT_CHARS


def cut_along(lines: Lines, outline: Outline, whole: Part) -> Iterator[Segment]:
    """Segments of everything in `whole`: small definitions whole, the rest in groups of a few rows."""
    yield from _Cutter(lines, outline).opened(whole, ())


class _Cutter:
    def __init__(self, lines: Lines, outline: Outline) -> None:
        self.lines = lines
        self.outline = outline

    def opened(self, part: Part, context: tuple[Span, ...], block: Rows | None = None) -> Iterator[Segment]:
        """The segments of a part; `block` is the function that its statements belong to."""
        for inner in self._grouped(self._flat(part, len(context))):
            if inner.signature and not self.lines.fits(inner.rows, DEFINITION_ROWS):
                yield from self.opened(inner, (*context, self._shown(inner.signature)), inner.block)
            else:
                span = self.lines.span(inner.rows)
                owner = self.lines.span(block) if block and not inner.signature else span
                yield Segment(*span, "code", owner, context[-CONTEXTS:])

    def _shown(self, signature: Rows) -> Span:
        last = min(signature.last, signature.first + SIGNATURE_ROWS - 1)
        start, end = self.lines.span(Rows(signature.first, last))
        return Span(start, min(end, start + SIGNATURE_CHARS))

    def _flat(self, part: Part, depth: int) -> Iterator[Part]:
        """The parts of a part, large ones opened in turn, but for definitions."""
        parts = self.outline.parts(part) if depth < DEEPEST else ()
        if not parts:
            yield Part(part.rows)
        for inner in parts:
            if inner.signature or self.lines.fits(inner.rows, GROUP_ROWS):
                yield inner
            else:
                yield from self._flat(inner, depth + 1)

    def _grouped(self, parts: Iterator[Part]) -> Iterator[Part]:
        group: Rows | None = None
        first = True
        for part in parts:
            if group and (self._belongs(group, part) or (first and self._introduces(group, part))):
                group = Rows(group.first, part.rows.last)
                continue
            if group:
                yield Part(group)
                first = False
            group = None if part.signature else part.rows
            if part.signature:
                yield part
                first = False
        if group:
            yield Part(group)

    def _belongs(self, group: Rows, part: Part) -> bool:
        if part.signature or not self.lines.fits(Rows(group.first, part.rows.last), GROUP_ROWS):
            return False
        return group.height < ENOUGH_ROWS or bool(self.lines.content(part.rows.first - 1))

    def _introduces(self, group: Rows, part: Part) -> bool:
        """A class line without a docstring or fields says too little alone."""
        return group.height <= HEAD_ROWS and self.lines.fits(Rows(group.first, part.rows.last), DEFINITION_ROWS)
