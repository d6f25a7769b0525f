"""The models that an engine knows as lines to read: for the command line, and for agents as `tamis://models`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tamis_engine.protocol import ModelStatus

HEADER = ("model", "state", "abilities", "dimensions", "max tokens", "memory", "on disk", "licence")


def table(models: Sequence[ModelStatus]) -> str:
    """A line a model below the names of the columns; why a load failed stands below all."""
    rows = [HEADER, *map(_row, models)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join([*lines, *(f"{model.name}: {model.failure}" for model in models if model.failure)])


def size(count: int) -> str:
    """Bytes in a word; empty where they are not known."""
    if not count:
        return ""
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"


def _row(model: ModelStatus) -> tuple[str, ...]:
    facts = (model.state, *(["pinned"] if model.pinned else []), *([model.device] if model.device else []))
    return (
        model.name,
        ", ".join(facts),
        ", ".join(model.abilities),
        str(model.dimensions or ""),
        str(model.max_tokens or ""),
        size(model.footprint_bytes),
        "yes" if model.on_disk else "no",
        model.licence,
    )
