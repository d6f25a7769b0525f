"""XQuAD's English part: SQuAD questions with one answer each; an article's other paragraphs are the distractors.

The encoder has seen SQuAD in training: figures on it are secondary.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from pydantic import BaseModel

from tamis_evals.datasets.data import Data
from tamis_evals.datasets.paragraphs import Fact, Paragraph, Question, from_text

NAME = "xquad"
PATH = "xquad-en/xquad.en.json"


class _Answer(BaseModel):
    text: str


class _Asked(BaseModel):
    id: str
    question: str
    answers: list[_Answer]


class _Passage(BaseModel):
    context: str
    qas: list[_Asked]


class _Article(BaseModel):
    title: str
    paragraphs: list[_Passage]


class _File(BaseModel):
    data: list[_Article]


def questions(data: Data) -> list[Question]:
    """Those whose answer stands within one sentence of its paragraph; raises `DataMissing`."""
    articles = _File.model_validate(data.json(PATH)).data
    return [question for article in articles for question in _of(article)]


def _of(article: _Article) -> Iterator[Question]:
    title = article.title.replace("_", " ")
    paragraphs = tuple(from_text(title, passage.context) for passage in article.paragraphs)
    for number, passage in enumerate(article.paragraphs):
        for asked in passage.qas:
            answers = tuple(answer.text for answer in asked.answers)
            facts = tuple(Fact(number, at) for at in _saying(paragraphs[number], answers))
            if facts:
                yield Question(asked.id, asked.question, answers, paragraphs, frozenset({number}), facts)


def _saying(paragraph: Paragraph, answers: tuple[str, ...]) -> list[int]:
    """The first sentence that holds an answer."""
    found = (at for at, line in enumerate(paragraph.sentences) if any(answer in line for answer in answers))
    return list(islice(found, 1))
