"""HotpotQA (distractor setting): 200 dev questions with supporting sentences, and 994 paragraphs of filler."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from tamis_evals.datasets.data import Data
from tamis_evals.datasets.paragraphs import Paragraph, Question, from_sentences, with_facts

NAME = "hotpotqa"
QUESTIONS = "hotpotqa-samples/hotpot_dev200.json"
POOL = "hotpotqa-samples/hotpot_train100_corpus.json"


class _Row(BaseModel):
    """A line of the file, less what others' systems gave for it (`reranked_ret_res` would leak)."""

    model_config = ConfigDict(extra="ignore")

    id: str
    question: str
    answer: str
    context: list[tuple[str, list[str]]]
    supporting_facts: list[tuple[str, int]]


def questions(data: Data) -> list[Question]:
    """All questions in the file's order; raises `DataMissing`."""
    rows = [_Row.model_validate({**row, "id": row["_id"]}) for row in data.lines(QUESTIONS)]
    return [with_facts((row.id, row.question, row.answer), row.context, row.supporting_facts) for row in rows]


def pool(data: Data) -> list[Paragraph]:
    """The paragraphs of a hundred training questions; raises `DataMissing`."""
    corpus: dict[str, list[str]] = data.json(POOL)
    return [from_sentences(title, sentences) for title, sentences in corpus.items()]
