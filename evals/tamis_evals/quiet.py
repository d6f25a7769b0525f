"""Whether a measurement was disturbed: how much of the machine other processes used meanwhile.

Medians do not help where contenders differ in length: a short run falls between other people's work, a long one does
not, and torch's threads, which wait by spinning, lose far more than their share. Linux tells; others do not.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

DISTURBED = 0.05
"""Share of the machine used by others from which on a measurement is repeated, whoever was measured."""

ATTEMPTS = 4


@dataclass(frozen=True, slots=True)
class Measured:
    """Seconds, and the share of the machine that others used meanwhile (None: not known)."""

    seconds: float
    others: float | None

    @property
    def quiet(self) -> bool:
        """Not known to be disturbed."""
        return self.others is None or self.others < DISTURBED


def undisturbed(pid: int, once: Callable[[], float]) -> Measured:
    """The first quiet one of a few attempts, else that which was disturbed least; never the fastest."""
    found: list[Measured] = []
    for _ in range(ATTEMPTS):
        found.append(_measured(pid, once))
        if found[-1].quiet:
            return found[-1]
    return min(found, key=lambda each: each.others or 0.0)


def _measured(pid: int, once: Callable[[], float]) -> Measured:
    before = _ticks(pid)
    seconds = once()
    after = _ticks(pid)
    if before is None or after is None:
        return Measured(seconds, None)
    everything, busy, own = (late - early for early, late in zip(before, after, strict=True))
    return Measured(seconds, max(busy - own, 0) / max(everything, 1))


def _ticks(pid: int) -> tuple[int, int, int] | None:
    """Of all processors so far: in all, not idle, and of process `pid`."""
    try:
        machine = [int(each) for each in Path("/proc/stat").read_text(encoding="utf-8").split("\n", 1)[0].split()[1:9]]
        own = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()
    except OSError:
        return None
    return sum(machine), sum(machine) - machine[3] - machine[4], int(own[11]) + int(own[12])
