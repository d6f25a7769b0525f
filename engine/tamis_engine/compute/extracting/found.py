"""What was found in a passage, as the row of numbers that is cached and answered."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from tamis_engine.operation import LabelledInput, Row

if TYPE_CHECKING:
    from tamis_engine.operation import Input, Tokenised


class Found(NamedTuple):
    """`passage[start:end]` answers the label of that index."""

    label: int
    start: int
    end: int
    probability: float


def labelled(asked: Input) -> LabelledInput:
    """Nothing else is ever asked of an operation that extracts."""
    assert isinstance(asked, LabelledInput)
    return asked


def row(found: Iterable[Found], tokenised: Tokenised) -> Row:
    """Best first within a label."""
    ordered = sorted(found, key=lambda each: (each.label, -each.probability, each.start, each.end))
    return Row(np.array(ordered, np.float32).reshape(-1, 4), tokenised.tokens, tokenised.truncated)


def threshold(asked: LabelledInput, default: float) -> float:
    """The least probability that counts."""
    return default if asked.threshold is None else asked.threshold


def without_overlaps(found: Iterable[Found]) -> list[Found]:
    """The likeliest are taken first, and nothing that overlaps what was taken before; in order of the passage."""
    taken: list[Found] = []
    for each in sorted(found, key=lambda each: (-each.probability, each.start, each.end, each.label)):
        at = bisect_left(taken, each.end, key=lambda other: other.start)
        if not at or taken[at - 1].end <= each.start:
            taken.insert(at, each)
    return taken
