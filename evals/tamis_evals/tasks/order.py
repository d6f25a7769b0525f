"""In which order samples are asked, so that a run that is cut short has a fair part of each data set."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from operator import itemgetter
from typing import TypeVar

from tamis_evals.tasks.task import Plan

T = TypeVar("T")


def drawn(rows: Sequence[T], plan: Plan, quick: int) -> list[T]:
    """The rows by lot, at most `plan.limit` of them; at most `quick` in a quick run."""
    mixed = random.Random(plan.seed).sample(rows, len(rows))
    return mixed[: min(quick if plan.quick else len(mixed), plan.limit or len(mixed))]


def in_turn(series: Iterable[Iterable[T]], block: int = 1) -> Iterator[T]:
    """`block` of each series, then the next of each, until all are through. Long blocks spare what arms keep ready."""
    running = [iter(each) for each in series]
    while running:
        taken = [(each, list(islice(each, block))) for each in running]
        yield from chain.from_iterable(part for _, part in taken)
        running = [each for each, part in taken if len(part) == block]


def spread(series: Iterable[Sequence[T]]) -> Iterator[T]:
    """Each series evenly over the whole: any first part holds the same share of every one."""
    placed = [((at + 0.5) / len(each), one) for each in series for at, one in enumerate(each)]
    return (one for _, one in sorted(placed, key=itemgetter(0)))
