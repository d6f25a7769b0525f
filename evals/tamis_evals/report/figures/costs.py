"""What quality costs: evidence against tokens kept, and against seconds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from tamis_evals.report.figures.style import (
    FONT,
    Look,
    Mark,
    Picture,
    label_ends,
    logarithmic,
    look,
    panels,
    picture,
    shares,
    spread,
)
from tamis_evals.report.frame import Frame, Place
from tamis_evals.report.headlines import ABLATED, CLOSED, FOCUSED, FULL, IN_THREE, OURS, REFERENCES, length, spoken
from tamis_evals.report.tables.costs import longest
from tamis_evals.report.tables.length import READING

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

APART = ("abstention", "reranking")
"""Tasks in which nothing is kept within a budget of tokens."""


def pareto(frame: Frame) -> list[Picture]:
    """Evidence against tokens kept, a panel a task."""
    tasks = [task for task in frame.tasks() if task not in (*APART, READING)]
    if not tasks:
        return []

    def draw(figure: Figure) -> None:
        for axes, task in zip(panels(figure, len(tasks)), tasks, strict=True):
            _tradeoff(frame, axes, task)

    caption = (
        "Each point is an arm at one budget: how many tokens it kept (logarithmic) and how much of the evidence was "
        "among them, over all data sets of the task, at their longest context. Up and to the left is better. The star"
        " is the evidence alone; full context would stand at the top, far to the right."
    )
    return [picture("pareto", "Evidence against tokens kept", caption, draw)]


def _tradeoff(frame: Frame, axes: Axes, task: str) -> None:
    places, marks = longest(frame, task), list[Mark]()
    metric = frame.metric(places[0])
    for arm in frame.arms_of(places):
        if arm in (FULL, CLOSED) or arm.startswith(ABLATED):
            continue
        style, points = look(arm), _points(frame, places, arm, metric)
        if points:
            at, heights = zip(*points, strict=True)
            axes.plot(at, heights, style.dashes, color=style.colour, marker=style.marker, lw=style.width, ms=5)
            if arm == FOCUSED:
                _beside(axes, style, at[0], heights[0])
            else:
                marks.append(Mark(heights[-1], arm))
    shares(axes, spoken(metric) + ", points")
    budgets = sorted({budget for place in places for budget in frame.budgets(place, OURS)})
    logarithmic(axes, budgets, (f"{each:,}" for each in budgets), "tokens kept")
    at = places[0].length if len({place.length for place in places}) == 1 else max(place.length for place in places)
    axes.set_title(f"{task}, {length(at)} context" if at else task)
    label_ends(axes, marks)


def _beside(axes: Axes, style: Look, at: float, height: float) -> None:
    axes.annotate(style.label, (at, height), (6, 0), textcoords="offset points", color=style.colour, va="center")


def _points(frame: Frame, places: Sequence[Place], arm: str, metric: str) -> list[tuple[float, float]]:
    budgets = sorted({budget for place in places for budget in frame.budgets(place, arm)})
    found: list[tuple[float, float]] = []
    for budget in budgets[:1] if arm in REFERENCES else budgets:
        rows = np.concatenate([frame.groups.get((place, arm, budget), np.empty(0, np.int64)) for place in places])
        height, kept = frame.average(rows, metric), frame.numbers["tokens"][rows]
        if height is not None and kept.mean() > 0:
            found.append((float(kept.mean()), 100 * height))
    return sorted(found)


def latency(frame: Frame) -> list[Picture]:
    """The headline against the median seconds of a call, a panel a task."""
    tasks = [task for task in frame.tasks() if task not in ("abstention", READING)]
    tasks = [task for task in tasks if _timed(frame, longest(frame, task))]
    if not tasks:
        return []

    def draw(figure: Figure) -> None:
        for axes, task in zip(panels(figure, len(tasks), height=2.8), tasks, strict=True):
            _race(frame, axes, task)

    caption = (
        "Median seconds a sample (logarithmic) on the machine of the run, against what was found, at the longest "
        "context and the main budget. Up and to the left is better."
    )
    return [picture("latency", "Time against what is found", caption, draw)]


def _timed(frame: Frame, places: list[Place]) -> list[tuple[float, float, str]]:
    found: list[tuple[float, float, str]] = []
    for arm in frame.arms_of(places):
        rows = frame.pooled(places, arm)
        height = frame.average(rows, frame.metric(places[0]))
        if arm in (FULL, FOCUSED, CLOSED) or arm.startswith(ABLATED) or height is None:
            continue
        seconds = float(np.median(frame.numbers["seconds"][rows]))
        if seconds > 0:
            found.append((seconds, 100 * height, arm))
    return found


def _clear(points: Sequence[tuple[float, float, str]], seconds: float, height: float) -> float:
    """Where a label of that height may begin: right of the marks that it would cover."""
    near = [at for at, level, _ in points if abs(level - height) < 5 and seconds <= at < seconds * 2]
    return max(near, default=seconds)


def _race(frame: Frame, axes: Axes, task: str) -> None:
    places = longest(frame, task)
    points = _timed(frame, places)
    shares(axes, spoken(frame.metric(places[0])) + ", points")
    heights = spread([(height + 2) / 106 for _, height, _ in points], 0.062)
    for (seconds, height, arm), beside in zip(points, heights, strict=True):
        style = look(arm)
        axes.plot([seconds], [height], color=style.colour, marker=style.marker, ms=8 if arm in (OURS, IN_THREE) else 6)
        axes.annotate(
            style.label,
            (seconds, height),
            (_clear(points, seconds, beside * 106 - 2) * 1.18, beside * 106 - 2),
            color=style.colour,
            size=FONT - 1,
            weight="bold" if arm in (OURS, IN_THREE) else "normal",
            va="center",
        )
    axes.set_xscale("log")
    axes.set_xlim(min(each[0] for each in points) / 1.6, max(each[0] for each in points) * 2)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.minorticks_off()
    axes.set_xlabel("median seconds")
    axes.set_title(task)
