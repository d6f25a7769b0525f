"""What stands around the slices: a notice before them, and after them what was left out and the next call."""

from __future__ import annotations

from dataclasses import dataclass

from tamis_tools import tokens
from tamis_tools.operations.listing import counted, decimal

TERSE_BELOW, SHORT_BELOW = 600, 1_000
"""Budgets under these get a closing line of few words, or of a few more, so that the slices have the room."""
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
    """The last line of an answer: counts, then the exact next calls; without a handle, what is lost with it."""
    if not tally.unfinished:
        kept = f" Kept as {handle}." if handle else ""
        return f"[Everything is shown: {_read(tally)}.{kept}]"
    if not tally.kept and not tally.pending:
        return f"[Nothing fits into {budget_tokens:,} tokens. Call again with a larger budget_tokens.]"
    more = f'More: compress(cursor="{handle}")' if handle else "For more call again with a larger budget_tokens"
    if budget_tokens < TERSE_BELOW:
        return f"[Kept {tally.kept} of {tally.segments:,} segments. {more}.]"
    kept = f"Kept {tally.kept} of {tally.segments:,} segments within {budget_tokens:,} tokens; read {_read(tally)}."
    if budget_tokens < SHORT_BELOW:
        return f"[{kept} {more}.]"
    late = f"{tally.pending:,} not read in time: the next call goes on with them." if tally.pending else ""
    folded = f"{tally.folded:,} near-duplicates left out." if tally.folded else ""
    best = f"Next best: {tally.next_best}." if tally.next_best else ""
    ask = f', or expand(ref="{handle}", question="…")' if handle else ""
    return f"[{' '.join(part for part in (kept, folded, late, best, more + ask) if part)}.]"


def notice(best: float) -> str:
    """What is said before slices that are probably no answer."""
    return f"[These sources probably do not answer this: best match {decimal(best)}. What follows is the closest.]"


def noted(notes: tuple[str, ...], budget_tokens: int) -> list[str]:
    """Notes a line each, as many as a share of the budget allows; the rest are counted."""
    lines: list[str] = []
    room = budget_tokens // NOTES_SHARE
    for note in notes:
        room -= tokens.count(note)
        if room < 0:
            return [*lines, f"[Not said for want of room: {len(notes) - len(lines)} of {len(notes)} notes.]"]
        lines.append(f"[{note}]")
    return lines


def _read(tally: Tally) -> str:
    return f"{counted(tally.documents, 'source')}, {tally.tokens_read:,} tokens"
