"""From a folder of records to a report: read once, tabled, drawn, written; no model is needed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path

from tamis_evals.records import About, Run
from tamis_evals.report import extras
from tamis_evals.report.figures.costs import latency, pareto
from tamis_evals.report.figures.curves import curves, hero
from tamis_evals.report.figures.heat import heat
from tamis_evals.report.figures.style import Picture
from tamis_evals.report.frame import Frame, read
from tamis_evals.report.headlines import IN_THREE, OURS, SEEN_NOTE, marked
from tamis_evals.report.page import Report, Section, html, markdown, summary
from tamis_evals.report.table import Table
from tamis_evals.report.tables.ablation import ablation
from tamis_evals.report.tables.abstention import abstention
from tamis_evals.report.tables.costs import failures, tokens
from tamis_evals.report.tables.length import READING, harmless, recovered, slopes
from tamis_evals.report.tables.needles import rivals
from tamis_evals.report.tables.overview import overview, versus
from tamis_evals.report.tables.primary import primary

PAGE = "report.html"
Part = Callable[[Frame], "Table | list[Picture]"]

SECTIONS: dict[str, tuple[Part, ...]] = {
    "At a glance": (hero, primary),
    "Data sets and arms": (overview, versus, lambda frame: versus(frame, IN_THREE)),
    "Length": (curves, slopes, recovered),
    "Budget": (pareto,),
    "Needles": (heat, rivals),
    "Short context": (harmless,),
    "Abstention": (abstention,),
    "Cost": (latency, tokens),
    "Ablation": (ablation,),
    "Failures": (failures,),
}
"""In the order of the page; what the run has no records for is left out."""


class NoRecords(Exception):
    """The folder holds no records, or does not say what they were made of; the message says where they were sought."""


def build(folder: Path, out: Path | None = None) -> Path:
    """Write `report.html`, `report.md`, `summary.json` and `figures/` into `out` (the folder itself if not given).

    Gives the path of the page. Raises `ExtraMissing` without the extra `evals`, `NoRecords` without a run.
    """
    extras.check()
    about, frame = _read(folder)
    report = _report(about, frame)
    out = out or folder
    _draw(out / "figures", report)
    for name, text in {
        PAGE: html(report),
        "report.md": markdown(report),
        "summary.json": json.dumps(summary(report), indent=1, ensure_ascii=False) + "\n",
    }.items():
        (out / name).write_text(text, encoding="utf-8")
    return out / PAGE


def _read(folder: Path) -> tuple[About, Frame]:
    run = Run(folder)
    try:
        about = run.about()
    except FileNotFoundError as error:
        raise NoRecords(f"There is no {error.filename}. Make a run with `tamis eval run`.") from error
    frame = read(run.records(), about.lengths)
    if not frame.groups and not frame.failures:
        raise NoRecords(f"{folder} holds no records yet. Make them with `tamis eval run`.")
    return about, frame


def _report(about: About, frame: Frame) -> Report:
    sections = [Section(title, tuple(_parts(frame, parts))) for title, parts in SECTIONS.items()]
    held = len(frame.samples)
    return Report(about, held, tuple(_notes(about, frame)), tuple(each for each in sections if each.parts))


def _parts(frame: Frame, parts: Iterable[Part]) -> Iterable[Table | Picture]:
    for part in parts:
        found = part(frame)
        if isinstance(found, Table):
            yield from [found] if found.rows else []
        else:
            yield from found


def _notes(about: About, frame: Frame) -> Iterable[str]:
    tasks = frame.tasks()
    failed = f"{len(frame.failures):,} more failed and count nowhere" if frame.failures else "none failed"
    yield f"{len(frame.samples):,} records of {len(frame.arms)} arms in {len(tasks)} tasks; {failed}."
    if about.quick:
        yield "A quick run: it shows that everything works, and is too small for conclusions."
    if about.dirty:
        yield "The code had uncommitted changes."
    if READING not in tasks:
        yield "No reader ran: what is shown is which evidence is kept, not what a reader makes of it."
    if OURS not in frame.arms:
        yield "The arm ‘ours’ is not in this run."
    if any(marked(place.dataset) != place.dataset for place in frame.places):
        yield SEEN_NOTE


def _draw(folder: Path, report: Report) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for section in report.sections:
        for part in section.parts:
            if isinstance(part, Picture):
                (folder / f"{part.name}.svg").write_text(part.svg, encoding="utf-8")
                (folder / f"{part.name}.png").write_bytes(part.png)
