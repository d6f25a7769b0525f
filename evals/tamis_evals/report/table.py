"""A table before it is Markdown, HTML or JSON: cells that keep their number beside their words."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from tamis_evals.statistics import Estimate

Tone = Literal["", "win", "loss", "quiet"]
NOTHING = "–"


@dataclass(frozen=True, slots=True)
class Cell:
    """`text` in the open, `small` under it (an interval); `value` is what JSON gets."""

    text: str
    small: str = ""
    value: Any = None
    strong: bool = False
    tone: Tone = ""


@dataclass(frozen=True, slots=True)
class Table:
    """`lead` says how to read it. Rows are as long as `columns`; `long` tables are folded in HTML."""

    name: str
    title: str
    lead: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    long: bool = False

    def data(self) -> list[dict[str, Any]]:
        """Rows by the names of their columns, for JSON."""
        return [{name: cell.value for name, cell in zip(self.columns, row, strict=True)} for row in self.rows]


def word(text: str, value: Any = None, tone: Tone = "") -> Cell:
    """A cell of words; for JSON the same, unless given."""
    return Cell(text, value=text if value is None else value, tone=tone)


def whole(number: float | None) -> Cell:
    """A count, or tokens."""
    return Cell(NOTHING) if number is None or not math.isfinite(number) else Cell(f"{number:,.0f}", value=round(number))


def points(found: Estimate | None, n: bool = False, signed: bool = False) -> Cell:
    """A share as points of 100 with its interval; `n` is said where the row does not say it."""
    if found is None:
        return Cell(NOTHING)
    sign = "+" if signed else ""
    text = _tenths(100 * found.value, sign)
    size = f", n {found.n:,}" if n else ""
    return Cell(text, interval(found, 100, sign) + size, value=raw(found))


def interval(found: Estimate, scale: float, sign: str) -> str:
    """The bounds in brackets."""
    if not found.bounded:
        return "[no interval: one cluster]" if found.clusters < 2 else "[unbounded]"
    return f"[{_tenths(found.low * scale, sign)}, {_tenths(found.high * scale, sign)}]"


def chance(p: float | None) -> Cell:
    """A p."""
    if p is None:
        return Cell(NOTHING)
    return Cell("< 0.001" if p < 0.001 else f"{p:.3f}", value=p)


def verdict(found: Estimate | None, p: float | None) -> Cell:
    """In words what a difference shows: a win needs the corrected p too, a loss only the interval."""
    if found is None or not found.bounded:
        return word("not known", "unknown", "quiet")
    if found.high < 0:
        return word("▼ LOSS", "loss", "loss")
    if found.low > 0 and p is not None and p < 0.05:
        return word("▲ better", "better", "win")
    sign = "higher" if found.value > 0 else "lower" if found.value < 0 else "equal"
    return word(f"{sign}, not proven", "open", "quiet")


def raw(found: Estimate | None) -> dict[str, Any] | None:
    """For JSON; bounds that are not there are null."""
    if found is None:
        return None
    return {
        name: None if isinstance(value, float) and not math.isfinite(value) else value
        for name, value in asdict(found).items()
    }


def best(cells: Sequence[Cell], eligible: Sequence[bool]) -> list[Cell]:
    """Cells of estimates, the highest of at least two eligible ones strong, with all that tie with it as shown."""
    texts = [cell.text if may and cell.value else "" for cell, may in zip(cells, eligible, strict=True)]
    if sum(map(bool, texts)) < 2:
        return list(cells)
    top = max(texts, key=lambda text: float(text or "-inf"))
    return [replace(cell, strong=bool(text) and text == top) for cell, text in zip(cells, texts, strict=True)]


def _tenths(value: float, sign: str) -> str:
    rounded = round(value, 1) + 0.0  # adding zero makes -0.0 positive
    return f"{rounded:{sign}.1f}".replace("-", "−")
