"""Answers that are lists: as many lines as the limit allows, then what was left out, then the notes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tamis_tools import tokens
from tamis_tools.render import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from tamis_tools.ranking import Ranking
    from tamis_tools.sources import Reading
    from tamis_tools.workspace import Workspace

NOTE_CHARS = 2_000
NAMED = 5
"""Sources that a note names."""


def listed(workspace: Workspace, lines: Sequence[str], notes: Iterable[str], left_out: Callable[[int], str]) -> str:
    """The lines that fit into one answer, then the notes, one a line in brackets.

    Where lines do not fit, `left_out(how many)` is the first note.
    """
    room = workspace.scope.limits.max_result_tokens
    brackets = [f"[{' '.join(note.split())[:NOTE_CHARS]}]" for note in notes]
    written = [one_line(line) for line in lines]
    fitting = _fitting(written, room)
    while True:
        missing = len(written) - fitting
        rest = [f"[{left_out(missing)}]"] if missing else []
        text = "\n".join([*written[:fitting], *rest, *brackets])
        if tokens.count(text) <= room or not fitting:
            return text
        # what stands after the lines is short, so this ends after a few rounds
        fitting -= max(1, (tokens.count(text) - room) // 100)


def one_line(text: str) -> str:
    """Text as it may stand in a line of ours: line ends and control characters but tabs replaced."""
    return "\t".join(printable(part) for part in text.split("\t"))


def decimal(score: float, digits: int = 2) -> str:
    """A probability in three characters, or four for 1; in more with more digits."""
    return f"{score:.{digits}f}".replace("0.", ".", 1)


def reading_notes(reading: Reading) -> tuple[str, ...]:
    """What reading has to say, and what it had no time for."""
    if not reading.pending:
        return reading.notes
    count = counted(len(reading.pending), "source")
    return (*reading.notes, f"Time ran out before {count} were read. {again('sources', reading.pending)}")


def again(argument: str, values: Sequence[str]) -> str:
    """The next call for what there was no time for, at most five of it by name."""
    more = f", then for {len(values) - NAMED:,} more" if len(values) > NAMED else ""
    return f"Next, the same call with {argument}={json.dumps(list(values[:NAMED]), ensure_ascii=False)}{more}"


def doubt(ranking: Ranking) -> tuple[str, ...]:
    """Says so where nothing is likely to answer."""
    if ranking.answered or not ranking.corpus.entries:
        return ()
    return (f"These sources probably do not answer this: the best relevance is {decimal(ranking.best)}.",)


def counted(number: int, what: str) -> str:
    """`1 source`, `2 sources`."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _fitting(lines: Sequence[str], room: int) -> int:
    for number, line in enumerate(lines):
        room -= tokens.count(line + "\n")
        if room < 0:
            return number
    return len(lines)
