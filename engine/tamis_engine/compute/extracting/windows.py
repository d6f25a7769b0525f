"""Long passages as several pieces: where they are cut, and how each stands beside its label."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tamis_engine.operation import Piece

if TYPE_CHECKING:
    from tamis_engine.compute.tokens import Tokeniser


@dataclass(frozen=True, slots=True)
class Window:
    """Tokens `first` to `last` of the passage, read for `label`: they stand in the piece from `at` on."""

    label: int
    first: int
    last: int
    at: int = 0

    @property
    def places(self) -> slice:
        """Of the passage's tokens in the piece."""
        return slice(self.at, self.at + self.last - self.first)


@dataclass(frozen=True, slots=True)
class Asked:
    """The tokens of a label, as many as may be read, and the room that they leave for the passage."""

    label: int
    ids: Sequence[int]
    given: int
    room: int

    @property
    def truncated(self) -> bool:
        """Whether some of the label is not read."""
        return len(self.ids) < self.given


def asked_in_pairs(tokeniser: Tokeniser, labels: Sequence[str]) -> list[Asked]:
    """Each may fill half of what the model reads."""
    room = max(tokeniser.text.max_tokens - tokeniser.pair_frame.tokens, 2)
    read = [(found.ids, len(found)) for found in tokeniser.parts(labels)]
    kept = [(ids[: room // 2], given) for ids, given in read]
    return [Asked(label, ids, given, room - len(ids)) for label, (ids, given) in enumerate(kept)]


def sliding(count: int, room: int, overlap: int) -> list[tuple[int, int]]:
    """All of `count` tokens in windows of `room`, neighbours sharing `overlap` of them."""
    step = max(room - min(overlap, room - 1), 1)
    firsts = range(0, max(count - room, 0) + step, step) if count else ()
    return [(first, min(first + room, count)) for first in firsts]


def blocks(owners: Sequence[int], room: int) -> list[tuple[int, int]]:
    """All tokens in blocks of at most `room`, cut where the owner changes, or anywhere if one owner has more."""
    cuts = [at for at in range(1, len(owners)) if owners[at] != owners[at - 1]]
    found: list[tuple[int, int]] = []
    first = best = 0
    for cut in [*cuts, len(owners)]:
        if cut - first > room and best > first:
            found.append((first, best))
            first = best
        while cut - first > room:
            found.append((first, first + room))
            first += room
        best = cut
    return [*found, (first, len(owners))] if first < len(owners) else found


def question_first(tokeniser: Tokeniser, asked: Asked, passage: Sequence[int], within: tuple[int, int]) -> Piece:
    """[CLS] question [SEP] window of the passage [SEP], with a `Window` as notes."""
    frame = tokeniser.pair_frame
    at = frame.at[1] - 1 + len(asked.ids)
    parts = asked.ids, passage[slice(*within)]
    return _paired(tokeniser, parts, Window(asked.label, *within, at))


def passage_first(tokeniser: Tokeniser, asked: Asked, passage: Sequence[int], within: tuple[int, int]) -> Piece:
    """[CLS] window of the passage [SEP] label [SEP], with a `Window` as notes."""
    parts = passage[slice(*within)], asked.ids
    return _paired(tokeniser, parts, Window(asked.label, *within, tokeniser.pair_frame.at[0]))


def _paired(tokeniser: Tokeniser, parts: tuple[Sequence[int], Sequence[int]], window: Window) -> Piece:
    frame = tokeniser.pair_frame
    types = frame.types_around(*parts) if tokeniser.typed else None
    return Piece(frame.ids_around(*parts), types, notes=window)
