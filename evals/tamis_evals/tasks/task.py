"""What every task is: samples, and how an arm's outcome is measured."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

from tamis_evals.datasets.data import Data
from tamis_evals.sample import Outcome, Sample

Ask = Literal["select", "rank"]
"""Keep passages within a budget of tokens, or put the sources in order."""
Measures = Mapping[str, float | None]
"""By the name of the metric; None where it is not defined for the sample. Missing is never zero."""
LENGTHS = (1_000, 4_000, 16_000, 64_000, 128_000)
SEED = 11


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is asked. `limit` samples a data set at most (0: as many as the task asks),
    `lengths` for tasks that build haystacks."""

    quick: bool = False
    limit: int = 0
    lengths: tuple[int, ...] = LENGTHS
    seed: int = SEED


class Task(Protocol):
    """One file a task. Metrics are fractions from 0 to 1; more is better unless noted."""

    @property
    def name(self) -> str:
        """As the command line and records call it."""
        ...

    @property
    def title(self) -> str:
        """What it asks, for people."""
        ...

    @property
    def ask(self) -> Ask:
        """What arms are asked for."""
        ...

    @property
    def budgets(self) -> tuple[int, ...]:
        """Tokens to select, or sources to rank."""
        ...

    @property
    def headline(self) -> str:
        """The metric that stands for the task in the overview."""
        ...

    def samples(self, data: Data, plan: Plan) -> Iterator[Sample]:
        """The questions, the same for the same plan; interleaved so that any first part is a fair sample."""
        ...

    def measure(self, sample: Sample, outcome: Outcome) -> Measures:
        """How well the outcome serves the sample."""
        ...
