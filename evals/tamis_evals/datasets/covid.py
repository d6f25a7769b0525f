"""COVID-QA: questions of biomedical experts over full papers, with the answer as a span, in SQuAD's format."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pydantic import BaseModel

from tamis_evals.datasets.data import Data
from tamis_evals.datasets.labelled import Span
from tamis_evals.datasets.spans import Question, stripped

PATH = "covid-qa/200423_covidQA.json"
SLIP = 8
"""A sixth of the offsets are a few characters off; an answer that is nowhere so near is left out."""


class _Answer(BaseModel):
    text: str
    answer_start: int


class _Asked(BaseModel):
    id: int
    question: str
    answers: list[_Answer]


class _Paper(BaseModel):
    context: str
    document_id: int
    qas: list[_Asked]


class _Article(BaseModel):
    paragraphs: list[_Paper]


class _File(BaseModel):
    data: list[_Article]


def questions(data: Data) -> Iterator[Question]:
    """All questions whose answer stands where the file says it does; raises `DataMissing`."""
    for article in _File.model_validate_json(data.bytes(PATH)).data:
        for paper in article.paragraphs:
            for asked in paper.qas:
                found = [placed(paper.context, each.text, each.answer_start) for each in asked.answers]
                spans = tuple(sorted({span for span in found if span is not None}))
                if spans:
                    answers = tuple(paper.context[span.start : span.end] for span in spans)
                    cluster = str(paper.document_id)
                    name = f"paper-{cluster}.txt"
                    query = " ".join(asked.question.split())
                    yield Question(f"{asked.id}", cluster, name, paper.context, query, spans, answers)


def placed(text: str, answer: str, start: int) -> Span | None:
    """Where the answer stands in `text`, blanks at its ends aside: nearest to `start`, and no more than `SLIP` off."""
    answer = answer.strip()
    if not answer:
        return None
    low = max(0, start - SLIP)
    window = text[low : start + SLIP + len(answer)]
    found = [low + match.start() for match in re.finditer(f"(?={re.escape(answer)})", window)]
    if not found:
        return None
    at = min(found, key=lambda place: abs(place - start))
    return stripped(text, Span(at, at + len(answer)))
