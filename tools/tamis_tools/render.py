"""How text of a source looks to an agent: inside a fence that it can't close, with line numbers where it is paged."""

from __future__ import annotations

from hashlib import sha256
from itertools import count, pairwise
from typing import TYPE_CHECKING

from tamis_tools.document import Span

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tamis_tools.document import Document


def numbered(document: Document, span: Span) -> str:
    """The lines of a span, each after its number (counted as `Document.locate` does), without line ends.

    A line that the span starts or ends in shows only that part. All else is left as it stands.
    """
    if span.end <= span.start:
        return ""
    lines = document.lines_of(span)
    before = document.lines_before_page(lines.first)
    width = len(str(lines.last - before))
    pieces = document.text[span.start : span.end].removesuffix("\n").split("\n")
    return "\n".join(
        f"{number:>{width}}  {piece.removesuffix(chr(13))}" for number, piece in enumerate(pieces, lines.first - before)
    )


def paged(document: Document, span: Span) -> tuple[Span, ...]:
    """The span cut where the pages of a PDF begin, one page each; whole for other formats."""
    starts = {document.line_starts[line] for line in document.page_starts}
    cuts = [span.start, *sorted(at for at in starts if span.start < at < span.end), span.end]
    return tuple(Span(start, end) for start, end in pairwise(cuts))


def nonce(texts: Iterable[str]) -> str:
    """At least four hex digits that occur in none of the texts, and the same for the same texts."""
    held = tuple(texts)
    digest = sha256("\0".join(held).encode("utf-8", "surrogatepass")).hexdigest()
    return next(digest[:size] for size in count(4) if not any(digest[:size] in text for text in held))


def fenced(nonce: str, label: str, body: str) -> str:
    """`body` between marks that hold the nonce; `label` on one line, whatever a file's name holds."""
    return f"<<<{nonce} {printable(label)}\n{body}\n{nonce}>>>"


def some(names: Sequence[str], most: int) -> str:
    """The first names, and how many more there are."""
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more:,} more" if more > 0 else "")


def printable(name: str) -> str:
    """A name as it may stand in a line of ours: line ends and other control characters replaced."""
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in name)
