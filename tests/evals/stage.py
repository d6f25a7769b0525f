"""Small samples and fakes that the tests of the evals share."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from tamis_evals.datasets.data import Data
from tamis_evals.metrics.selection import measured
from tamis_evals.sample import Outcome, Passage, Sample, Source, Unit
from tamis_evals.tasks.task import Ask, Measures, Plan

NOTES = """Harbour log
The ferry Alma left at nine with forty passengers.
Rain fell until noon and the pier was closed.

Kitchen
The cook ordered twelve crates of lemons from Palermo.
Nobody had asked for lemons.

Workshop
The winch was repaired by Ines, who found a cracked pawl.
Its new pawl came from the spare parts of the ferry.
"""


def passage(text: str, part: str, source: int = 0) -> Passage:
    """Where a part stands."""
    at = text.index(part)
    return Passage(source, at, at + len(part))


def notes(*, query: str = "Who repaired the winch?", evidence: str = "The winch was repaired by Ines") -> Sample:
    """One file of three paragraphs, with its own sentences and blocks."""
    lines = [line for line in NOTES.splitlines() if line and line[-1] == "."]
    blocks = [block.strip() for block in NOTES.split("\n\n")]
    return Sample(
        "notes",
        "harbour",
        "harbour",
        query,
        (Source("notes.txt", NOTES),),
        (passage(NOTES, evidence),),
        sentences=tuple(Unit(passage(NOTES, line)) for line in lines),
        blocks=tuple(Unit(passage(NOTES, block), block.partition("\n")[0]) for block in blocks),
    )


@dataclass
class Asking:
    """A task of given samples."""

    given: list[Sample]
    name: str = "asking"
    title: str = "A task for tests"
    ask: Ask = "select"
    budgets: tuple[int, ...] = (128,)
    headline: str = "all_evidence"

    def samples(self, _data: Data, _plan: Plan) -> Iterator[Sample]:
        """As given."""
        return iter(self.given)

    def measure(self, sample: Sample, outcome: Outcome) -> Measures:
        """As selection tasks do."""
        return measured(sample, outcome.passages)


@dataclass
class Answering:
    """An arm that answers as it was told, and remembers what it was asked."""

    outcome: Outcome
    name: str = "answering"
    asks: frozenset[str] = frozenset({"select"})
    asked: list[tuple[str, int]] = field(default_factory=list)

    async def select(self, sample: Sample, budget_tokens: int, /) -> Outcome:
        self.asked.append((sample.id, budget_tokens))
        return self.outcome

    async def rank(self, sample: Sample, top_k: int, /) -> Outcome:
        return self.outcome
