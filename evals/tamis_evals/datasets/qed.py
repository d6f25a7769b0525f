"""QED: questions people asked Google, a Wikipedia paragraph, and the one sentence that explains the answer."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from tamis_evals.datasets.data import Data
from tamis_evals.datasets.labelled import Labelled, Span

PATH = "qed/qed-dev.jsonlines"


def read(data: Data) -> list[Labelled]:
    """The rows whose answer rests on a single sentence; the others name no sentence."""
    return [_row(row) for row in data.lines(PATH) if row["annotation"]["explanation_type"] == "single_sentence"]


def _row(row: Any) -> Labelled:
    text: str = row["paragraph_text"]
    starts: list[int] = row["sentence_starts"]
    spans = tuple(_trimmed(text, start, end) for start, end in pairwise((*starts, len(text))))
    relevant = (starts.index(row["annotation"]["selected_sentence"]["start"]),)
    answers = dict.fromkeys(part["string"] for answer in row["original_nq_answers"] for part in answer)
    return Labelled(
        str(row["example_id"]), row["title_text"], row["question_text"], text, spans, relevant, tuple(answers)
    )


def _trimmed(text: str, start: int, end: int) -> Span:
    return Span(start, start + len(text[start:end].rstrip()))
