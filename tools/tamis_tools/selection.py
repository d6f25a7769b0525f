"""Which segments to show: the best first, their neighbours with them, nothing twice, within a budget."""

from __future__ import annotations

import re
from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from tamis_tools.corpus import Entry
    from tamis_tools.document import Span
    from tamis_tools.ranking import Ranking
    from tamis_tools.views import View

NEIGHBOUR, NEXT_TURN = 0.4, 0.9
"""What a segment inherits of the score of a chosen one beside it in the same paragraph, function or table; in the same
talk, where an answer takes many turns that share no word with the question."""
FLOOR = 0.02
"""Segments less likely than this fraction of the best are not worth their tokens, even where the budget has room."""
SAME = 0.97
"""Cosine above which two segments say the same."""
REPEATS = 3
"""Records shown of those that differ in numbers only."""
UNLIKELY = 0.008
"""And less likely than this never, be the best as bad as it may."""
MISSES = 40
"""Segments that may fail to fit, one after the other, before the budget counts as full."""
DOCUMENT_TOKENS = 24
"""What the fence and label around the slices of one document cost, about."""

_NUMBERS = re.compile(r"0x[0-9a-fA-F]+|\d+")
_SPACE = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class Choice:
    """Entries of the ranking's corpus, in the order in which they were chosen; how many said nothing new."""

    chosen: tuple[int, ...] = ()
    folded: int = 0


def choose(ranking: Ranking, budget_tokens: int, view: View, floor: float = FLOOR) -> Choice:
    """Take segments by probability until the budget is full; a larger one that does not fit is passed over."""
    picker = _Picker(ranking, budget_tokens, view)
    queue = [(-float(score), at) for at, score in enumerate(ranking.scores) if score >= floor]
    heapify(queue)
    while queue and not picker.full:
        priority, at = heappop(queue)
        if picker.take(at) and view.passages:
            for beside in picker.neighbours(at):
                inherited = priority * picker.inherits(beside)
                if -inherited > max(floor, float(ranking.scores[beside])):
                    heappush(queue, (inherited, beside))
    return Choice(tuple(picker.chosen), picker.folded)


class _Picker:
    def __init__(self, ranking: Ranking, budget_tokens: int, view: View) -> None:
        self.ranking = ranking
        self.view = view
        self.room = budget_tokens
        self.chosen: dict[int, None] = {}
        self.folded = 0
        self._shown: set[tuple[int, Span]] = set()
        self._documents: set[int] = set()
        self._seen: dict[str, int] = {}
        self._passed: set[int] = set()
        self._misses = 0

    @property
    def full(self) -> bool:
        """True when nothing more will fit."""
        return self._misses >= MISSES

    def take(self, at: int) -> bool:
        """Choose an entry if it is new, not said yet, and fits."""
        if at in self._passed:
            return False
        self._passed.add(at)
        entry = self.ranking.corpus.entries[at]
        if not self.view.repeats and self._said(at, entry):
            self.folded += 1
            return False
        cost = self._cost(entry)
        if cost > self.room:
            self._misses += 1
            return False
        self._misses = 0
        self.room -= cost
        self.chosen[at] = None
        self._documents.add(entry.document)
        self._shown.update((entry.document, span) for span in self._pieces(entry))
        return True

    def neighbours(self, at: int) -> list[int]:
        """The entries just before and after in the same block."""
        entries = self.ranking.corpus.entries
        here = entries[at]
        beside = (other for other in (at - 1, at + 1) if 0 <= other < len(entries))
        return [other for other in beside if _same_block(entries[other], here)]

    def inherits(self, at: int) -> float:
        """The share of a neighbour's score that an entry has for itself."""
        return NEXT_TURN if self.ranking.corpus.entries[at].segment.kind == "turn" else NEIGHBOUR

    def _said(self, at: int, entry: Entry) -> bool:
        document = self.ranking.corpus.documents[entry.document]
        text = _SPACE.sub(" ", document.text[entry.segment.start : entry.segment.end]).strip()
        pattern = _NUMBERS.sub("0", text) if document.format == "log" else text
        self._seen[pattern] = self._seen.get(pattern, 0) + 1
        return self._seen[pattern] > (REPEATS if document.format == "log" else 1) or self._near(at, document.format)

    def _near(self, at: int, form: str) -> bool:
        vectors = self.ranking.vectors
        others = [vectors[other] for other in self.chosen if other in vectors]
        if form in ("log", "csv") or at not in vectors or not others:
            return False
        return float((np.stack(others) @ vectors[at]).max()) > SAME

    def _pieces(self, entry: Entry) -> tuple[Span, ...]:
        return self.view.pieces(self.ranking.corpus.documents[entry.document], entry.segment)

    def _cost(self, entry: Entry) -> int:
        document = self.ranking.corpus.documents[entry.document]
        fresh = [span for span in self._pieces(entry) if (entry.document, span) not in self._shown]
        fence = 0 if entry.document in self._documents else DOCUMENT_TOKENS
        return sum(self.view.tokens(document, span) for span in fresh) + fence


def _same_block(one: Entry, other: Entry) -> bool:
    return one.document == other.document and one.segment.block == other.segment.block
