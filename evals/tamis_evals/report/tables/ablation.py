"""Whether each stage of the selection earns its place: ours with it, and without."""

from __future__ import annotations

from tamis_evals import statistics
from tamis_evals.report.frame import Frame, Place
from tamis_evals.report.headlines import ABLATED, OURS
from tamis_evals.report.table import Cell, Table, points, whole
from tamis_evals.report.tables.overview import NAMES, named, places


def ablation(frame: Frame) -> Table:
    """One row a data set, one column a stage that is switched off: the paired change from ours."""
    arms = [arm for arm in frame.arms if arm.startswith(ABLATED)]
    where = [place for place in places(frame) if any(len(frame.rows(place, arm)) for arm in arms)]
    rows = [_row(frame, place, arms) for place in where if len(frame.rows(place, OURS))]
    lead = (
        "Ours, and the paired change in points when one stage is switched off: below zero, the stage earns its place "
        "there (▲); above zero, it does harm (▼). Intervals are not corrected for their number."
    )
    columns = (*NAMES, "n", OURS, *(arm.removeprefix(OURS).strip() for arm in arms))
    return Table("ablation", "Each stage switched off", lead, columns, tuple(rows))


def _row(frame: Frame, place: Place, arms: list[str]) -> tuple[Cell, ...]:
    ours, metric = frame.rows(place, OURS), frame.metric(place)
    whole_pipeline = frame.mean(ours, metric)
    changes = [_change(frame, place, arm) for arm in arms]
    return (*named(frame, place), whole(whole_pipeline.n if whole_pipeline else 0), points(whole_pipeline), *changes)


def _change(frame: Frame, place: Place, arm: str) -> Cell:
    without, ours = frame.paired(frame.rows(place, arm), frame.rows(place, OURS))
    metric = frame.metric(place)
    found = statistics.difference(frame.values(without, metric), frame.values(ours, metric), frame.clusters[ours])
    cell = points(found, signed=True)
    if found is None or not found.bounded or found.low <= 0 <= found.high:
        return cell
    earns = found.high < 0
    return Cell(f"{cell.text} {'▲' if earns else '▼'}", cell.small, cell.value, tone="win" if earns else "loss")
