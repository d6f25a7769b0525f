"""What data sets of sentence selection have in common: a question, a short text, and which sentences answer."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple


class Span(NamedTuple):
    """Characters `start` to `end` of a text."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Labelled:
    """A question over a text. `title` names the document that the text is from: empty where there is none.

    `sentences` are the data set's own, in order; `relevant` holds the numbers of those that a full answer rests on,
    empty where the text does not answer. `answers` are strings of the text, where the data set has them.
    """

    id: str
    title: str
    question: str
    text: str
    sentences: tuple[Span, ...]
    relevant: tuple[int, ...]
    answers: tuple[str, ...] = ()


def scored(title: str) -> bool:
    """Whether a document is in the half that is scored; the other half may be trained on.

    By a hash of the title, so that all parts of all data sets that quote one article fall on the same side: 382 of the
    459 articles of SelQA's test part are in its dev part too.
    """
    return hashlib.sha256(title.strip().lower().encode()).digest()[0] % 2 == 1


def joined(sentences: Iterable[str], glue: str = " ", lead: str = "") -> tuple[str, tuple[Span, ...]]:
    """A text of the sentences, each after `lead`, with `glue` between them; and where each stands in it."""
    text, spans = "", list[Span]()
    for sentence in sentences:
        text += (glue if text else "") + lead
        spans.append(Span(len(text), len(text) + len(sentence)))
        text += sentence
    return text, tuple(spans)


def located(text: str, sentences: Iterable[str]) -> tuple[Span, ...]:
    """Where each sentence stands in the text, in order; raises `ValueError` where one does not."""
    spans, at = list[Span](), 0
    for sentence in sentences:
        start = text.index(sentence, at)
        at = start + len(sentence)
        spans.append(Span(start, at))
    return tuple(spans)
