"""How an answer comes to fit its budget: drafts are measured as they would be sent, and the least likely goes first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import TYPE_CHECKING

from tamis_tools import slices, tokens
from tamis_tools.document import Span
from tamis_tools.operations.footer import Tally, closing, noted, notice
from tamis_tools.selection import FLOOR, Choice, choose
from tamis_tools.slices import Stretch

if TYPE_CHECKING:
    from tamis_tools.document import Document
    from tamis_tools.handles import Shown
    from tamis_tools.ranking import Ranking
    from tamis_tools.views import View

UNWRITTEN = "@h_q7x2m9k4w8z3v6p5"
"""Stands for a handle while a draft is measured; it takes ten tokens, as most do."""
SLACK = 12
"""A handle has 16 letters, so the two of a footer take at most this many tokens more than measured."""
MOST_CHARS_A_TOKEN = 16
"""Text longer than this for every token of the budget is not worth counting to see if it fits."""


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
        return self.budget_tokens - tokens.count(self.text(UNWRITTEN)) - SLACK


def whole(material: Material, budget_tokens: int) -> Draft | None:
    """Everything, where it fits."""
    documents = material.documents
    spans = [document.readable for document in documents]
    if sum(span.end - span.start for span in spans) > budget_tokens * MOST_CHARS_A_TOKEN:
        return None
    tally = Tally(len(documents), tokens_of(documents), pending=len(material.pending))
    stretches = tuple(Stretch(number, span, 1.0) for number, span in enumerate(spans) if span.end > span.start)
    draft = Draft(documents, stretches, tally, material.notes, budget_tokens, slices.fenced)
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
        """The best that fits; filled a second time with the room that merged stretches have left."""
        room = self._draft(Choice(), ()).spare
        floor = (
            0.0 if self.material.seen else FLOOR * self.ranking.best
        )  # who asks for more wants the rest, likely or not
        first = self._fitted(choose(self.ranking, room, self.view, floor))
        second = self._fitted(choose(self.ranking, room + first.spare, self.view, floor))
        return second if second.stretches else self._closest()

    def _fitted(self, choice: Choice) -> Draft:
        draft = self._draft(choice, self._stretches(choice))
        while draft.spare < 0 and choice.chosen:
            choice = replace(choice, chosen=choice.chosen[:-1])
            draft = self._draft(choice, self._stretches(choice))
        return draft

    def _stretches(self, choice: Choice) -> tuple[Stretch, ...]:
        return tuple(slices.merged(self.ranking, choice.chosen, self.view))

    def _closest(self) -> Draft:
        """As much of the best segment as fits, where none fits whole or none is likely to matter."""
        entries = self.ranking.corpus.entries
        if not entries:
            return self._draft(Choice(), ())
        at = int(self.ranking.order[0])
        number, segment, _ = entries[at]
        text = self.material.documents[number].text[segment.start : segment.end]
        end = segment.end
        while True:
            stretch = Stretch(number, Span(segment.start, end), float(self.ranking.scores[at]))
            draft = self._draft(Choice((at,)), (stretch,))
            if draft.spare >= 0 or end - segment.start < 2:
                return draft if draft.spare >= 0 else self._draft(Choice(), ())
            end = segment.start + _shorter(text[: end - segment.start])

    def _draft(self, choice: Choice, stretches: tuple[Stretch, ...]) -> Draft:
        chosen = set(choice.chosen)
        entries = self.ranking.corpus.entries
        following = next((int(at) for at in self.ranking.order if int(at) not in chosen), None)
        tally = Tally(
            len(self.material.documents),
            self.tokens_read,
            segments=len(entries),
            kept=len(chosen),
            folded=choice.folded,
            pending=len(self.material.pending),
            next_best="" if following is None else self._named(following),
        )
        return Draft(
            self.material.documents,
            stretches,
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
        return f"{place} ({self.ranking.scores[at]:.2f})"


def seen_by(material: Material, draft: Draft) -> tuple[Shown, ...]:
    """What this answer and those before it have shown."""
    from tamis_tools.handles import Shown

    now = (Shown(stretch.document, *stretch.span) for stretch in draft.stretches)
    return tuple(dict.fromkeys(chain(material.seen, now)))


def _shorter(text: str) -> int:
    """Length of about two thirds of the text, cut at white space where there is some near."""
    half = max(1, len(text) * 2 // 3)
    space = max(text.rfind(" ", half // 2, half), text.rfind("\n", half // 2, half))
    return space if space > 0 else half
