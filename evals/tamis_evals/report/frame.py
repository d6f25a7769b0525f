"""A run's records by column: read once, failed ones apart, each group's rows found at once."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tamis_evals import statistics
from tamis_evals.records import Key, Record
from tamis_evals.report.headlines import FALLBACKS, REFERENCES, headline, length, rank, turn
from tamis_evals.sample import Factor
from tamis_evals.statistics import Estimate

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]
NONE: Rows = np.empty(0, np.int64)


class Place(NamedTuple):
    """What is measured: a data set of a task, at one of the lengths that the run sweeps (0: it has its own)."""

    task: str
    dataset: str
    length: int = 0


class Failure(NamedTuple):
    """A record that holds no outcome, and why."""

    task: str
    arm: str
    reason: str


@dataclass(frozen=True, eq=False)
class Frame:
    """Columns of the records that did not fail, in the order of reading.

    `metrics` are NaN where not defined. `samples` and `clusters` are numbers: equal where the sample or cluster is.
    `groups` holds the rows of each place, arm and budget.
    """

    samples: Rows
    clusters: Rows
    metrics: dict[str, Floats]
    numbers: dict[str, Floats]
    factors: dict[str, list[Factor | None]]
    groups: dict[tuple[Place, str, int], Rows]
    failures: list[Failure]

    @cached_property
    def places(self) -> list[Place]:
        """In the order of their names, lengths rising."""
        return sorted({place for place, _, _ in self.groups})

    @cached_property
    def arms(self) -> list[str]:
        """In the order of tables."""
        return sorted({arm for _, arm, _ in self.groups}, key=rank)

    @cached_property
    def _budgets(self) -> dict[tuple[Place, str], list[int]]:
        found: dict[tuple[Place, str], list[int]] = defaultdict(list)
        for place, arm, budget in sorted(self.groups):
            found[place, arm].append(budget)
        return found

    def tasks(self) -> list[str]:
        """With records that did not fail, in the order of tables."""
        return sorted({place.task for place in self.places}, key=turn)

    def datasets(self, task: str) -> list[str]:
        """Of a task."""
        return sorted({place.dataset for place in self.places if place.task == task})

    def lengths(self, task: str, dataset: str) -> list[int]:
        """Swept, rising; [0] where the data set has its own lengths."""
        return sorted(place.length for place in self.places if place[:2] == (task, dataset))

    def arms_of(self, places: Iterable[Place]) -> list[str]:
        """With records at any of the places, in the order of tables."""
        here = set(places)
        return sorted({arm for place, arm, _ in self.groups if place in here}, key=rank)

    def budgets(self, place: Place, arm: str) -> list[int]:
        """Rising."""
        return self._budgets.get((place, arm), [])

    def budget(self, place: Place) -> int:
        """The headline's where some arm held to a budget has it, else the largest there is."""
        return self._shown[place][1]

    def metric(self, place: Place) -> str:
        """The headline's, or what the data set has instead."""
        return self._shown[place][0]

    @cached_property
    def _shown(self) -> dict[Place, tuple[str, int]]:
        here: dict[Place, list[tuple[str, int]]] = defaultdict(list)
        for place, arm, budget in self.groups:
            here[place].append((arm, budget))
        return {place: self._headline(place, groups) for place, groups in here.items()}

    def _headline(self, place: Place, groups: list[tuple[str, int]]) -> tuple[str, int]:
        wanted = headline(place.task, place.dataset)
        held = {budget for arm, budget in groups if arm not in REFERENCES} or {budget for _, budget in groups}
        rows = np.concatenate([self.groups[place, *group] for group in groups])
        known = (name for name in (wanted.metric, *FALLBACKS) if np.isfinite(self.values(rows, name)).any())
        return next(known, wanted.metric), wanted.budget if wanted.budget in held else max(held)

    def rows(self, place: Place, arm: str, budget: int | None = None) -> Rows:
        """Of an arm at the place's budget; a reference arm's may stand under any."""
        at = self.budget(place) if budget is None else budget
        if arm in REFERENCES and at not in (known := self.budgets(place, arm)):
            at = max(known, default=at)
        return self.groups.get((place, arm, at), NONE)

    def pooled(self, places: Iterable[Place], arm: str, budget: int | None = None) -> Rows:
        """Of an arm at several places."""
        found = [self.rows(place, arm, budget) for place in places]
        return np.concatenate(found) if found else NONE

    def values(self, rows: Rows, metric: str) -> Floats:
        """Of a metric; NaN where not defined."""
        return self.metrics[metric][rows] if metric in self.metrics else np.full(len(rows), math.nan)

    def mean(self, rows: Rows, metric: str) -> Estimate | None:
        """With its interval."""
        return statistics.mean(self.values(rows, metric), self.clusters[rows])

    def average(self, rows: Rows, metric: str) -> float | None:
        """Without one."""
        values = self.values(rows, metric)
        values = values[np.isfinite(values)]
        return float(values.mean()) if len(values) else None

    def paired(self, *rows: Rows) -> tuple[Rows, ...]:
        """The rows whose samples every arm has, in the same order of samples."""
        common = self.samples[rows[0]]
        for other in rows[1:]:
            common = np.intersect1d(common, self.samples[other])
        return tuple(_at(self.samples, each, np.unique(common)) for each in rows)

    def size(self, place: Place) -> str:
        """The swept length, or about how long the data set's own sources are: the median of their tokens."""
        if place.length:
            return length(place.length)
        rows = np.concatenate([found for (where, _, _), found in self.groups.items() if where == place])
        return "~" + length(int(np.median(self.numbers["source_tokens"][rows])))

    def with_factor(self, rows: Rows, name: str, values: Sequence[Factor]) -> Rows:
        """Those whose factor has one of the values."""
        column, wanted = self.factors.get(name, []), set(values)
        return np.array([row for row in rows if column and column[row] in wanted], np.int64)

    def levels(self, rows: Rows, name: str) -> list[Factor]:
        """The values of a factor, sorted."""
        column = self.factors.get(name, [])
        found = {value for row in rows if column and (value := column[row]) is not None}
        return sorted(found, key=lambda value: (isinstance(value, str), value))


