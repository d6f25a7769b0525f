"""Every data set and arm at a glance, and ours beside the strongest BM25, losses named."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tamis_evals import statistics
from tamis_evals.report.frame import Frame, Place, Rows
from tamis_evals.report.headlines import (
    ABLATED,
    BLOCKS,
    OURS,
    REFERENCES,
    SENTENCES,
    marked,
    spoken,
)
from tamis_evals.report.table import Cell, Table, best, chance, points, verdict, whole, word
from tamis_evals.statistics import Estimate

APART = ("abstention",)
"""Tasks whose headline is no mean over samples."""


def places(frame: Frame) -> list[Place]:
    """The data sets, each at its shortest and longest length where lengths are swept."""
    found: list[Place] = []
    for task in frame.tasks():
        for dataset in frame.datasets(task) if task not in APART else ():
            lengths = frame.lengths(task, dataset)
            found += [Place(task, dataset, each) for each in dict.fromkeys((lengths[0], lengths[-1]))]
    return found


def named(frame: Frame, place: Place) -> list[Cell]:
    """The first cells of a row: task, data set, length, metric and budget."""
    unit = "" if place.task == "reranking" else f" @ {frame.budget(place):,}"
    return [
        word(place.task),
        Cell(marked(place.dataset), value=place.dataset),
        Cell(frame.size(place), value=place.length),
        word(spoken(frame.metric(place)) + unit),
    ]


NAMES = ("task", "data set", "length", "metric @ tokens")


def overview(frame: Frame) -> Table:
    """One row a data set (and length), one column an arm."""
    where = places(frame)
    arms = [arm for arm in frame.arms_of(where) if not arm.startswith(ABLATED)]
    rows = [_row(frame, place, arms) for place in where]
    lead = (
        "Means in points of 100 with 95 % intervals (Wilson where samples are independent yes or no, else a bootstrap"
        " of clusters). Bold is the best arm held to the budget; full, focused and closed-book are references. n is "
        "the row's; a cell says its own where some of its records failed or are not defined."
    )
    return Table("overview", "Every data set, every arm", lead, (*NAMES, "n", *arms), tuple(rows))


def _row(frame: Frame, place: Place, arms: Sequence[str]) -> tuple[Cell, ...]:
    metric = frame.metric(place)
    found = [frame.mean(frame.rows(place, arm), metric) for arm in arms]
    n = max((each.n for each in found if each), default=0)
    cells = [points(each, n=bool(each) and each.n != n) for each in found]
    return (*named(frame, place), whole(n), *best(cells, [arm not in REFERENCES for arm in arms]))


@dataclass(frozen=True, slots=True)
class Beside:
    """An arm against the strongest BM25 on the same samples."""

    rival: str
    ours: Estimate | None
    theirs: Estimate | None
    difference: Estimate | None
    p: float | None


def beside(frame: Frame, rows: dict[str, Rows], metric: str, arm: str = OURS) -> Beside | None:
    """`rows` by arm. Which BM25 is taken is decided by its own mean: the choice favours it."""
    rivals = [name for name in (SENTENCES, BLOCKS) if len(rows.get(name, ()))]
    if not rivals or not len(rows.get(arm, ())):
        return None
    rival = max(rivals, key=lambda name: frame.average(rows[name], metric) or 0.0)
    ours, theirs = frame.paired(rows[arm], rows[rival])
    values, clusters = (frame.values(ours, metric), frame.values(theirs, metric)), frame.clusters[ours]
    return Beside(
        rival,
        frame.mean(ours, metric),
        frame.mean(theirs, metric),
        statistics.difference(*values, clusters),
        statistics.p_value(*values, clusters),
    )


def versus(frame: Frame, arm: str = OURS) -> Table:
    """Paired differences from BM25, corrected over all rows of the table."""
    where = [place for place in places(frame) if len(frame.rows(place, arm))]
    pairs = [(place, _at(frame, place, arm)) for place in where]
    known = [(place, pair) for place, pair in pairs if pair and pair.difference and pair.p is not None]
    corrected = statistics.holm([pair.p or 0.0 for _, pair in known])
    rows = [
        (
            *named(frame, place),
            word(pair.rival),
            points(pair.theirs),
            points(pair.ours),
            points(pair.difference, signed=True),
            chance(p),
            whole(pair.difference.n if pair.difference else None),
            verdict(pair.difference, p),
        )
        for (place, pair), p in zip(known, corrected, strict=True)
    ]
    lead = (
        "Paired by sample, against the stronger of BM25 over sentences and over blocks in that row. p is exact "
        "McNemar's for independent yes or no, else a sign-flip permutation of clusters, Holm-corrected over this "
        "table. A loss is marked from its interval alone; better needs the corrected p below 0.05 as well."
    )
    columns = (*NAMES, "rival", "BM25", arm, "difference", "p (Holm)", "n", "verdict")
    return Table(f"versus {arm}", f"‘{arm}’ beside BM25", lead, columns, tuple(rows))


def _at(frame: Frame, place: Place, arm: str) -> Beside | None:
    rows = {name: frame.rows(place, name) for name in (arm, SENTENCES, BLOCKS)}
    return beside(frame, rows, frame.metric(place), arm)
