"""Needles among rivals of the same form: what is kept by how telling the words are, and how many mislead."""

from __future__ import annotations

from tamis_evals.report.frame import Frame, Rows
from tamis_evals.report.headlines import ABLATED, REFERENCES
from tamis_evals.report.table import Cell, Table, best, points, whole, word

NEEDLES = "needles"
GRADES = ("verbatim", "paraphrase", "one_hop", "two_hop")
"""How much a needle's words tell of its question, falling."""


def rivals(frame: Frame) -> Table:
    """Clean rate and rivals kept, one row for each grade of overlap and number of rivals."""
    places = [place for place in frame.places if place.task == NEEDLES]
    arms = [arm for arm in frame.arms_of(places) if arm not in REFERENCES and not arm.startswith(ABLATED)]
    pooled = {arm: frame.pooled(places, arm) for arm in arms}
    grades = frame.levels(max(pooled.values(), key=len), "overlap") if pooled else []
    grades.sort(key=lambda grade: GRADES.index(grade) if grade in GRADES else len(GRADES))
    counts = frame.levels(max(pooled.values(), key=len), "rivals") if pooled else []
    rows: list[tuple[Cell, ...]] = []
    for grade in grades:
        for count in counts:
            here = {arm: _at(frame, rows_, grade, count) for arm, rows_ in pooled.items()}
            if any(map(len, here.values())):
                rows.append((word(str(grade).replace("_", "-")), Cell(str(count), value=count), *_cells(frame, here)))
    lead = (
        "The share of needles found with all their evidence and no rival (clean), with its 95 % interval; under it "
        "the share of rivals that were kept. Without rivals: the share with all evidence. All lengths and depths "
        "together."
    )
    return Table("rivals", "Needles among rivals", lead, ("overlap", "rivals", "n", *arms), tuple(rows))


def _at(frame: Frame, rows: Rows, grade: object, count: object) -> Rows:
    return frame.with_factor(frame.with_factor(rows, "overlap", [grade]), "rivals", [count])  # type: ignore[list-item]


def _cells(frame: Frame, here: dict[str, Rows]) -> list[Cell]:
    found = [_cell(frame, rows) for rows in here.values()]
    return [whole(max(map(len, here.values()))), *best(found, [True] * len(found))]


def _cell(frame: Frame, rows: Rows) -> Cell:
    clean = frame.mean(rows, "clean")
    if clean is None:
        return points(frame.mean(rows, "all_evidence"))
    cell, kept = points(clean), frame.mean(rows, "rivals_kept")
    more = f"; rivals kept {100 * kept.value:.0f}" if kept else ""
    value = {"clean": cell.value, "rivals_kept": kept.value if kept else None}
    return Cell(cell.text, cell.small + more, value)
