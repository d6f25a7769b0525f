"""A source of words of its own, the call that asks it, and what stands in the answer."""

from __future__ import annotations

import re
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from tamis_tools.operations.compress import compress
from tamis_tools.pace import Pace
from tamis_tools.requests import CompressRequest
from tests.fakes import Clock
from tests.tools.fakes import call

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tamis_tools.results import Answer, Compressed, Slice
    from tamis_tools.workspace import Workspace

LETTERS = "bcdfghklmnprstvz"
QUERY = "What does the falcon eat?"


def word(number: int) -> str:
    """A word of its own for every number."""
    return "".join(LETTERS[number // 16**at % 16] + "aeiou"[at] for at in range(4))


def paragraph(number: int) -> str:
    """Words that no other paragraph has, but for two."""
    return f"The falcon {' '.join(word(20 * number + at) for at in range(20))} sleeps.\n\n"


def ask(place: Workspace, *sources: str, pace: Pace | None = None, **options: Any) -> Answer[Compressed]:
    request = CompressRequest(sources=sources, **{"query": QUERY, "budget_tokens": 300, **options})
    return call(compress, place, request, pace)


def fences(text: str) -> list[tuple[str, str]]:
    """What stands in an answer's fences, each with its label."""
    found = re.findall(r"^<<<(\w+) ([^\n]*)\n(.*?)\n\1>>>$", text, re.DOTALL | re.MULTILINE)
    return [(label, body) for _, label, body in found]


def told(pieces: Sequence[Slice]) -> list[tuple[str, str]]:
    """The fences that say what the slices say."""
    said: list[tuple[str, str]] = []
    for source, group in groupby(pieces, attrgetter("source")):
        first, *others = group
        lines = [first.text.removesuffix("\n")]
        for other in others:
            lines += [f"…{other.start_line}", other.text.removesuffix("\n")]
        said.append((f"{source}:{where(first)}", "\n".join(lines)))
    return said


def where(piece: Slice) -> str:
    return f"{piece.start_line}" if piece.start_line == piece.end_line else f"{piece.start_line}-{piece.end_line}"


def late(clock: Clock, message: str) -> Pace:
    """A pace whose time is up once it has said `message`."""

    async def report(_done: float, _total: float, said: str) -> None:
        clock.now = 100.0 if said.startswith(message) else clock.now

    return Pace(report=report, clock=clock)
