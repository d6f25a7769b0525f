"""Sequences filled up to the longest: for architectures not proven to read packed rows."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from tamis_engine.operation import Piece


def padded_ids(pieces: Sequence[Piece], pad: int, device: torch.device) -> Tensor:
    """(pieces, longest)."""
    return _filled([piece.ids for piece in pieces], pad, device)


def padded_types(pieces: Sequence[Piece], device: torch.device) -> Tensor:
    """(pieces, longest)."""
    return _filled([piece.token_types or [0] * len(piece.ids) for piece in pieces], 0, device)


def present(pieces: Sequence[Piece], device: torch.device) -> Tensor:
    """(pieces, longest), True where a piece has a token."""
    return _filled([[1] * len(piece.ids) for piece in pieces], 0, device).bool()


def attended(pieces: Sequence[Piece], device: torch.device) -> Tensor:
    """(pieces, longest), 1 where a token is read by the others."""
    return _filled([[1] * (len(piece.ids) - piece.unread) for piece in pieces], 0, device, _longest(pieces))


def repadded(states: Tensor, pieces: Sequence[Piece]) -> Tensor:
    """(tokens, width), end to end, to (pieces, longest, width)."""
    filled = states.new_zeros(len(pieces), _longest(pieces), states.shape[-1])
    filled[present(pieces, states.device)] = states
    return filled


def _longest(pieces: Sequence[Piece]) -> int:
    return max(len(piece.ids) for piece in pieces)


def _filled(rows: Sequence[Sequence[int]], filler: int, device: torch.device, longest: int = 0) -> Tensor:
    longest = longest or max(map(len, rows))
    return torch.tensor([[*row, *[filler] * (longest - len(row))] for row in rows], device=device)
