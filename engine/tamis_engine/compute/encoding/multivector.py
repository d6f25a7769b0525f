"""A vector for each token of a text (late interaction)."""

from __future__ import annotations

from collections.abc import Sequence, Set
from itertools import accumulate
from typing import TYPE_CHECKING

import torch
from torch.nn.functional import normalize

from tamis_engine.compute.backbone import tensors_of
from tamis_engine.compute.encoding.texts import OnePiece, text_inputs
from tamis_engine.compute.heads import layers, linear, taken
from tamis_engine.errors import ModelInvalid
from tamis_engine.operation import Piece, Tokenised

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import nn

    from tamis_engine.compute.backbone import Backbone
    from tamis_engine.compute.tokens import Reading, Tokeniser
    from tamis_engine.models.spec import Spec, Step, TokenVectors
    from tamis_engine.operation import Input
    from tamis_engine.protocol import Role


class TokenStates(OnePiece):
    """Encodes texts as a vector of length 1 for each token that counts.

    Queries are filled up with mask tokens, which count; of passages, the tokens of some words do not. Which do is in
    the notes of a piece.
    """

    def __init__(
        self, spec: Spec, backbone: Backbone, tokeniser: Tokeniser, before: Sequence[Step], recipe: TokenVectors
    ) -> None:
        self._recipe = recipe
        self._backbone = backbone
        self._tokeniser = tokeniser
        self._markers: dict[Role, list[int]] = {
            "query": _marker(spec, tokeniser, recipe.query_marker),
            "passage": _marker(spec, tokeniser, recipe.passage_marker),
        }
        self._filler = _filler(spec, tokeniser) if recipe.expand_query_to else 0
        self._skipped = {tokeniser.id_of(word) for word in recipe.skip_words} - {tokeniser.special("unk")}
        self.nothing = (0, spec.dimensions)
        self.head = layers(spec, before)
        if recipe.weights:
            self.head.append(_projection(spec, recipe))

    def tokenise(self, inputs: Sequence[Input]) -> list[Tokenised]:
        """See `Operation`."""
        texts = text_inputs(inputs)
        return [
            self._query(read) if text.role == "query" else self._passage(read)
            for text, read in zip(texts, self._tokeniser.texts(texts, self._markers), strict=True)
        ]

    def _query(self, read: Reading) -> Tokenised:
        missing = max(self._recipe.expand_query_to - len(read.ids), 0)
        ids = [*read.ids, *[self._filler] * missing]
        unread = 0 if self._recipe.attend_to_expansion else missing
        piece = Piece(ids, unread=unread, notes=self._counting(ids, frozenset()))
        return Tokenised((piece,) if ids else (), read.given, read.truncated)

    def _passage(self, read: Reading) -> Tokenised:
        piece = Piece(read.ids, notes=self._counting(read.ids, self._skipped))
        return Tokenised((piece,) if read.ids else (), read.given, read.truncated)

    def _counting(self, ids: Sequence[int], skipped: Set[int | None]) -> list[int]:
        first = int(self._recipe.skip_first)
        return [at for at, id_ in enumerate(ids) if at >= first and id_ not in skipped]

    @torch.inference_mode()
    def forward(self, pieces: Sequence[Piece]) -> list[NDArray[np.float32]]:
        """See `Operation`."""
        (states,) = self._backbone.states(pieces)
        starts = [0, *accumulate(states.lengths)][:-1]
        kept = [start + at for start, piece in zip(starts, pieces, strict=True) for at in piece.notes]
        vectors = normalize(self.head(states.values[torch.tensor(kept, device=states.values.device)].float()), dim=-1)
        return [part.numpy() for part in vectors.cpu().split([len(piece.notes) for piece in pieces])]


def _marker(spec: Spec, tokeniser: Tokeniser, marker: str) -> list[int]:
    """PyLate's markers end in a space, and are one token with it or without."""
    if not marker:
        return []
    ids = [tokeniser.id_of(token) for token in (marker, marker.strip())]
    found = next((id_ for id_ in ids if id_ is not None), None)
    if found is None:
        raise ModelInvalid(spec.name, f"its marker {marker!r} is not a token.")
    return [found]


def _filler(spec: Spec, tokeniser: Tokeniser) -> int:
    found = next((id_ for id_ in map(tokeniser.special, ("mask", "eos")) if id_ is not None), None)
    if found is None:
        raise ModelInvalid(spec.name, "queries are filled up with mask tokens, and its tokenizer has none.")
    return found


def _projection(spec: Spec, recipe: TokenVectors) -> nn.Linear:
    tensors = tensors_of(spec, recipe.weights)
    bias = tensors.get(recipe.tensor.removesuffix("weight") + "bias")
    return linear(spec, taken(spec, tensors, recipe.tensor), bias)
