"""What length does: slopes, effective lengths, what a reader gets back, and whether short context is harmed."""

from __future__ import annotations

import numpy as np

from tamis_evals import statistics
from tamis_evals.metrics import rot
from tamis_evals.report.frame import Frame, Place, Rows
from tamis_evals.report.headlines import (
    ABLATED,
    CLOSED,
    FOCUSED,
    FULL,
    IN_THREE,
    OURS,
    REFERENCES,
    length,
    marked,
    spoken,
)
from tamis_evals.report.table import Cell, Table, points, whole, word
from tamis_evals.statistics import Estimate

READING = "reading"
SHORT = 4_096
MARGIN = 0.02


def swept(frame: Frame) -> list[tuple[str, str, list[int]]]:
    """Task, data set and lengths, of those at two lengths at least."""
    pairs = [(task, dataset) for task in frame.tasks() for dataset in frame.datasets(task)]
    found = [(task, dataset, frame.lengths(task, dataset)) for task, dataset in pairs if task != "abstention"]
    return [each for each in found if len(each[2]) > 1]


def slopes(frame: Frame) -> Table:
    """Points lost a doubling of the context, and the longest length that still serves, for each arm."""
    rows = [
        row
        for task, dataset, lengths in swept(frame)
        for arm in frame.arms_of(Place(task, dataset, each) for each in lengths)
        if not arm.startswith(ABLATED) and (task == READING or arm not in REFERENCES)
        if (row := _slope_row(frame, [Place(task, dataset, each) for each in lengths], arm))
    ]
    lead = (
        "The slope is the fall of a logistic curve on log2 of the length, in points a doubling (0: flat). The "
        "effective length is the longest with at least 85 % of the score at the shortest (NoLiMa's rule): read it "
        "with the score, for an arm that is bad everywhere can be flat."
    )
    columns = ("task", "data set", "metric", "arm", "shortest", "longest", "points a doubling", "effective length", "n")
    return Table("slopes", "How fast each arm rots", lead, columns, tuple(rows), long=True)


def _slope_row(frame: Frame, places: list[Place], arm: str) -> tuple[Cell, ...] | None:
    metric = frame.metric(places[-1])
    rows = [frame.rows(place, arm) for place in places]
    scores = {
        place.length: found for place, each in zip(places, rows, strict=True) if (found := frame.mean(each, metric))
    }
    if len(scores) < 2:
        return None
    reach = rot.effective_length({at: each.value for at, each in scores.items()})
    return (
        word(places[0].task),
        Cell(marked(places[0].dataset), value=places[0].dataset),
        word(spoken(metric)),
        word(arm),
        points(scores[min(scores)]),
        points(scores[max(scores)]),
        _signed(slope(frame, rows, [place.length for place in places], metric)),
        Cell("–") if reach is None else Cell(length(reach), value=reach),
        whole(sum(each.n for each in scores.values())),
    )


def slope(frame: Frame, rows: list[Rows], lengths: list[int], metric: str) -> Estimate:
    """In points a doubling, with the interval of resampled clusters; `rows` at each of the lengths."""
    values = [frame.values(each, metric) for each in rows]
    usable = [np.isfinite(each) for each in values]
    score, place = np.concatenate(values), np.repeat(np.arange(len(rows)), [len(each) for each in rows])
    held = np.concatenate(usable)
    here = (place[:, None] == np.arange(len(rows))) & held[:, None]
    columns = np.concatenate([np.where(here, np.nan_to_num(score)[:, None], 0.0), here.astype(np.float64)], axis=1)
    sums = statistics.totals(columns[held], frame.clusters[np.concatenate(rows)][held])
    value = float(rot.slope(lengths, *np.split(sums.sum(axis=0), 2)))
    low = high = float("nan")
    if len(sums) > 1:
        drawn = rot.slope(lengths, *np.split(statistics.resampled(sums), 2, axis=1))
        low, high = (float(bound) for bound in np.nanquantile(drawn, (statistics.TAIL, 1 - statistics.TAIL)))
    return Estimate(value, low, high, int(held.sum()), len(sums))


