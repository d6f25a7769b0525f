"""The log of services that never ran, a line every few seconds."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from random import Random

from tamis_evals.haystacks.grammar import grammar
from tamis_evals.haystacks.pieces import Frame, Piece, one

FILE = "platform.log"
FRAME = Frame()
_LEVELS = ("INFO", "WARN")
_START = datetime(2031, 3, 4, 6, 0, tzinfo=UTC)


def pieces(rng: Random) -> Iterator[Piece]:
    """Lines without end; the clock never goes back."""
    say, now = grammar("log").say, _START
    while True:
        now += timedelta(milliseconds=rng.randint(20, 9_000))
        level, text = say(rng, "line").split(maxsplit=1)
        after = _stamp(now + timedelta(milliseconds=rng.randint(1, 19)), one(rng, _LEVELS))
        yield Piece(FILE, _stamp(now, level), text, after=after, opens=True)


def _stamp(now: datetime, level: str) -> str:
    return f"\n{now:%Y-%m-%dT%H:%M:%S}.{now.microsecond // 1000:03}Z {level:<5} "
