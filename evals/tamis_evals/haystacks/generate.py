"""Haystacks of any length in five kinds of text: the same for the same seed, each cut from one pool of its kind."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from random import Random

from tamis_evals.haystacks import code, docs, logs, prose, tooljson
from tamis_evals.haystacks.needles import Kind
from tamis_evals.haystacks.pieces import Frame, Piece, shuffled
from tamis_tools.tokens import count

POOL = 128_000
"""Tokens of a pool at least, so that a haystack is the same whatever the longest one of a run is."""
_ROOM = 1.05
"""Pieces one by one take up to a twentieth more tokens than joined: a full stop and a line break make one token."""
MAKERS: Mapping[Kind, Callable[[Random], Iterator[Piece]]] = {
    "prose": prose.pieces,
    "docs": docs.pieces,
    "code": code.pieces,
    "log": logs.pieces,
    "json": tooljson.pieces,
}
FRAMES: Mapping[Kind, Frame] = {
    "prose": prose.FRAME,
    "docs": docs.FRAME,
    "code": code.FRAME,
    "log": logs.FRAME,
    "json": tooljson.FRAME,
}


@dataclass(frozen=True, slots=True)
class Pool:
    """Pieces in reading order. `ends[i]` is the number of tokens up to and with piece i."""

    pieces: Sequence[Piece]
    ends: Sequence[int]

    def window(self, tokens: int, turn: int) -> list[Piece]:
        """About `tokens` tokens that begin where reading can start; each `turn` begins elsewhere.

        What runs over the pool's end goes on at its beginning; pieces stay in the order of the pool, so that no clock
        goes back.
        """
        start = self._start(turn)
        before = self.ends[start - 1] if start else 0
        stop = bisect_left(self.ends, before + tokens) + 1
        rest = bisect_left(self.ends, before + tokens - self.ends[-1]) + 1 if stop > len(self.pieces) else 0
        return [*self.pieces[: min(rest, start)], *self.pieces[start:stop]]

    def _start(self, turn: int) -> int:
        within = bisect_left(self.ends, POOL)
        starts = [at for at, piece in enumerate(self.pieces[:within]) if piece.opens]
        return starts[turn * 7_919 % len(starts)]


@lru_cache(maxsize=2 * len(MAKERS))
def pool(kind: Kind, seed: int, tokens: int = POOL) -> Pool:
    """At least `tokens` tokens of a kind; a larger pool of the same seed begins with the smaller one."""
    pieces: list[Piece] = []
    ends: list[int] = []
    for piece in MAKERS[kind](Random(f"{seed} {kind}")):
        pieces.append(piece)
        ends.append(count(piece.whole) + (ends[-1] if ends else 0))
        if ends[-1] >= _ROOM * tokens:
            break
    within = bisect_left(ends, POOL)
    joined = count("".join(piece.whole for piece in pieces[:within])) / ends[within - 1]
    return Pool(pieces, [int(end * joined) for end in ends])


def haystack(kind: Kind, tokens: int, seed: int, turn: int = 0, coherent: bool = True) -> list[Piece]:
    """Pieces of about `tokens` tokens together; shuffled, the same texts stand in other places."""
    found = pool(kind, seed, max(tokens, POOL)).window(tokens, turn)
    return found if coherent else shuffled(found, Random(f"{seed} {kind} {turn} {tokens}"))


def taken(kind: Kind, seed: int, texts: Sequence[str]) -> int:
    """Tokens that texts take once they are put in, with what then stands around them."""
    before = pool(kind, seed, POOL).pieces[0]
    return sum(count(f"{before.after}{text}{before.after_tail}") for text in texts)
