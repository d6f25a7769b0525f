"""Whether an arm's best score tells a question that the sources answer from one that they do not."""

from __future__ import annotations

import math

import numpy as np

from tamis_evals import statistics
from tamis_evals.metrics.abstention import auroc
from tamis_evals.report.frame import Frame, Rows
from tamis_evals.report.headlines import ABLATED, marked
from tamis_evals.report.table import Cell, Table, points, whole, word
from tamis_evals.statistics import Estimate

ABSTENTION = "abstention"


def abstention(frame: Frame) -> Table:
    """AUROC of each arm's best score, and how often it says that there is an answer."""
    places = [place for place in frame.places if place.task == ABSTENTION]
    groups = {place.dataset: [each for each in places if each.dataset == place.dataset] for place in places}
    if len(groups) > 1:
        groups = {"all": places, **groups}
    rows = [
        row
        for name, group in groups.items()
        for arm in frame.arms_of(group)
        if not arm.startswith(ABLATED) and (row := _row(frame, name, arm, frame.pooled(group, arm)))
    ]
    lead = (
        "AUROC of the best score: the chance that a question with an answer in the sources scores higher than one "
        "without (50: no better than a coin). Beside it how often the arm says that it found an answer where there is"
        " one, and where there is none; arms without a score have no row."
    )
    columns = ("data set", "arm", "AUROC", "says so with an answer", "says so without", "n with", "n without")
    return Table("abstention", "Knowing that nothing is there", lead, columns, tuple(rows))


def _row(frame: Frame, name: str, arm: str, rows: Rows) -> tuple[Cell, ...] | None:
    area = separated(frame, rows)
    if area is None:
        return None
    answerable = frame.values(rows, "answerable")
    with_answer, without = rows[answerable == 1], rows[answerable == 0]
    return (
        Cell(marked(name), value=name),
        word(arm),
        points(area),
        points(frame.mean(with_answer, "said_answered")),
        points(frame.mean(without, "said_answered")),
        whole(len(with_answer)),
        whole(len(without)),
    )


def separated(frame: Frame, rows: Rows) -> Estimate | None:
    """The area under the curve with its interval; None where a class or the scores are missing."""
    scores, kinds = frame.values(rows, "best"), frame.values(rows, "answerable")
    usable = np.isfinite(scores) & np.isfinite(kinds)
    scores, kinds, clusters = scores[usable], kinds[usable] == 1, frame.clusters[rows][usable]
    value = auroc(scores[kinds].tolist(), scores[~kinds].tolist())
    if value is None:
        return None
    low, high = statistics.auroc_interval(scores, kinds, clusters)
    if low == high:
        low = high = math.nan
    return Estimate(value, low, high, len(scores), len(np.unique(clusters)))
