"""The models that an engine knows as lines to read: for the command line, and for agents as `tamis://models`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tamis_engine.protocol import ANY_LENGTH_TOKENS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tamis_engine.protocol import ModelStatus

FACTS = ("model", "abilities", "dimensions", "max tokens")
HERE = (*FACTS, "memory", "licence", "state")
TO_BE_HAD = (*FACTS, "size", "licence", "for")


def table(models: Sequence[ModelStatus]) -> str:
    """A line a model: those on this machine, what is in memory first, then those that would be downloaded.

    Why a load failed stands below all; a model that was never understood has no other line.
    """
    known = [model for model in models if model.abilities or not model.failure]
    here = sorted((model for model in known if _is_here(model)), key=lambda model: model.state == "absent")
    others = [model for model in known if not _is_here(model)]
    parts = [
        _titled("On this machine:", HERE, [(*_facts(model), _state(model)) for model in here]),
        _titled("Downloaded when first used:", TO_BE_HAD, [(*_facts(model), model.what_for) for model in others]),
        _titled("Failed lately:", (), [(_failure(model),) for model in models if model.failure]),
    ]
    return "\n\n".join(part for part in parts if part)


def size(count: int) -> str:
    """Bytes in a word; empty where they are not known."""
    if not count:
        return ""
    for unit, name in ((1e9, "GB"), (1e6, "MB")):
        if count >= unit:
            return f"{count / unit:.{1 if name == 'GB' else 0}f} {name}"
    return f"{count / 1e3:.0f} kB"


def _titled(title: str, header: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    if not rows:
        return ""
    rows = [header, *rows] if header else rows
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join([title, *lines])


def _is_here(model: ModelStatus) -> bool:
    return model.on_disk or model.state != "absent"


def _facts(model: ModelStatus) -> tuple[str, ...]:
    return (
        model.name,
        ", ".join(model.abilities),
        str(model.dimensions or ""),
        "any" if model.max_tokens >= ANY_LENGTH_TOKENS else str(model.max_tokens or ""),
        size(model.footprint_bytes),
        model.licence,
    )


def _state(model: ModelStatus) -> str:
    waiting = f"{model.waiting} waiting" if model.waiting else ""
    pinned = "pinned" if model.pinned else ""
    return ", ".join(fact for fact in (model.state, pinned, model.device, waiting) if fact)


def _failure(model: ModelStatus) -> str:
    return model.failure if model.name in model.failure else f"{model.name}: {model.failure}"
