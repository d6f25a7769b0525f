"""A question about one document, and the characters of it that answer."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from tamis_evals.datasets.labelled import Span


@dataclass(frozen=True, slots=True)
class Question:
    """One row of a data set of this kind.

    `cluster` names the document, so that questions of one document are not taken for independent. `spans` are the
    evidence in reading order, no two overlapping. `cuts` are the data set's own units where it has some (the turns of a
    meeting), sentences and paragraphs at once.
    """

    id: str
    cluster: str
    name: str
    text: str
    query: str
    spans: tuple[Span, ...]
    answers: tuple[str, ...] = ()
    cuts: tuple[Span, ...] = ()


def joined(spans: Iterable[Span]) -> tuple[Span, ...]:
    """The same characters in order: spans that overlap become one."""
    out: list[Span] = []
    for span in sorted(spans):
        if out and span.start < out[-1].end:
            out[-1] = Span(out[-1].start, max(out[-1].end, span.end))
        elif span.end > span.start:
            out.append(span)
    return tuple(out)


def stripped(text: str, span: Span) -> Span:
    """The span without blanks at its ends; empty where it holds nothing else."""
    body = text[span.start : span.end]
    start = span.start + len(body) - len(body.lstrip())
    return Span(start, start + len(body.strip()))


def lines(text: str) -> tuple[Span, ...]:
    """All lines without their line feeds, empty ones too: line n of an editor is number n - 1."""
    out: list[Span] = []
    start = 0
    for line in text.split("\n"):
        out.append(Span(start, start + len(line)))
        start += len(line) + 1
    return tuple(out)
