"""EntailmentBank, task 2: a statement, and 25 facts of which some prove it and the others look as if they could."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

from tamis_evals.datasets.data import Data
from tamis_evals.datasets.labelled import Labelled, joined

TEST = "entailmentbank/task_2_test.jsonl"
DEV = "entailmentbank/task_2_dev.jsonl"

_LEAF = re.compile(r"sent\d+")


def read(data: Data, path: str = TEST) -> list[Labelled]:
    """All rows of a part; the facts are items of a list. The question is the statement to prove, as in the paper."""
    seen: Counter[str] = Counter()
    rows: list[Labelled] = []
    for row in data.lines(path):
        seen[row["id"]] += 1
        rows.append(_row(row, f"{row['id']}-{seen[row['id']]}" if seen[row["id"]] > 1 else row["id"]))
    return rows


def _row(row: Any, name: str) -> Labelled:
    facts: dict[str, str] = row["meta"]["triples"]
    text, spans = joined(facts.values(), glue="\n", lead="- ")
    leaves = set(_LEAF.findall(row["proof"]))
    relevant = tuple(number for number, fact in enumerate(facts) if fact in leaves)
    return Labelled(name, "", row["hypothesis"], text + "\n", spans, relevant)
