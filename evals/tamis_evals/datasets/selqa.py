"""SelQA: questions written for sections of Wikipedia, and which sentences of the section answer them."""

from __future__ import annotations

from typing import Any

from tamis_evals.datasets.data import Data
from tamis_evals.datasets.labelled import Labelled, joined

TEST = "selqa/selqa-ass-test.json"
DEV = "selqa/selqa-ass-dev.json"


def read(data: Data, path: str = TEST) -> list[Labelled]:
    """All rows of a part. Use `labelled.scored` on their titles: the parts share most of their articles."""
    part = path.removesuffix(".json").rsplit("-", 1)[-1]
    return [_row(row, f"{part}-{number}") for number, row in enumerate(data.json(path))]


def _row(row: Any, name: str) -> Labelled:
    # A few candidates are empty strings: nobody could keep them.
    kept = [number for number, sentence in enumerate(row["candidates"]) if sentence.strip()]
    text, spans = joined(row["candidates"][number].strip() for number in kept)
    relevant = tuple(at for at, number in enumerate(kept) if number in set(row["answers"]))
    return Labelled(name, row["article"], row["question"], text, spans, relevant)
