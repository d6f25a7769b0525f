"""Chroma's chunking evaluation: questions over five corpora, with the exact excerpts that answer."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator

from pydantic import BaseModel

from tamis_evals.datasets.data import Data
from tamis_evals.datasets.labelled import Span
from tamis_evals.datasets.spans import Question, joined

QUESTIONS = "chunking-evaluation/questions_df.csv"
CORPUS = "chunking-evaluation/corpora/{}.md"


class Reference(BaseModel):
    """An excerpt as the file gives it; `content` are the characters from `start_index` to `end_index`."""

    content: str
    start_index: int
    end_index: int


def questions(data: Data) -> Iterator[Question]:
    """All questions in the order of the file, a corpus a document; raises `DataMissing`."""
    texts: dict[str, str] = {}
    for number, row in enumerate(csv.DictReader(io.StringIO(data.text(QUESTIONS), newline=""))):
        corpus = row["corpus_id"]
        if corpus not in texts:
            texts[corpus] = data.text(CORPUS.format(corpus))
        found = [Reference.model_validate(each) for each in json.loads(row["references"])]
        spans = joined(Span(each.start_index, each.end_index) for each in found)
        yield Question(f"{number:03}", corpus, f"{corpus}.md", texts[corpus], row["question"], spans)
