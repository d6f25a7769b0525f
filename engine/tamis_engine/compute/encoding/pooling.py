"""Pieces of tokens to one float32 row each: a network's pooled states, or the mean of a table's rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn.functional import embedding_bag

from tamis_engine.compute.backbone import tensors_of
from tamis_engine.compute.heads import layers, pooled, taken

if TYPE_CHECKING:
    from tamis_engine.compute.backbone import Backbone
    from tamis_engine.models.spec import Pool, Spec, StaticBag, Step
    from tamis_engine.operation import Piece


class PooledStates(nn.Module):
    """A piece's `notes` say how many of its leading tokens are left out."""

    def __init__(self, spec: Spec, backbone: Backbone, pool: Pool, after: Sequence[Step]) -> None:
        super().__init__()
        self._backbone = backbone
        self._pool = pool
        self._layers = layers(spec, after)

    @property
    def leaves_out_prompt(self) -> bool:
        """Whether the notes are needed."""
        return not self._pool.include_prompt

    def forward(self, pieces: Sequence[Piece]) -> Tensor:
        """(pieces, width)"""
        (states,) = self._backbone.states(pieces)
        return self._layers(pooled(states, self._pool.mode, [piece.notes or 0 for piece in pieces]))


class Bag(nn.Module):
    """The mean over the table's rows; no network."""

    leaves_out_prompt = False

    def __init__(self, spec: Spec, bag: StaticBag, after: Sequence[Step]) -> None:
        super().__init__()
        self._table = nn.Buffer(taken(spec, tensors_of(spec, bag.weights), bag.tensor).float())
        self._layers = layers(spec, after)

    def forward(self, pieces: Sequence[Piece]) -> Tensor:
        """(pieces, width)"""
        lengths = torch.tensor([0, *(len(piece.ids) for piece in pieces)])
        ids = torch.tensor([id_ for piece in pieces for id_ in piece.ids], dtype=torch.long)
        device = self._table.device
        return self._layers(embedding_bag(ids.to(device), self._table, lengths.cumsum(0)[:-1].to(device), mode="mean"))
