"""Questions about one document each, as samples: in which order they are asked, and how many."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from random import Random

from tamis_evals.datasets.labelled import Span
from tamis_evals.datasets.spans import Question
from tamis_evals.sample import Passage, Sample, Source, Unit
from tamis_evals.tasks.order import drawn, spread
from tamis_evals.tasks.task import Plan
from tamis_tools import tokens

QUICK_SAMPLES = 16
QUICK_TOKENS = 16_000
BLOCK = 8
"""Questions about one document that are asked one after the other: arms keep a document cut and encoded for so long."""


def samples(sets: Mapping[str, Iterable[Question]], plan: Plan, most: int | None = None) -> Iterator[Sample]:
    """Questions by the name of their data set, each set shuffled by the seed and spread over the whole.

    `most` of each set at most; None is all.
    """
    quick = QUICK_SAMPLES // len(sets)
    blocks = [
        [(dataset, block) for block in _blocks(_chosen(rows, plan, quick)[:most], plan.seed)]
        for dataset, rows in sets.items()
    ]
    return (sample(dataset, row) for dataset, block in spread(blocks) for row in block)


def sample(dataset: str, question: Question) -> Sample:
    """One question; `length` is that of its document, in tokens."""
    cuts = tuple(map(Unit, _passages(question.cuts)))
    return Sample(
        id=f"{dataset}/{question.id}",
        dataset=dataset,
        cluster=f"{dataset}/{question.cluster}",
        query=question.query,
        sources=(Source(question.name, question.text),),
        evidence=_passages(question.spans),
        answers=question.answers,
        factors={"length": _length(question.text)},
        sentences=cuts,
        blocks=cuts,
    )


def _chosen(questions: Iterable[Question], plan: Plan, quick: int) -> list[Question]:
    rows = [row for row in questions if not plan.quick or _length(row.text) <= QUICK_TOKENS]
    return drawn(rows, plan, quick)


def _blocks(rows: Iterable[Question], seed: int) -> list[list[Question]]:
    """Rows of one document in blocks of at most `BLOCK`, the blocks by lot."""
    blocks: list[list[Question]] = []
    latest: dict[str, list[Question]] = {}
    for row in rows:
        if len(latest.get(row.text, ())) in (0, BLOCK):
            latest[row.text] = []
            blocks.append(latest[row.text])
        latest[row.text].append(row)
    return Random(seed).sample(blocks, len(blocks))


def _passages(spans: Iterable[Span]) -> tuple[Passage, ...]:
    return tuple(Passage(0, span.start, span.end) for span in spans)


@lru_cache(maxsize=512)
def _length(text: str) -> int:
    return tokens.count(text)
