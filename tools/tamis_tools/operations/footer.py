"""What stands around the slices: a notice before them, and after them what was left out and the next call."""

from __future__ import annotations

from dataclasses import dataclass

TERSE_BELOW = 1_000
"""Budgets under this get one short line, so that the slices have the room."""
NOTES_SHARE = 4
"""Notes take at most this fraction (one in …) of a budget."""


@dataclass(frozen=True, slots=True)
class Tally:
    """What was looked at and what of it is shown."""

    documents: int
    tokens_read: int
    segments: int = 0
    kept: int = 0
    folded: int = 0
    pending: int = 0
    next_best: str = ""

    @property
    def unfinished(self) -> bool:
        """True where there is more to show."""
        return self.kept < self.segments or self.pending > 0


def closing(tally: Tally, handle: str, budget_tokens: int) -> str:
    """The last line of an answer: counts, then the exact next calls."""
    if not tally.unfinished:
        return f"[Everything is shown: {_sources(tally.documents)}, {tally.tokens_read:,} tokens. Kept as {handle}.]"
    more = f'compress(cursor="{handle}")'
    if budget_tokens < TERSE_BELOW:
        return f"[Kept {tally.kept} of {tally.segments:,} segments. More: {more}]"
    parts = [
        f"Kept {tally.kept} of {tally.segments:,} segments within {budget_tokens:,} tokens; "
        f"read {_sources(tally.documents)}, {tally.tokens_read:,} tokens.",
        f"{tally.folded} near-duplicates folded." if tally.folded else "",
        f"{tally.pending} sources were not read in time; the next call goes on with them." if tally.pending else "",
        f"Next best: {tally.next_best}." if tally.next_best else "",
        f'More: {more}, or expand(ref="{handle}", question="…").',
    ]
    return f"[{' '.join(part for part in parts if part)}]"


def notice(best: float) -> str:
    """What is said before slices that are probably no answer."""
    return f"[These sources probably do not answer this: best match {best:.2f}. The closest lines follow.]"


def noted(notes: tuple[str, ...], budget_tokens: int) -> list[str]:
    """Notes a line each, as many characters as a share of the budget allows; the rest are counted."""
    lines: list[str] = []
    room = budget_tokens * 3 // NOTES_SHARE
    for note in notes:
        room -= len(note)
        if room < 0:
            return [*lines, f"[{len(notes) - len(lines)} more notes.]"]
        lines.append(f"[{note}]")
    return lines


def _sources(count: int) -> str:
    return f"{count:,} source" if count == 1 else f"{count:,} sources"
