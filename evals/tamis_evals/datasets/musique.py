"""MuSiQue (answerable): 200 dev questions with supporting paragraphs and hops, and 1,890 paragraphs of filler."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from tamis_evals.datasets.data import Data
from tamis_evals.datasets.paragraphs import Hop, Paragraph, Question, from_text

NAME = "musique"
QUESTIONS = "musique-samples/musique_dev200.json"
POOL = "musique-samples/musique_train100_corpus.json"


class _Paragraph(BaseModel):
    model_config = ConfigDict(extra="ignore")

    title: str
    paragraph_text: str
    is_supporting: bool


class _Hop(BaseModel):
    model_config = ConfigDict(extra="ignore")

    answer: str
    paragraph_support_idx: int


class _Row(BaseModel):
    model_config = ConfigDict(extra="ignore")

    id: str
    question: str
    answer: str
    answer_aliases: list[str]
    paragraphs: list[_Paragraph]
    question_decomposition: list[_Hop]

    def as_question(self) -> Question:
        """The row without its file's form."""
        return Question(
            self.id,
            self.question,
            (self.answer, *self.answer_aliases),
            tuple(from_text(each.title, each.paragraph_text) for each in self.paragraphs),
            frozenset(at for at, each in enumerate(self.paragraphs) if each.is_supporting),
            hops=tuple(Hop(hop.paragraph_support_idx, hop.answer) for hop in self.question_decomposition),
        )


def questions(data: Data) -> list[Question]:
    """All questions in the file's order, which is by number of hops; raises `DataMissing`."""
    return [_Row.model_validate(row).as_question() for row in data.lines(QUESTIONS)]


def pool(data: Data) -> list[Paragraph]:
    """The paragraphs of a hundred training questions; raises `DataMissing`."""
    return [from_text(row["title"], row["text"]) for row in data.json(POOL)]
