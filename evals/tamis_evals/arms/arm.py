"""What every arm is: a way to choose what a reader gets, under the same budget and the same query."""

from __future__ import annotations

from typing import Protocol

from tamis_evals.sample import Outcome, Sample


class Arm(Protocol):
    """One way to choose. An arm that cannot rank has no row in ranking tasks."""

    @property
    def name(self) -> str:
        """As records and reports call it."""
        ...

    @property
    def asks(self) -> frozenset[str]:
        """What it can do, of "select" and "rank"."""
        ...

    async def select(self, sample: Sample, budget_tokens: int, /) -> Outcome:
        """Passages of at most `budget_tokens` tokens (o200k), and the text that a reader gets."""
        ...

    async def rank(self, sample: Sample, top_k: int, /) -> Outcome:
        """The `top_k` best sources."""
        ...
