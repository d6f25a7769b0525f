"""Arms that do not look at the query: everything, the evidence alone, nothing, the beginning, the end, chance."""

from __future__ import annotations

import random
import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from tamis_evals.arms.filling import filled, shown
from tamis_evals.cutting import units
from tamis_evals.metrics.selection import merged
from tamis_evals.sample import Outcome, Passage, Sample, Unit

SELECT = frozenset({"select"})
Chooser = Callable[[Sample, int], Iterable[int]]


@dataclass(frozen=True, slots=True)
class Plain:
    """An arm made of one function from the sample and the budget to its passages; no ranking."""

    name: str
    passages: Callable[[Sample, int], tuple[Passage, ...]]
    asks: frozenset[str] = SELECT

    async def select(self, sample: Sample, budget_tokens: int) -> Outcome:
        """What the function keeps."""
        return shown(sample, self.passages(sample, budget_tokens))

    async def rank(self, _sample: Sample, _top_k: int) -> Outcome:
        """Nothing."""
        return Outcome(failed=f"{self.name} does not rank")


def full(sample: Sample, _budget: int) -> tuple[Passage, ...]:
    """Everything, whatever the budget: what an agent without Tamis reads."""
    return tuple(Passage(number, 0, len(source.text)) for number, source in enumerate(sample.sources))


def focused(sample: Sample, _budget: int) -> tuple[Passage, ...]:
    """The evidence and nothing else, with the paragraph's title where it has one: the ceiling."""
    titles = (_titled(sample, passage) for passage in sample.evidence)
    return tuple(merged(passage for group in titles for passage in group))


def closed_book(_sample: Sample, _budget: int) -> tuple[Passage, ...]:
    """Nothing: what a reader knows, or guesses, by itself."""
    return ()


def head(sample: Sample, budget_tokens: int) -> tuple[Passage, ...]:
    """The first sentences."""
    return _in_turn(sample, budget_tokens, lambda found: range(len(found)))


def tail(sample: Sample, budget_tokens: int) -> tuple[Passage, ...]:
    """The last sentences."""
    return _in_turn(sample, budget_tokens, lambda found: range(len(found) - 1, -1, -1))


def chance(sample: Sample, budget_tokens: int) -> tuple[Passage, ...]:
    """Sentences by lot, the same in every run."""
    seed = zlib.crc32(sample.id.encode())
    return _in_turn(sample, budget_tokens, lambda found: random.Random(seed).sample(range(len(found)), len(found)))


def _in_turn(
    sample: Sample, budget_tokens: int, order: Callable[[Sequence[Unit]], Iterable[int]]
) -> tuple[Passage, ...]:
    found = units(sample, "sentences")
    return filled(sample, found, order(found), budget_tokens)


def _titled(sample: Sample, passage: Passage) -> tuple[Passage, ...]:
    """The passage, and before it the first line of its block where that is its title."""
    for block in sample.blocks:
        span = block.passage
        if block.title and span.source == passage.source and span.start <= passage.start and passage.end <= span.end:
            end = span.start + len(block.title)
            return (span._replace(end=end), passage) if sample.text(span).startswith(block.title) else (passage,)
    return (passage,)


PLAIN = (
    Plain("full", full),
    Plain("focused", focused),
    Plain("closed-book", closed_book),
    Plain("head", head),
    Plain("tail", tail),
    Plain("random", chance),
)
