"""How an answer comes to fit its budget: drafts are measured as they would be sent, and the least likely goes first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from tamis_tools import slices, tokens
from tamis_tools.excerpt import excerpt
from tamis_tools.handles import Shown
from tamis_tools.operations.footer import Tally, closing, noted, notice
from tamis_tools.operations.listing import decimal
from tamis_tools.selection import FLOOR, UNLIKELY, Choice, choose
from tamis_tools.slices import Stretch

if TYPE_CHECKING:
    from tamis_tools.document import Document, Span
    from tamis_tools.ranking import Ranking
    from tamis_tools.views import View

UNWRITTEN = "@h_q7x2m9k4w8z3v6p5"
"""Stands for a handle while a draft is measured: of 18 tokens, as many as a handle was ever seen to take."""
MOST_CHARS_A_TOKEN = 16
"""Text longer than this for every token of the budget is not worth counting to see if it fits."""


MOSTLY = 2
"""Budgets of at least one in so many of the tokens read hold most of the sources."""


@dataclass(frozen=True, slots=True)
class Material:
    """What one call works on: sources, or what an earlier answer left out."""

    query: str
    documents: tuple[Document, ...]
    seen: tuple[Shown, ...] = ()
    pending: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Draft:
    """An answer but for its handle."""

    documents: tuple[Document, ...]
    stretches: tuple[Stretch, ...]
    shown: tuple[Shown, ...]
    tally: Tally
    notes: tuple[str, ...]
    budget_tokens: int
    show: Callable[[Sequence[Document], Sequence[Stretch]], str]
    best: float = 1.0
    answered: bool = True

    def text(self, handle: str) -> str:
        """The answer as sent."""
        parts = [
            "" if self.answered else notice(self.best),
            self.show(self.documents, self.stretches) if self.stretches else "",
            *noted(self.notes, self.budget_tokens),
            closing(self.tally, handle, self.budget_tokens),
        ]
        return "\n".join(part for part in parts if part)

    @property
    def spare(self) -> int:
        """Tokens of the budget that are left; negative where it is passed."""
        return self.budget_tokens - tokens.count(self.text(UNWRITTEN))


def whole(material: Material, budget_tokens: int) -> Draft | None:
    """Everything, where it fits."""
    documents = material.documents
    spans = [document.readable for document in documents]
    if sum(span.end - span.start for span in spans) > budget_tokens * MOST_CHARS_A_TOKEN:
        return None
    stretches = tuple(Stretch(number, span, 1.0) for number, span in enumerate(spans) if span.end > span.start)
    count = len(stretches)
    tally = Tally(len(documents), tokens_of(documents), segments=count, kept=count, pending=len(material.pending))
    shown = tuple(Shown(stretch.document, *stretch.span) for stretch in stretches)
    draft = Draft(documents, stretches, shown, tally, material.notes, budget_tokens, slices.fenced)
    return draft if draft.spare >= 0 else None


def tokens_of(documents: Sequence[Document]) -> int:
    """Tokens of what was asked for of the documents, as an agent would have read it."""
    spans = ((document.text, document.readable) for document in documents)
    return sum(tokens.count(text[span.start : span.end]) for text, span in spans)


@dataclass(frozen=True, slots=True)
class Composer:
    """Makes one draft of a ranking."""

    material: Material
    ranking: Ranking
    view: View
    budget_tokens: int
    tokens_read: int

    def compose(self) -> Draft:
        """The best that fits, filled a second time with the room that merged stretches have left.

        The best segment is never passed over: where it is too long, the lines of it that say most are shown.
        """
        room = self._draft(_Pick()).spare
        floor = self._floor()
        lead = self._lead()
        first = self._filled(lead, room, floor)
        return self._filled(lead, room + first.spare, floor)

    def _floor(self) -> float:
        """The probability below which a segment is not worth its tokens, even where the budget has room.

        None for who asks for more, and where the budget holds most of the sources: what is left out there saves little.
        """
        best = self.ranking.best
        if self.material.seen or self.tokens_read <= MOSTLY * self.budget_tokens:
            return 0.0
        return min(best, max(UNLIKELY, FLOOR * best))

    def _filled(self, lead: _Pick, room: int, floor: float) -> Draft:
        ranking, taken = self.ranking, 0
        if lead.excerpt:
            taken = room - self._draft(lead).spare
            ranking = replace(ranking, scores=np.where(np.arange(len(ranking.scores)) == lead.at, -1, ranking.scores))
        choice = choose(ranking, max(0, room - taken), self.view, floor)
        draft = self._draft(replace(lead, choice=choice))
        while draft.spare < 0 and choice.chosen:
            choice = replace(choice, chosen=choice.chosen[:-1])
            draft = self._draft(replace(lead, choice=choice))
        return draft

    def _lead(self) -> _Pick:
        """Nothing where the best segment fits, else as much of it as does."""
        if not len(self.ranking.scores):
            return _Pick()
        at = int(self.ranking.order[0])
        if self._draft(_Pick(choice=Choice((at,)))).spare >= 0:
            return _Pick()
        entry = self.ranking.corpus.entries[at]
        document = self.material.documents[entry.document]

        def fits(span: Span) -> bool:
            return self._draft(_Pick(at, Stretch(entry.document, span, float(self.ranking.scores[at])))).spare >= 0

        span = excerpt(document.text, entry.segment.span, self.material.query, fits)
        return _Pick(at, Stretch(entry.document, span, float(self.ranking.scores[at]))) if span else _Pick()

    def _draft(self, pick: _Pick) -> Draft:
        entries = self.ranking.corpus.entries
        chosen = pick.choice.chosen
        taken = {*chosen, pick.at} if pick.excerpt else set(chosen)
        following = next((int(at) for at in self.ranking.order if int(at) not in taken), None)
        tally = Tally(
            len(self.material.documents),
            self.tokens_read,
            segments=len(entries),
            kept=len(taken),
            folded=pick.choice.folded,
            pending=len(self.material.pending),
            next_best="" if following is None else self._named(following),
        )
        whole = (Shown(entries[at].document, *entries[at].segment.span) for at in chosen)
        lead = (pick.excerpt,) if pick.excerpt else ()
        return Draft(
            self.material.documents,
            tuple(slices.merged(self.ranking, chosen, self.view, lead)),
            (*whole, *(Shown(stretch.document, *stretch.span) for stretch in lead)),
            tally,
            (*self.material.notes, *self.ranking.notes),
            self.budget_tokens,
            self.view.text,
            best=self.ranking.best,
            answered=self.ranking.answered,
        )

    def _named(self, at: int) -> str:
        entry = self.ranking.corpus.entries[at]
        place = self.material.documents[entry.document].locate(entry.segment.span)
        # a name of thousands of characters would leave no room for what it names
        return (
            f"{place} ({decimal(float(self.ranking.scores[at]))})"
            if tokens.count(place) <= self.budget_tokens // 8
            else ""
        )


@dataclass(frozen=True, slots=True)
class _Pick:
    """What is to be shown: an excerpt of the entry `at`, and entries as a whole."""

    at: int = -1
    excerpt: Stretch | None = None
    choice: Choice = field(default_factory=Choice)
