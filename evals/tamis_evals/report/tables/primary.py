"""The four endpoints that were named before anything was measured, corrected as one family."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tamis_evals import statistics
from tamis_evals.metrics import rot
from tamis_evals.report.frame import Frame, Place, Rows
from tamis_evals.report.headlines import BLOCKS, FOCUSED, FULL, OURS, SENTENCES, length, marked
from tamis_evals.report.table import Cell, Table, chance, points, verdict, whole, word
from tamis_evals.report.tables.overview import beside
from tamis_evals.statistics import Estimate

LONGEST = 128_000
RIVALS = 4
COMPARED = (OURS, SENTENCES, BLOCKS)
KEPT = 0.02
"""Share of the tokens that rot recovery may take."""
NOT_LEXICAL = ("one_hop", "two_hop")
"""The grades of overlap at which a needle shares no telling word with its question."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """What came out; `note` says against what, or why there is nothing."""

    note: str
    ours: Estimate | None = None
    theirs: Estimate | None = None
    effect: Estimate | None = None
    p: float | None = None


def clean(frame: Frame, task: str, at: int | None = None) -> list[Place]:
    """The places of a task that the embedded model has not seen, all or at one length."""
    return [
        place
        for place in frame.places
        if place.task == task and marked(place.dataset) == place.dataset and at in (None, place.length)
    ]


def _recovered(frame: Frame) -> Endpoint:
    rows = [frame.pooled(clean(frame, "reading", LONGEST), arm) for arm in (OURS, FULL, FOCUSED)]
    if not all(map(len, rows)):
        return Endpoint(f"no reader's answers at {length(LONGEST)} in this run")
    rows = frame.paired(*rows)
    ours, full, focused = (frame.values(each, "f1") for each in rows)
    clusters = frame.clusters[rows[0]]
    kept = float(frame.numbers["tokens"][rows[0]].sum() / max(frame.numbers["source_tokens"][rows[0]].sum(), 1))
    effect = rot.recovery(ours, full, focused, clusters) if kept <= KEPT else None
    why = "" if effect else "; too many" if kept > KEPT else "; focused − full below 5 points"
    p = statistics.p_value(ours, full, clusters) if effect else None
    note = f"full context; {kept:.2%} of the tokens kept{why}"
    return Endpoint(note, frame.mean(rows[0], "f1"), frame.mean(rows[1], "f1"), effect, p)


def _multihop(frame: Frame) -> Endpoint:
    places = clean(frame, "multihop", LONGEST)
    return _difference(frame, {arm: frame.pooled(places, arm, 512) for arm in COMPARED}, "all_evidence")


def _needles(frame: Frame) -> Endpoint:
    pooled = {arm: frame.pooled(clean(frame, "needles"), arm) for arm in COMPARED}
    hidden = {arm: frame.with_factor(rows, "overlap", NOT_LEXICAL) for arm, rows in pooled.items()}
    among = {arm: frame.with_factor(rows, "rivals", (RIVALS,)) for arm, rows in hidden.items()}
    return _difference(frame, among, "clean")


def _lines(frame: Frame) -> Endpoint:
    places = clean(frame, "agents")
    return _difference(frame, {arm: frame.pooled(places, arm, 2048) for arm in COMPARED}, "line_recall")


def _difference(frame: Frame, rows: dict[str, Rows], metric: str) -> Endpoint:
    found = beside(frame, rows, metric)
    if not found or not found.difference:
        return Endpoint("not in this run")
    return Endpoint(found.rival, found.ours, found.theirs, found.difference, found.p)


ENDPOINTS: dict[str, tuple[str, Callable[[Frame], Endpoint]]] = {
    "P1": ("rot recovery of the reader at 128k with at most 2 % of the tokens", _recovered),
    "P2": ("all evidence at 512 tokens, 128k, multi-hop", _multihop),
    "P3": ("clean needles with 4 rivals, one-hop knowledge and two-hop", _needles),
    "P4": ("gold lines at 2,048 tokens, agents' material", _lines),
}


def primary(frame: Frame) -> Table:
    """One row an endpoint; those that the run did not measure keep their place in the family."""
    found = {name: (what, measure(frame)) for name, (what, measure) in ENDPOINTS.items()}
    corrected = statistics.holm([1.0 if each.p is None else each.p for _, each in found.values()])
    rows = [
        _row(name, what, each, p if each.p is not None else None)
        for (name, (what, each)), p in zip(found.items(), corrected, strict=True)
    ]
    lead = (
        "Named before measuring; ‘ours’ is one call. P1 is the share of what length cost the reader that ours wins "
        "back (0: no better than everything, 100: as good as the evidence alone), its p that of ours − full; the "
        "others are paired differences from the stronger BM25. Holm over all four, measured or not. Data sets marked "
        "† are left out."
    )
    columns = ("", "endpoint", "beside", "ours", "theirs", "effect", "p", "p (Holm)", "n", "verdict")
    return Table("primary", "Primary endpoints", lead, columns, tuple(rows))


def _row(name: str, what: str, found: Endpoint, p: float | None) -> tuple[Cell, ...]:
    return (
        word(name),
        word(what),
        word(found.note),
        points(found.ours),
        points(found.theirs),
        points(found.effect, signed=True),
        chance(found.p),
        chance(p),
        whole(found.effect.n if found.effect else None),
        verdict(found.effect, p) if found.effect else word("not measured", "missing", "quiet"),
    )
