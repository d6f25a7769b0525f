"""How a baseline fills its budget: the best units first, those that do not fit passed over, then reading order."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache

from tamis_evals.sample import Outcome, Passage, Sample, Unit
from tamis_tools import tokens

MISSES = 50
"""Units that may fail to fit, one after the other, before the budget counts as full."""


@lru_cache(maxsize=200_000)
def cost(text: str) -> int:
    """Tokens of a unit and the line end after it."""
    return tokens.count(text) + 1


def filled(sample: Sample, units: Sequence[Unit], order: Iterable[int], budget_tokens: int) -> tuple[Passage, ...]:
    """Passages of the units in `order` that fit, in reading order."""
    chosen: list[Passage] = []
    room, misses = budget_tokens, 0
    for at in order:
        passage = units[at].passage
        needed = cost(sample.text(passage))
        if needed > room:
            misses += 1
            if misses >= MISSES:
                break
            continue
        room, misses = room - needed, 0
        chosen.append(passage)
    return tuple(sorted(chosen))


def shown(sample: Sample, passages: tuple[Passage, ...], *, best: float | None = None) -> Outcome:
    """The passages as a reader gets them: one a line."""
    text = "\n".join(sample.text(passage) for passage in passages)
    return Outcome(passages, text, tokens.count(text), best=best)
