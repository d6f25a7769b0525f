"""Measures the published floors of plain BM25 again: ours beside theirs, and whether it lies in their interval.

`python -m tamis_evals.reference.floors --data DIR [--only NAME …] [--out FILE]`
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean, pstdev

import click
from rich.console import Console
from rich.table import Table

from tamis_evals.cutting import Grain, units
from tamis_evals.datasets.data import Data
from tamis_evals.metrics.selection import measured
from tamis_evals.reference.published import CHECKS, WHOLE, Check, Figure, Fill
from tamis_evals.reference.recipe import filled, pieces_of, ranked
from tamis_evals.sample import Sample
from tamis_evals.statistics import wilson
from tamis_evals.tasks.task import Measures

WIDTH = 120
"""Columns: a table that is written to a file must not be broken at 80."""


@dataclass(frozen=True, slots=True)
class Row:
    """A figure measured again. `stated` tells whether the interval was published, or follows from n and our spread."""

    check: str
    grain: Grain
    budget: int
    metric: str
    ours: float
    published: float
    low: float
    high: float
    stated: bool
    n: int

    @property
    def inside(self) -> bool:
        """Whether ours lies in the interval of the published figure."""
        return self.low <= self.ours <= self.high


def measured_again(check: Check, data: Data) -> list[Row]:
    """One row a figure."""
    fills: list[Fill] = list(dict.fromkeys(figure.fill for figure in check.figures))
    found: dict[Fill, list[Measures]] = {fill: [] for fill in fills}
    for sample in check.samples(data):
        for fill, values in _measures(sample, fills):
            found[fill].append(values)
    return [_row(check.name, figure, found[figure.fill]) for figure in check.figures]


def _measures(sample: Sample, fills: Sequence[Fill]) -> Iterator[tuple[Fill, Measures]]:
    """What BM25 keeps of a sample at each grain and budget, measured; each grain is ranked once."""
    grains: list[Grain] = list(dict.fromkeys(fill.grain for fill in fills))
    for grain in grains:
        cuts = units(sample, grain)
        pieces = pieces_of(sample, cuts)
        order = ranked(sample.query, pieces)
        for fill in (fill for fill in fills if fill.grain == grain):
            kept = filled(order, pieces, fill.budget)
            yield fill, measured(sample, (cuts[at].passage for at in kept))


def _row(check: str, figure: Figure, measures: Iterable[Measures]) -> Row:
    values = [value for each in measures if (value := each[figure.metric]) is not None]
    stated = figure.high > 0
    low, high = (figure.low, figure.high) if stated else _interval(figure, values)
    return Row(check, *figure.fill, figure.metric, fmean(values), figure.value, low, high, stated, len(values))


def _interval(figure: Figure, values: Sequence[float]) -> tuple[float, float]:
    """Of the published figure at our n: Wilson's for a share, else normal with the spread of our own values."""
    if figure.metric == WHOLE:
        return wilson(round(figure.value * len(values)), len(values))
    margin = 1.96 * pstdev(values) / math.sqrt(len(values))
    return figure.value - margin, figure.value + margin


def table(rows: Iterable[Row]) -> Table:
    """Rows as percentages; an interval in brackets is derived, not published."""
    made = Table("check", "fill", "metric", "n", "ours", "published", "95 % interval", "inside")
    for row in rows:
        span = f"{row.low * 100:.1f} to {row.high * 100:.1f}"
        made.add_row(
            row.check,
            f"{row.grain} to {row.budget:,}",
            row.metric,
            str(row.n),
            f"{row.ours * 100:.1f}",
            f"{row.published * 100:.1f}",
            span if row.stated else f"({span})",
            "yes" if row.inside else "NO",
        )
    return made


@click.command()
@click.option("--data", "folder", metavar="DIR", help="The evaluation data; otherwise TAMIS_EVAL_DATA.")
@click.option("--only", metavar="NAME", multiple=True, type=click.Choice([check.name for check in CHECKS]))
@click.option("--out", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path), help="Write the rows as JSON.")
def main(folder: str | None, only: tuple[str, ...], out: Path | None) -> None:
    """Measure the published floors again."""
    console, data = Console(width=WIDTH), Data.find(folder)
    rows: list[Row] = []
    with console.status("") as status:
        for check in CHECKS:
            if not only or check.name in only:
                status.update(check.name)
                rows += measured_again(check, data)
    console.print(table(rows))
    if out:
        found = {"rows": [{**asdict(row), "inside": row.inside} for row in rows], "data": data.hashes}
        out.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
