"""What it costs: tokens kept, spent beside and saved, seconds, and what failed."""

from __future__ import annotations

from collections import Counter

import numpy as np

from tamis_evals.report.frame import Frame, Place
from tamis_evals.report.headlines import ABLATED, length, rank, turn
from tamis_evals.report.table import Cell, Table, whole, word

REASONS = 3


def longest(frame: Frame, task: str) -> list[Place]:
    """The data sets of a task, each at its longest length."""
    return [Place(task, dataset, frame.lengths(task, dataset)[-1]) for dataset in frame.datasets(task)]


def tokens(frame: Frame) -> Table:
    """Tokens and time of each arm in each task, at the longest length and the main budget."""
    rows: list[tuple[Cell, ...]] = []
    for task in frame.tasks():
        places = longest(frame, task)
        arms = [arm for arm in frame.arms_of(places) if not arm.startswith(ABLATED)]
        rows += [_row(frame, task, places, arm) for arm in arms if len(frame.pooled(places, arm))]
    lead = (
        "Means a sample, in o200k tokens, at the longest length and main budget of each data set. Net saved = tokens "
        "of the sources − tokens kept − overhead, where overhead is what an agent spends beside: arguments, footers "
        "and the tools' schemas once a call. Seconds are wall time on the run's machine: compare within a run only."
    )
    columns = (
        "task",
        "at",
        "arm",
        "source",
        "kept",
        "overhead",
        "net saved",
        "saved, %",
        "calls",
        "p50, s",
        "p95, s",
        "n",
    )
    return Table("tokens", "Tokens and time", lead, columns, tuple(rows), long=True)


def _row(frame: Frame, task: str, places: list[Place], arm: str) -> tuple[Cell, ...]:
    rows = frame.pooled(places, arm)
    source, kept, beside, calls = (
        float(frame.numbers[name][rows].mean()) for name in ("source_tokens", "tokens", "overhead_tokens", "calls")
    )
    saved = source - kept - beside
    lengths = sorted({place.length for place in places})
    half, most = np.quantile(frame.numbers["seconds"][rows], (0.5, 0.95))
    return (
        word(task),
        Cell(length(lengths[-1]) if lengths[-1] else "own length", value=lengths[-1]),
        word(arm),
        whole(source),
        whole(kept),
        whole(beside),
        Cell(f"{saved:,.0f}".replace("-", "−"), value=round(saved), tone="loss" if saved < 0 else ""),
        Cell(f"{100 * saved / source:.1f}".replace("-", "−"), value=saved / source) if source else Cell("–"),
        Cell(f"{calls:.1f}", value=calls),
        _seconds(float(half)),
        _seconds(float(most)),
        whole(len(rows)),
    )


def _seconds(value: float) -> Cell:
    return Cell(f"{value:.3f}" if value < 1 else f"{value:.2f}", value=value)


def failures(frame: Frame) -> Table:
    """Records that failed, which count nowhere else."""
    found: dict[tuple[str, str], Counter[str]] = {}
    for failure in frame.failures:
        found.setdefault((failure.task, failure.arm), Counter())[failure.reason] += 1
    held = Counter[tuple[str, str]]()
    for (place, arm, _), here in frame.groups.items():
        held[place.task, arm] += len(here)
    rows: list[tuple[Cell, ...]] = []
    for (task, arm), reasons in sorted(found.items(), key=lambda each: (turn(each[0][0]), rank(each[0][1]))):
        count = reasons.total()
        most = "; ".join(f"{reason} ({times})" for reason, times in reasons.most_common(REASONS))
        more = f"; {len(reasons) - REASONS} more reasons" if len(reasons) > REASONS else ""
        rows.append((word(task), word(arm), whole(count), whole(count + held[task, arm]), word(most + more)))
    lead = "A failed record has no outcome. It is left out of every mean and every pair, and never counted as a zero."
    return Table("failures", "What failed", lead, ("task", "arm", "failed", "of", "reasons"), tuple(rows))
