"""The three ways to show what matters: its text, the lines that name it, or where it stands."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tamis_tools import slices, tokens
from tamis_tools.document import Span
from tamis_tools.places import telling_line

if TYPE_CHECKING:
    from tamis_tools.document import Document
    from tamis_tools.requests import Detail
    from tamis_tools.segments import Segment
    from tamis_tools.slices import Stretch

Pieces = list[tuple[Span, float]]

STRETCH_TOKENS = 4
"""The line before a further stretch, or a score and a line end; stretches that touch need none, which leaves room."""


@dataclass(frozen=True, slots=True)
class View:
    """`pieces` are the spans of one segment that are shown, each for about so many `tokens`; `joined` makes
    stretches of them, and `text` shows those."""

    pieces: Callable[[Document, Segment], tuple[Span, ...]]
    tokens: Callable[[Document, Span], int]
    joined: Callable[[Document, Pieces], Pieces]
    text: Callable[[Sequence[Document], Sequence[Stretch]], str]
    passages: bool
    """Whether neighbours of a chosen segment are drawn in, so that passages come out."""
    repeats: bool = False
    """Whether what was said already is shown again."""


def _with_context(_document: Document, segment: Segment) -> tuple[Span, ...]:
    return (*segment.context, segment.span)


def _naming_line(document: Document, segment: Segment) -> tuple[Span, ...]:
    return (telling_line(document, segment, ""),)


def _itself(_document: Document, segment: Segment) -> tuple[Span, ...]:
    return (segment.span,)


def _of_the_text(document: Document, span: Span) -> int:
    return tokens.count(document.text[span.start : span.end]) + STRETCH_TOKENS


def _of_the_place(document: Document, span: Span) -> int:
    return tokens.count(document.locate(span)) + STRETCH_TOKENS


def _separate(_document: Document, pieces: Pieces) -> Pieces:
    return list(dict(pieces).items())


def _listed(documents: Sequence[Document], shown: Sequence[Stretch]) -> str:
    best_first = sorted(shown, key=lambda item: -item.score)
    return "\n".join(
        f"{item.score:.2f}".removeprefix("0") + f"  {documents[item.document].locate(item.span)}" for item in best_first
    )


VIEWS: dict[Detail, View] = {
    "verbatim": View(_with_context, _of_the_text, slices.joined, slices.fenced, passages=True),
    "outline": View(_naming_line, _of_the_text, slices.joined, slices.fenced, passages=False),
    "locations": View(_itself, _of_the_place, _separate, _listed, passages=False),
}
