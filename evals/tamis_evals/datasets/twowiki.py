"""2WikiMultihopQA: the questions of a dev sample that come with paragraphs, and 6,119 paragraphs of filler."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from tamis_evals.datasets.data import Data
from tamis_evals.datasets.paragraphs import Paragraph, Question, from_text, with_facts

NAME = "2wiki"
QUESTIONS = "2wikimultihop-samples/2wiki_dev200.json"
POOL = "2wikimultihop-samples/2wiki_corpus6119.json"


class _Row(BaseModel):
    """A line of the file, less what others' systems gave for it (`top_rank_questions` and `final_res` would leak)."""

    model_config = ConfigDict(extra="ignore")

    id: str
    question: str
    answer: str
    context: list[tuple[str, list[str]]] = []
    supporting_facts: list[tuple[str, int]]


def questions(data: Data) -> list[Question]:
    """Those with paragraphs, in the file's order; raises `DataMissing`."""
    rows = [_Row.model_validate({**row, "id": row["_id"]}) for row in data.lines(QUESTIONS)]
    return [
        with_facts((row.id, row.question, row.answer), row.context, row.supporting_facts) for row in rows if row.context
    ]


def pool(data: Data) -> list[Paragraph]:
    """The passages that HippoRAG searches; raises `DataMissing`."""
    return [from_text(row["title"], row["text"]) for row in data.json(POOL)]
