"""Which kept files go when there are too many: the least recently used, as a pure function."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_UNFINISHED_SECONDS = 3_600.0


@dataclass(frozen=True, slots=True)
class Retention:
    """How much is kept.

    Past `soft_bytes` what was not used for `keep_seconds` goes. What was used since stays, until the whole
    passes `hard_bytes`: then it goes too, the least recently used first.
    """

    soft_bytes: int = 512 * 1024 * 1024
    hard_bytes: int = 2 * 1024 * 1024 * 1024
    keep_seconds: float = 24 * 3_600.0


@dataclass(frozen=True, slots=True)
class Entry:
    """A file of the store: when it was last written or read, and whether its writing has not ended."""

    path: Path
    size: int
    used: float
    unfinished: bool = False


def surplus(entries: Iterable[Entry], now: float, retention: Retention) -> list[Entry]:
    """The entries to remove. A file still unfinished after an hour was left by a process that died; until then it
    may be in the making, whatever the caps say."""
    by_use = sorted(entries, key=lambda entry: (entry.used, entry.path))
    total = sum(entry.size for entry in by_use)
    going: list[Entry] = []
    for entry in by_use:
        idle = now - entry.used
        over = total > retention.hard_bytes or (total > retention.soft_bytes and idle >= retention.keep_seconds)
        if idle > _UNFINISHED_SECONDS if entry.unfinished else over:
            going.append(entry)
            total -= entry.size
    return going