def _signed(found: Estimate) -> Cell:
    shown = Estimate(found.value / 100, found.low / 100, found.high / 100, found.n, found.clusters)
    return points(shown, signed=True)


def recovered(frame: Frame) -> Table:
    """For each arm, how much of what a reader lost to the length comes back."""
    rows = [
        row
        for place in frame.places
        if place.task == READING
        for arm in frame.arms_of([place])
        if arm not in (FULL, FOCUSED, CLOSED) and not arm.startswith(ABLATED)
        if (row := _recovered_row(frame, place, arm))
    ]
    lead = (
        "Rot recovery is (arm − full) / (focused − full) of the reader's F1, in points of 100: 0 is no better than "
        "reading everything, 100 as good as reading the evidence alone. It is not defined where focused − full is "
        "below 5 points."
    )
    columns = ("data set", "length", "arm", "arm F1", "full F1", "focused F1", "rot recovery", "tokens sent", "n")
    return Table("recovery", "Rot recovery of the reader", lead, columns, tuple(rows), long=True)


def _recovered_row(frame: Frame, place: Place, arm: str) -> tuple[Cell, ...] | None:
    rows = [frame.rows(place, each) for each in (arm, FULL, FOCUSED)]
    if not all(map(len, rows)):
        return None
    rows = frame.paired(*rows)
    ours, full, focused = (frame.values(each, "f1") for each in rows)
    found = rot.recovery(ours, full, focused, frame.clusters[rows[0]])
    return (
        Cell(marked(place.dataset), value=place.dataset),
        Cell(frame.size(place), value=place.length),
        word(arm),
        *(points(frame.mean(each, "f1")) for each in rows),
        points(found) if found else Cell("not defined"),
        whole(float(frame.numbers["tokens"][rows[0]].mean()) if len(rows[0]) else None),
        whole(len(rows[0])),
    )


def harmless(frame: Frame) -> Table:
    """Non-inferiority to the whole context where it is short enough to be read well."""
    places = [place for place in frame.places if place.task == READING]
    groups = {"all": places} | {place.dataset: [each for each in places if each[1] == place[1]] for place in places}
    rows = [
        row for name, group in groups.items() for arm in (OURS, IN_THREE) if (row := _harm_row(frame, name, group, arm))
    ]
    lead = (
        f"The reader's F1 with ours − with everything, at lengths up to {SHORT:,} tokens. Harmless means that the "
        f"whole 95 % interval lies above −{100 * MARGIN:.0f} points, the margin set beforehand."
    )
    columns = ("data set", "arm", "full F1", "arm F1", "difference", "n", "verdict")
    return Table("harm", "Do no harm", lead, columns, tuple(rows))


def _harm_row(frame: Frame, name: str, places: list[Place], arm: str) -> tuple[Cell, ...] | None:
    short = [_short(frame, frame.pooled(places, each)) for each in (arm, FULL)]
    if not all(map(len, short)):
        return None
    ours, full = frame.paired(*short)
    found = statistics.difference(frame.values(ours, "f1"), frame.values(full, "f1"), frame.clusters[ours])
    return (
        Cell(marked(name), value=name),
        word(arm),
        points(frame.mean(full, "f1")),
        points(frame.mean(ours, "f1")),
        points(found, signed=True),
        whole(found.n if found else None),
        _harm(found),
    )


def _short(frame: Frame, rows: Rows) -> Rows:
    lengths = [each for each in frame.levels(rows, "length") if not isinstance(each, str) and each <= SHORT]
    return frame.with_factor(rows, "length", lengths)


def _harm(found: Estimate | None) -> Cell:
    if found is None or not found.bounded:
        return word("not known", "unknown", "quiet")
    if found.low > -MARGIN:
        return word("▲ harmless", "harmless", "win")
    return word("▼ HARM", "harm", "loss") if found.high < -MARGIN else word("not proven harmless", "open", "quiet")
