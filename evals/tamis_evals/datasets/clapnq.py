"""CLAPnq: questions with long answers, a Wikipedia passage each, and the sentences that the answer was drawn from."""

from __future__ import annotations

from collections import Counter
from typing import Any

from tamis_evals.datasets.data import Data
from tamis_evals.datasets.labelled import Labelled, located

ANSWERABLE = "clapnq/clapnq_dev_answerable.jsonl"
UNANSWERABLE = "clapnq/clapnq_dev_unanswerable.jsonl"


def read(data: Data, path: str = ANSWERABLE) -> list[Labelled]:
    """The rows of a file. Relevant are sentences that at least half of those who selected any have selected."""
    return [_row(row) for row in data.lines(path)]


def _row(row: Any) -> Labelled:
    passage = row["passages"][0]
    sentences: list[str] = passage["sentences"]
    votes = [set(output["selected_sentences"]) for output in row["output"] if output["selected_sentences"]]
    count = Counter(sentence for vote in votes for sentence in vote)
    relevant = tuple(number for number, sentence in enumerate(sentences) if 2 * count[sentence] >= max(1, len(votes)))
    spans = located(passage["text"], sentences)
    return Labelled(row["id"], passage["title"], row["input"], passage["text"], spans, relevant)
