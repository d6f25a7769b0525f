"""A run: every sample of the chosen tasks to every arm at every budget, measured and written down as it comes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from tamis_evals.arms.arm import Arm
from tamis_evals.datasets.data import Data
from tamis_evals.records import Key, Record, Run
from tamis_evals.sample import Outcome, Sample
from tamis_evals.tasks.task import Measures, Plan, Task
from tamis_tools import tokens

Told = Callable[[str, int], None]
"""The task, and how many of its samples are done."""


@runtime_checkable
class Reads(Protocol):
    """A task whose outcomes are read before they are measured."""

    def read(self, sample: Sample, outcome: Outcome) -> Awaitable[Measures]:
        """What a reader makes of the outcome, measured."""
        ...


@dataclass(slots=True)
class Runner:
    """Asks in the order of the samples, so that a run that was stopped has a fair part of each task."""

    data: Data
    run: Run
    arms: Sequence[Arm]
    tell: Told = lambda _task, _done: None
    commit: str = ""
    _sizes: dict[int, tuple[object, int]] = field(default_factory=dict[int, tuple[object, int]])

    async def all(self, tasks: Sequence[Task], plan: Plan) -> None:
        """Every task; what an earlier run has written is not asked again."""
        done = self.run.resume()
        for task in tasks:
            for number, sample in enumerate(task.samples(self.data, plan), start=1):
                await self._sample(task, sample, done)
                self.tell(task.name, number)

    async def _sample(self, task: Task, sample: Sample, done: set[Key]) -> None:
        for arm in self.arms:
            for budget in task.budgets if task.ask in arm.asks else ():
                if Key(task.name, sample.id, arm.name, budget) not in done:
                    ask = arm.select if task.ask == "select" else arm.rank
                    outcome = await ask(sample, budget)
                    metrics = {} if outcome.failed else await _measured(task, sample, outcome)
                    self.run.append(self._record(task, sample, outcome, (arm.name, budget, metrics)))

    def _record(self, task: Task, sample: Sample, outcome: Outcome, found: tuple[str, int, Measures]) -> Record:
        arm, budget, metrics = found
        return Record(
            task=task.name,
            dataset=sample.dataset,
            sample=sample.id,
            cluster=sample.cluster,
            arm=arm,
            budget=budget,
            factors=dict(sample.factors),
            metrics={name: value if value is None else round(value, 6) for name, value in metrics.items()},
            tokens=outcome.tokens,
            overhead_tokens=outcome.overhead_tokens,
            source_tokens=self._size(sample),
            calls=outcome.calls,
            seconds=round(outcome.seconds, 4),
            failed=outcome.failed,
            commit=self.commit,
        )

    def _size(self, sample: Sample) -> int:
        """Tokens of all sources; samples that share theirs are counted once."""
        kept = self._sizes.get(id(sample.sources))
        if kept is None or kept[0] is not sample.sources:
            kept = (sample.sources, sum(tokens.count(source.text) for source in sample.sources))
            self._sizes = {id(sample.sources): kept}
        return kept[1]


async def _measured(task: Task, sample: Sample, outcome: Outcome) -> Measures:
    return await task.read(sample, outcome) if isinstance(task, Reads) else task.measure(sample, outcome)
