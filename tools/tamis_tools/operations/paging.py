"""A text too long for one answer, page by page: whole lines where they fit, and the call for the next page."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tamis_tools import render, tokens
from tamis_tools.document import Span
from tamis_tools.errors import BadArgument
from tamis_tools.places import expand_call

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tamis_tools.document import Document

_LONGEST_TOKEN = 128
"""No token of o200k_base stands for more characters, so a text far over its budget need not be counted."""


@dataclass(frozen=True, slots=True)
class Book:
    """What is paged through: `span` of a document.

    `ref` names it again. `lasting` gives a reference that a character position may follow, because what it
    names can't change. `start` is where the first page begins; `hint` stands in the footer of each.
    """

    document: Document
    ref: str
    span: Span
    start: int
    lasting: Callable[[], str]
    notes: tuple[str, ...] = ()
    hint: str = ""
    changed: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """Some characters of a book. The next page begins at `next_ref`, `next_line`; no `next_ref` on the last."""

    book: Book
    span: Span
    next_ref: str = ""
    next_line: int = 0


def page_from(book: Book, start: int, max_tokens: int) -> Page:
    """As many whole lines as fit; of a line that does not fit alone, as many characters."""

    def fits(page: Page) -> bool:
        size = page.span.end - page.span.start
        return size <= max_tokens * _LONGEST_TOKEN and tokens.count(page_text(page, max_tokens)) <= max_tokens

    def of_lines(end: int) -> Page:
        if end == book.span.end:
            return Page(book, Span(start, end))
        return Page(book, Span(start, end), book.ref, book.document.line_of(end))

    def of_characters(end: int) -> Page:
        return Page(book, Span(start, end), f"{lasting}#c{end}")

    ends = _line_ends(book, start)
    found = _largest(ends, lambda end: fits(of_lines(end)))
    if found is not None:
        return of_lines(found)
    lasting = book.lasting()
    inside = range(start + 1, ends[0])
    found = _largest(inside, lambda end: fits(of_characters(end))) if inside else None
    if found is not None:
        return of_characters(found)
    needed = tokens.count(page_text(of_characters(min(start + 1, book.span.end)), max_tokens))
    raise BadArgument(
        f"max_tokens={max_tokens} has no room for any text of {book.ref} beside its address and notes. "
        f"Give {needed + 50}."
    )


def _line_ends(book: Book, start: int) -> tuple[int, ...]:
    starts = book.document.line_starts
    return (*starts[bisect_right(starts, start) : bisect_left(starts, book.span.end)], book.span.end)


def _largest(ends: Sequence[int], fits: Callable[[int], bool]) -> int | None:
    """The last of `ends` that fits, found by doubling and then halving, so that little is tried in vain."""
    if fits(ends[-1]):  # the last page has a shorter footer, so it may fit where the one before does not
        return ends[-1]
    low, probe = -1, 0
    while probe < len(ends) and fits(ends[probe]):
        low, probe = probe, 2 * probe + 1
    high = min(probe, len(ends))
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(ends[middle]) else (low, middle)
    return None if low < 0 else ends[low]


def page_text(page: Page, max_tokens: int) -> str:
    """What an agent reads: notes, fences (one for each page of a PDF), where this stands and the next call."""
    document = page.book.document
    bodies = [(document.locate(span), render.numbered(document, span)) for span in render.paged(document, page.span)]
    nonce = render.nonce(part for body in bodies for part in body)
    notes = (f"[{note}]" for note in page.book.notes)
    return "\n".join((*notes, *(render.fenced(nonce, *body) for body in bodies), _footer(page, max_tokens)))


def _footer(page: Page, max_tokens: int) -> str:
    document, span = page.book.document, page.span
    lines = document.lines_of(span)
    shown = f"lines {lines.first}-{lines.last}" if lines.last > lines.first else f"line {lines.first}"
    where = f"{shown} of {len(document.line_starts)}"
    if span != document.span_of(lines):
        where += f", characters {span.start + 1}-{span.end} of {len(document.text)}"
    following = f"Next: {expand_call(page.next_ref, page.next_line, max_tokens)}" if page.next_ref else "End."
    return f"[{where}. {page.book.hint}{following}]"
