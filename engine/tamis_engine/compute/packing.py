"""Many sequences laid end to end in one row, without padding: where each begins, and which tokens it reads."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import accumulate, chain

import torch
from torch import Tensor

from tamis_engine.operation import Piece


@dataclass(frozen=True, slots=True)
class Packed:
    """States or logits of all pieces laid end to end: (tokens, width), in the model's dtype."""

    values: Tensor
    lengths: tuple[int, ...]

    def split(self) -> tuple[Tensor, ...]:
        """(tokens of the piece, width) each."""
        return torch.split(self.values, list(self.lengths))


@dataclass(frozen=True, slots=True)
class Run:
    """`count` neighbouring sequences of equal `length`, from token `start` on: one call computes them all.

    Each reads a prefix that lies elsewhere in the row, then its own tokens but for the last `unread`.
    """

    start: int
    count: int
    length: int
    unread: int = 0
    prefix_start: int = 0
    prefix_length: int = 0

    @property
    def end(self) -> int:
        """Behind the last token."""
        return self.start + self.count * self.length

    def joins(self, other: Run) -> bool:
        """Whether `other`, which begins where this one ends, is more of the same."""
        return replace(other, start=self.start, count=self.count) == self


@dataclass(frozen=True, eq=False)
class Layout:
    """The runs of a row. Tokens behind the last are filler and belong to no sequence. Equal only to itself."""

    runs: tuple[Run, ...]

    @cached_property
    def longest(self) -> int:
        """Tokens of the longest sequence, its prefix included."""
        return max(run.prefix_length + run.length for run in self.runs)

    @cached_property
    def tokens(self) -> int:
        """Of all sequences."""
        return self.runs[-1].end

    @classmethod
    def of(cls, sequences: Iterable[Run]) -> Layout:
        """Equal neighbours joined."""
        joined: list[Run] = []
        for run in sequences:
            if joined and joined[-1].joins(run):
                joined[-1] = replace(joined[-1], count=joined[-1].count + 1)
            else:
                joined.append(run)
        return cls(tuple(joined))

    @classmethod
    def of_lengths(cls, lengths: Sequence[int]) -> Layout:
        """Of sequences that share nothing."""
        return cls.of(
            Run(start, 1, length) for start, length in zip(accumulate(lengths, initial=0), lengths, strict=False)
        )


@dataclass(frozen=True, slots=True)
class Row:
    """What the network reads. `lasts` are the places of each piece's last token."""

    ids: list[int]
    positions: list[int]
    token_types: list[int]
    lasts: list[int]
    layout: Layout

    def filled(self, tokens: int) -> Row:
        """With filler up to `tokens`."""
        filler = [0] * (tokens - len(self.ids))
        return replace(
            self, ids=self.ids + filler, positions=self.positions + filler, token_types=self.token_types + filler
        )


def row_of(pieces: Sequence[Piece]) -> Row:
    """Every piece whole, in the order given."""
    lengths = [len(piece.ids) for piece in pieces]
    starts = list(accumulate(lengths, initial=0))
    sequences = (
        Run(start, 1, length, piece.unread) for start, length, piece in zip(starts[:-1], lengths, pieces, strict=True)
    )
    return Row(
        ids=list(chain.from_iterable(piece.ids for piece in pieces)),
        positions=list(chain.from_iterable(range(length) for length in lengths)),
        token_types=list(chain.from_iterable(piece.token_types or [0] * len(piece.ids) for piece in pieces)),
        lasts=[end - 1 for end in starts[1:]],
        layout=Layout.of(sequences),
    )


def row_with_shared_prefixes(pieces: Sequence[Piece]) -> Row:
    """Prefixes that several pieces begin with are laid down once, in front of the first of them.

    For causal models alone: there the states of a prefix do not depend on what follows.
    """
    prefixes = [tuple(piece.ids[: min(piece.shared, len(piece.ids) - 1)]) for piece in pieces]
    wanted = Counter(prefixes)
    places: dict[tuple[int, ...], int] = {}
    ids: list[int] = []
    positions: list[int] = []
    lasts: list[int] = []
    sequences: list[Run] = []
    for piece, prefix in zip(pieces, prefixes, strict=True):
        kept = len(prefix) if wanted[prefix] > 1 else 0
        if kept and prefix not in places:
            places[prefix] = len(ids)
            sequences.append(Run(len(ids), 1, kept))
            ids += prefix
            positions += range(kept)
        own = piece.ids[kept:]
        sequences.append(Run(len(ids), 1, len(own), 0, places[prefix] if kept else 0, kept))
        ids += own
        positions += range(kept, len(piece.ids))
        lasts.append(len(ids) - 1)
    return Row(ids, positions, [0] * len(ids), lasts, Layout.of(sequences))


def filled_up(tokens: int) -> int:
    """A row's length on a CPU, one of few: oneDNN compiles a kernel for each that it meets, and keeps it."""
    step = 16 if tokens <= 256 else 128
    return -(-tokens // step) * step
