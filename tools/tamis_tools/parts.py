"""What may stand after an address: lines (`:12-18`, `#L12-L18`), or a page of a PDF and lines in it (` p2:1-9`)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from tamis_tools.document import LineRange
from tamis_tools.errors import BadArgument

if TYPE_CHECKING:
    from tamis_tools.document import Document

_LINES = r"(?P<first>[0-9]{1,9})(?:-(?P<last>[0-9]{1,9}))?"
_SPELLINGS = tuple(
    re.compile(rf"(?P<address>.*){spelling}", re.DOTALL)
    for spelling in (
        rf":{_LINES}",
        r"#L(?P<first>[0-9]{1,9})(?:-L?(?P<last>[0-9]{1,9}))?",
        rf"(?: |:|#)p(?:age=)?(?P<page>[0-9]{{1,9}})(?::{_LINES})?",
    )
)


@dataclass(frozen=True, slots=True)
class Part:
    """Lines, counted from the start of a document; with a `page` from the start of that one, None for all of it."""

    lines: LineRange | None
    page: int | None = None

    def __str__(self) -> str:
        lines = f":{self.lines.first}-{self.lines.last}" if self.lines else ""
        return lines if self.page is None else f" p{self.page}{lines}"

    def window(self, document: Document, name: str) -> LineRange:
        """The lines of the document that are meant; raises `BadArgument`, which calls it `name`, if there are none."""
        before, most = (0, len(document.line_starts)) if self.page is None else self._page_of(document, name)
        first, last = self.lines or LineRange(1, most)
        if first < 1 or last < first:
            first, last = sorted((max(first, 1), max(last, 1)))
            raise BadArgument(
                f"{name}{self}: lines count from 1, and the first comes before the last. "
                f"Did you mean {name}{Part(LineRange(first, last), self.page)}?"
            )
        if first > most:
            where = "" if self.page is None else f" of page {self.page}"
            raise BadArgument(
                f"{name}{self} is past the end: the last line{where} is {most}. "
                f"Pass {name}{Part(LineRange(1, most), self.page)}."
            )
        return LineRange(before + first, min(before + last, len(document.line_starts)))

    def _page_of(self, document: Document, name: str) -> tuple[int, int]:
        """How many lines stand before the page, and how many in it."""
        pages = (*document.page_starts, len(document.line_starts))
        count = len(pages) - 1
        if not count:
            raise BadArgument(f"{name} is no PDF and has no pages. Pass lines of it, as in {name}:1-{pages[0]}.")
        if not self.page or self.page > count:
            raise BadArgument(f"{name}{self}: its pages go from 1 to {count}.")
        return pages[self.page - 1], pages[self.page] - pages[self.page - 1]


class Meaning(NamedTuple):
    """An address, and the part of what it names."""

    address: str
    part: Part | None


def meanings(text: str) -> tuple[Meaning, ...]:
    """What `text` may mean, the literal name before a name with a part: a name may end like one."""
    found = (spelling.fullmatch(text) for spelling in _SPELLINGS)
    return (Meaning(text, None), *(Meaning(match["address"], _part(match.groupdict())) for match in found if match))


def _part(groups: dict[str, str | None]) -> Part:
    first, last, page = groups["first"], groups["last"], groups.get("page")
    lines = LineRange(int(first), int(last or first)) if first else None
    return Part(lines, int(page) if page else None)
