"""Chosen segments as what is shown: spans merged into slices, slices into fenced text."""

from __future__ import annotations

from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING, NamedTuple

from tamis_tools import render, tokens
from tamis_tools.document import Span
from tamis_tools.results import Slice

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tamis_tools.document import Document
    from tamis_tools.ranking import Ranking
    from tamis_tools.views import View

GAP_LINES = 1
GAP_CHARS = 80
"""Text left out between two chosen pieces is shown where it is no more than this: a gap costs a reader more."""


class Stretch(NamedTuple):
    """A stretch of one document that is shown, and the best score of what it holds."""

    document: int
    span: Span
    score: float


def merged(ranking: Ranking, chosen: Iterable[int], view: View, others: Iterable[Stretch] = ()) -> list[Stretch]:
    """What a view shows of the chosen segments, as few stretches as possible; documents best first, lines in order."""
    documents = ranking.corpus.documents
    pieces: dict[int, list[tuple[Span, float]]] = {}
    for number, span, score in others:
        pieces.setdefault(number, []).append((span, score))
    for at in chosen:
        entry, score = ranking.corpus.entries[at], float(ranking.scores[at])
        spans = view.pieces(documents[entry.document], entry.segment)
        pieces.setdefault(entry.document, []).extend((span, score) for span in spans)
    best_first = sorted(pieces.items(), key=lambda item: (-max(score for _, score in item[1]), item[0]))
    return [
        Stretch(number, span, score)
        for number, spans in best_first
        for span, score in view.joined(documents[number], sorted(spans))
    ]


def fenced(documents: Sequence[Document], stretches: Sequence[Stretch]) -> str:
    """One fence a document: its address with the lines of the first stretch, then the text word for word.

    Before every further stretch stands a line of its own, `…120`, with the line that it begins in.
    """
    groups = [(documents[number], list(group)) for number, group in groupby(stretches, attrgetter("document"))]
    bodies = [_body(document, group) for document, group in groups]
    nonce = render.nonce(bodies)
    labels = (document.locate(group[0].span) for document, group in groups)
    return "\n".join(render.fenced(nonce, label, body) for label, body in zip(labels, bodies, strict=True))


def _body(document: Document, group: Sequence[Stretch]) -> str:
    lines: list[str] = []
    for item in group:
        if lines:
            lines.append(f"…{document.place(item.span).partition('-')[0]}")
        lines.append(document.text[item.span.start : item.span.end].removesuffix("\n"))
    return "\n".join(lines)


def as_data(documents: Sequence[Document], stretches: Iterable[Stretch]) -> list[Slice]:
    """The same for programs."""
    return [_slice(documents[item.document], item) for item in stretches]


def _slice(document: Document, item: Stretch) -> Slice:
    lines = document.lines_of(item.span)
    text = document.text[item.span.start : item.span.end]
    return Slice(
        source=document.address,
        start_line=lines.first,
        end_line=lines.last,
        start=item.span.start,
        end=item.span.end,
        score=round(item.score, 4),
        tokens=tokens.count(text),
        text=text,
    )


def joined(document: Document, pieces: list[tuple[Span, float]]) -> list[tuple[Span, float]]:
    """Stretches in order, those that touch or nearly touch made one with the better score."""
    joined = [pieces[0]]
    for span, score in pieces[1:]:
        last, best = joined[-1]
        if span.start <= last.end or _small(document.text[last.end : span.start]):
            joined[-1] = (Span(last.start, max(last.end, span.end)), max(best, score))
        else:
            joined.append((span, score))
    return joined


def _small(gap: str) -> bool:
    return not gap.strip() or (gap.count("\n") <= GAP_LINES and len(gap) <= GAP_CHARS)