def read(records: Iterable[Record], swept: Iterable[int]) -> Frame:
    """From records in the order of writing: a later outcome of the same sample and arm replaces an earlier one."""
    latest: dict[Key, Record] = {}
    for record in records:
        if not (record.failed and (known := latest.get(record.key)) and not known.failed):
            latest[record.key] = record
    held = [record for record in latest.values() if not record.failed]
    lost = [record for record in latest.values() if record.failed]
    return Frame(
        samples=_numbered((record.task, record.sample) for record in held),
        clusters=_numbered((record.task, record.dataset, record.cluster) for record in held),
        metrics=_metrics(held),
        numbers={name: np.array([getattr(record, name) for record in held], np.float64) for name in NUMBERS},
        factors=_factors(held),
        groups=_groups(held, set(swept)),
        failures=[Failure(record.task, record.arm, record.failed) for record in lost],
    )


NUMBERS = ("tokens", "overhead_tokens", "source_tokens", "calls", "seconds")


def _at(samples: Rows, rows: Rows, wanted: Rows) -> Rows:
    order = rows[np.argsort(samples[rows], kind="stable")]
    return order[np.searchsorted(samples[order], wanted)]


def _numbered(keys: Iterable[tuple[str, ...]]) -> Rows:
    known: dict[tuple[str, ...], int] = {}
    return np.array([known.setdefault(key, len(known)) for key in keys], np.int64)


def _metrics(records: Sequence[Record]) -> dict[str, Floats]:
    names = sorted({name for record in records for name in record.metrics})
    columns = {name: np.full(len(records), math.nan) for name in names}
    for row, record in enumerate(records):
        for name, value in record.metrics.items():
            if value is not None:
                columns[name][row] = value
    return columns


def _factors(records: Sequence[Record]) -> dict[str, list[Factor | None]]:
    names = sorted({name for record in records for name in record.factors})
    return {name: [record.factors.get(name) for record in records] for name in names}


def _groups(records: Sequence[Record], swept: set[int]) -> dict[tuple[Place, str, int], Rows]:
    own: dict[tuple[str, str], set[Factor | None]] = defaultdict(set)
    for record in records:
        own[record.task, record.dataset].add(record.factors.get("length"))
    found: dict[tuple[Place, str, int], list[int]] = defaultdict(list)
    for row, record in enumerate(records):
        name = record.task, record.dataset
        at = int(record.factors["length"]) if own[name] <= swept else 0
        found[Place(*name, at), record.arm, record.budget].append(row)
    return {group: np.array(rows, np.int64) for group, rows in found.items()}
