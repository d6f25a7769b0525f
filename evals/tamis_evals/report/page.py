"""A report as one page of HTML that loads nothing, as Markdown beside its pictures, and as JSON."""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from tamis_evals.records import About
from tamis_evals.report.figures.style import Picture
from tamis_evals.report.table import Cell, Table

TEMPLATE = "page.html.j2"
INLINE_BYTES = 400_000
"""An SVG above this goes into the page as PNG."""


@dataclass(frozen=True, slots=True)
class Section:
    """A heading with its tables and pictures, in order."""

    title: str
    parts: tuple[Table | Picture, ...]

    @property
    def anchor(self) -> str:
        """Of links to it."""
        return re.sub(r"\W+", "-", self.title.lower()).strip("-")


@dataclass(frozen=True, slots=True)
class Report:
    """All that is shown. `notes` are sentences on the run as a whole."""

    about: About
    records: int
    notes: tuple[str, ...]
    sections: tuple[Section, ...]


def html(report: Report) -> str:
    """One document: styles and pictures inside, nothing fetched, nothing run."""
    from jinja2 import Environment, StrictUndefined

    source = files("tamis_evals.report").joinpath(TEMPLATE).read_text(encoding="utf-8")
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    template = environment.from_string(source)
    return template.render(report=report, facts=facts(report.about), inlined=inlined, Table=Table)


def inlined(picture: Picture) -> str:
    """The SVG, or the PNG as a data URL where the SVG is large; needs no escaping."""
    from markupsafe import Markup

    svg = picture.svg[picture.svg.index("<svg") :]
    if len(svg) > INLINE_BYTES:
        data = base64.b64encode(picture.png).decode("ascii")
        return Markup('<img alt="{}" src="data:image/png;base64,{}">').format(picture.title, data)
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    labelled = svg.replace("<svg", f'<svg role="img" aria-label="{Markup.escape(picture.title)}"', 1)
    return Markup(labelled)  # noqa: S704 - drawn here, from no one's markup


def markdown(report: Report) -> str:
    """For reading in a terminal or a repository; pictures are linked."""
    lines = ["# Evaluation of Tamis", "", *(f"* {note}" for note in report.notes), ""]
    for section in report.sections:
        lines += [f"## {section.title}", ""]
        for part in section.parts:
            lines += _table(part) if isinstance(part, Table) else _picture(part)
    lines += ["## Provenance", "", "| what | value |", "|---|---|"]
    lines += [f"| {_plain(name)} | {_plain(value)} |" for name, value in facts(report.about)]
    return "\n".join(lines) + "\n"


def summary(report: Report) -> dict[str, Any]:
    """The tables' numbers by name, and what the run was made of."""
    tables = [part for section in report.sections for part in section.parts if isinstance(part, Table)]
    return {
        "about": report.about.model_dump(),
        "records": report.records,
        "tables": {table.name: table.data() for table in tables},
    }


def facts(about: About) -> list[tuple[str, str]]:
    """What the run was made of, in words."""
    return [
        ("version", about.version),
        ("commit", about.commit + (" with uncommitted changes" if about.dirty else "")),
        ("started", about.started),
        ("machine", about.machine),
        ("seed", str(about.seed)),
        ("quick run", "yes: a smoke test, too small for conclusions" if about.quick else "no"),
        ("lengths", ", ".join(f"{each:,}" for each in about.lengths)),
        *((f"memory of the {name}, MB", f"{value:,.0f}") for name, value in _memory(about) if value is not None),
        *((f"model {name}", revision) for name, revision in sorted(about.models.items())),
        *((f"setting {name}", str(value)) for name, value in sorted(about.settings.items())),
        *((f"SHA-256 of {path}", digest) for path, digest in sorted(about.data.items())),
    ]


def _memory(about: About) -> Sequence[tuple[str, float | None]]:
    return ("server", about.server_megabytes), ("engine", about.engine_megabytes)


def _table(table: Table) -> list[str]:
    head = [f"| {' | '.join(map(_plain, table.columns))} |", f"|{'---|' * len(table.columns)}"]
    rows = [f"| {' | '.join(map(_cell, row))} |" for row in table.rows]
    return [f"### {table.title}", "", table.lead, "", *head, *rows, ""]


def _picture(picture: Picture) -> list[str]:
    return [f"![{picture.title}](figures/{picture.name}.png)", "", f"*{picture.caption}*", ""]


def _cell(cell: Cell) -> str:
    text = f"**{_plain(cell.text)}**" if cell.strong or cell.tone == "loss" else _plain(cell.text)
    return f"{text} {_plain(cell.small)}" if cell.small else text


def _plain(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")
