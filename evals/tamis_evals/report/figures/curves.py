"""Quality against the length of the context: what the evals are about."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from tamis_evals.report.figures.style import Mark, Picture, label_ends, logarithmic, look, panels, picture, shares
from tamis_evals.report.frame import Frame, Place
from tamis_evals.report.headlines import BLOCKS, CLOSED, FOCUSED, FULL, IN_THREE, OURS, SENTENCES, length, spoken
from tamis_evals.report.tables.length import READING, swept

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DRAWN = 12
"""Samples at the longest context from which what a reader makes of a data set is drawn."""
ANSWERED = (FULL, FOCUSED, CLOSED, "head", SENTENCES, BLOCKS, "encoder", OURS, IN_THREE)
BANDS = (FULL, SENTENCES, OURS)
"""With their intervals drawn; more would hide each other, and the tables have them all."""
CHOSEN = (FOCUSED, "head", SENTENCES, BLOCKS, "encoder", "hybrid", OURS, IN_THREE)
"""Full context is left out where evidence is counted: it holds all of it, which is the point of a reader."""


def hero(frame: Frame) -> list[Picture]:
    """The one picture: what a reader gets right as the context grows, else the evidence of multi-hop questions."""
    return [_drawn(frame, task) for task in _tasks(frame)[:1]]


def curves(frame: Frame) -> list[Picture]:
    """One picture for each other task that sweeps lengths."""
    return [_drawn(frame, task) for task in _tasks(frame)[1:]]


def _tasks(frame: Frame) -> list[str]:
    return list(dict.fromkeys(task for task, _, _ in swept(frame)))


def _drawn(frame: Frame, task: str) -> Picture:
    return _reader(frame) if task == READING else _evidence(frame, task)


def _evidence(frame: Frame, task: str) -> Picture:
    found = [(dataset, lengths) for name, dataset, lengths in swept(frame) if name == task]

    def draw(figure: Figure) -> None:
        for axes, (dataset, lengths) in zip(panels(figure, len(found)), found, strict=True):
            places = [Place(task, dataset, each) for each in lengths]
            _lines(frame, axes, places, CHOSEN)
            axes.set_title(f"{dataset}, {frame.budget(places[-1]):,} tokens kept")
            axes.set_xlabel("context, tokens")

    caption = (
        "Each arm at the same budget while the context around the evidence grows; the bands are 95 % intervals of "
        "ours and BM25 over sentences (the tables have all). Focused is the evidence alone. Full context would hold "
        "all evidence and is left out: what matters there is what a reader makes of it."
    )
    return picture(f"length-{task}", f"Length: {task}", caption, draw)


def _reader(frame: Frame) -> Picture:
    read = [(dataset, lengths) for name, dataset, lengths in swept(frame) if name == READING]
    found = [(dataset, lengths) for dataset, lengths in read if _often(frame, dataset, lengths)] or read

    def draw(figure: Figure) -> None:
        columns = min(len(found), 3)
        axes = panels(figure, 2 * columns * math.ceil(len(found) / columns), height=2.6, per_row=columns)
        spare = set(axes)
        for number, (dataset, lengths) in enumerate(found):
            row, column = divmod(number, columns)
            top, below = (axes[(2 * row + down) * columns + column] for down in (0, 1))
            spare -= {top, below}
            places = [Place(READING, dataset, each) for each in lengths]
            _lines(frame, top, places, ANSWERED)
            top.set_title(dataset)
            _sent(frame, below, places)
        for each in spare:
            each.remove()

    caption = (
        "Above, what the reader gets right as the context grows (bands: 95 % intervals): with everything (full), with"
        " the evidence alone (focused), and with what each arm keeps. Below, the tokens that it was sent for that."
    )
    return picture("length-reading", "Length: what a reader gets right", caption, draw)


def _often(frame: Frame, dataset: str, lengths: Sequence[int]) -> bool:
    """Whether there is enough at the longest context to draw a line."""
    return len(frame.rows(Place(READING, dataset, lengths[-1]), "full")) >= DRAWN


def _lines(frame: Frame, axes: Axes, places: Sequence[Place], arms: Sequence[str]) -> None:
    metric, marks = frame.metric(places[-1]), list[Mark]()
    for arm in arms:
        known = [(place.length, each) for place in places if (each := frame.mean(frame.rows(place, arm), metric))]
        if not known:
            continue
        style, at = look(arm), [place for place, _ in known]
        if arm in BANDS and all(each.bounded for _, each in known):
            low, high = [100 * each.low for _, each in known], [100 * each.high for _, each in known]
            axes.fill_between(at, low, high, color=style.colour, alpha=0.14, linewidth=0)
        heights = [100 * each.value for _, each in known]
        axes.plot(at, heights, style.dashes, color=style.colour, marker=style.marker, lw=style.width, ms=4.5)
        marks.append(Mark(heights[-1], arm))
    shares(axes, spoken(metric) + ", points")
    _lengths(axes, places)
    label_ends(axes, marks)


def _sent(frame: Frame, axes: Axes, places: Sequence[Place]) -> None:
    marks: list[Mark] = []
    for arm in (FULL, FOCUSED, SENTENCES, OURS, IN_THREE):
        rows = [(place.length, frame.rows(place, arm)) for place in places]
        known = [(at, float(frame.numbers["tokens"][each].mean())) for at, each in rows if len(each)]
        known = [(at, sent) for at, sent in known if sent > 0]
        if known:
            style = look(arm)
            at, sent = zip(*known, strict=True)
            axes.plot(at, sent, style.dashes, color=style.colour, marker=style.marker, lw=style.width, ms=4.5)
            marks.append(Mark(sent[-1], arm))
    axes.set_yscale("log")
    axes.set_ylabel("tokens sent")
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    axes.minorticks_off()
    axes.tick_params(length=0)
    axes.grid(visible=False, axis="x")
    _lengths(axes, places)
    axes.set_xlabel("context, tokens")
    label_ends(axes, marks)


def _lengths(axes: Axes, places: Sequence[Place]) -> None:
    at = [place.length for place in places]
    logarithmic(axes, at, map(length, at), "")
    axes.set_xlim(at[0] / 1.25, at[-1] * 1.25)
