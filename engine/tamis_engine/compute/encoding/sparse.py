"""A weight for some entries of the vocabulary."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from tamis_engine.compute.backbone import tensors_of
from tamis_engine.compute.encoding.texts import OnePiece, as_tokenised, text_inputs
from tamis_engine.compute.heads import linear, taken
from tamis_engine.errors import ModelInvalid
from tamis_engine.operation import Tokenised

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tamis_engine.compute.backbone import Backbone
    from tamis_engine.compute.tokens import Tokeniser
    from tamis_engine.models.spec import Idf, Spec, Splade, TokenWeights
    from tamis_engine.operation import Input, Piece, Row, TextInput


class SpladeWeights(nn.Module):
    """log(1 + relu) of the highest logit of each entry over all tokens."""

    def __init__(self, backbone: Backbone, splade: Splade) -> None:
        super().__init__()
        self._backbone = backbone
        self._logs = 2 if splade.doubled else 1

    def forward(self, pieces: Sequence[Piece]) -> list[NDArray[np.float32]]:
        """(entries, 2) each."""
        return [self._weights(logits) for logits in self._backbone.token_logits(pieces).split()]

    def _weights(self, logits: Tensor) -> NDArray[np.float32]:
        # Both functions never fall, so the highest logit may be looked for before them.
        weights = logits.amax(0).float().relu()
        for _ in range(self._logs):
            weights = weights.log1p()
        index = weights.nonzero().squeeze(1)
        return entries(index.cpu().numpy(), weights[index].cpu().numpy())


class LinearWeights(nn.Module):
    """bge-m3: relu of a linear layer, the highest of each token's; special tokens weigh nothing."""

    def __init__(self, spec: Spec, backbone: Backbone, tokeniser: Tokeniser, weights: TokenWeights) -> None:
        super().__init__()
        tensors = tensors_of(spec, weights.weights)
        self._linear = linear(spec, taken(spec, tensors, "weight"), tensors.get("bias"))
        self._backbone = backbone
        self._dropped = np.array(sorted(tokeniser.special_ids), np.int64)

    def forward(self, pieces: Sequence[Piece]) -> list[NDArray[np.float32]]:
        """(entries, 2) each."""
        (states,) = self._backbone.states(pieces)
        weights = self._linear(states.values.float()).squeeze(1).relu().cpu()
        split = torch.split(weights, list(states.lengths))
        return [self._highest(piece.ids, part.numpy()) for piece, part in zip(pieces, split, strict=True)]

    def _highest(self, ids: Sequence[int], weights: NDArray[np.float32]) -> NDArray[np.float32]:
        index, place = np.unique(np.array(ids, np.int64), return_inverse=True)
        highest = np.zeros(len(index), np.float32)
        np.maximum.at(highest, place, weights)
        kept = (highest > 0) & ~np.isin(index, self._dropped)
        return entries(index[kept], highest[kept])


class KnownWeights:
    """What each token weighs, from a file: queries need no network."""

    def __init__(self, spec: Spec, tokeniser: Tokeniser, idf: Idf) -> None:
        self._weights = (
            _by_index(spec, idf.file) if idf.file.endswith(".safetensors") else _by_token(spec, tokeniser, idf.file)
        )
        self._tokeniser = tokeniser

    def tokenise(self, query: TextInput) -> Tokenised:
        """Answered already: the entries are in the notes."""
        (ids,) = self._tokeniser.ids([self._tokeniser.prompt("query", query.instruction) + query.text])
        limit = self._tokeniser.limit("query")
        index = [id_ for id_ in sorted(set(ids[:limit])) if self._weights.get(id_)]
        weighed = entries(np.array(index, np.int64), np.array([self._weights[id_] for id_ in index]))
        return Tokenised((), len(ids), len(ids) > limit, weighed)


class SparseVectors(OnePiece):
    """Encodes texts as weights of vocabulary entries; queries another way where `queries` is given."""

    nothing = (0, 2)

    def __init__(
        self, tokeniser: Tokeniser, head: SpladeWeights | LinearWeights, queries: KnownWeights | None = None
    ) -> None:
        self._tokeniser = tokeniser
        self._queries = queries
        self.head = head

    def tokenise(self, inputs: Sequence[Input]) -> list[Tokenised]:
        """See `Operation`."""
        texts = text_inputs(inputs)
        readings = iter(self._tokeniser.texts([text for text in texts if not self._is_known(text)]))
        return [
            self._queries.tokenise(text) if self._queries and self._is_known(text) else as_tokenised(next(readings))
            for text in texts
        ]

    def _is_known(self, text: TextInput) -> bool:
        return self._queries is not None and text.role == "query"

    @torch.inference_mode()
    def forward(self, pieces: Sequence[Piece]) -> list[NDArray[np.float32]]:
        """See `Operation`."""
        return self.head(pieces)

    def join(self, asked: Input, tokenised: Tokenised, outputs: Sequence[NDArray[np.float32]]) -> Row:
        """See `Operation`; what is known of a query is in its notes."""
        known = () if tokenised.notes is None else (tokenised.notes,)
        return super().join(asked, tokenised, (*outputs, *known))


def entries(index: NDArray[np.int64], weights: NDArray[np.float32]) -> NDArray[np.float32]:
    """(entries, 2): an index is exact in float32 up to 16 million."""
    return np.stack([index.astype(np.float32), weights.astype(np.float32)], axis=1)


def _by_token(spec: Spec, tokeniser: Tokeniser, file: str) -> dict[int, float]:
    try:
        found: dict[str, float] = json.loads((spec.folder / file).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelInvalid(spec.name, f"{file} can't be read ({error}).") from error
    known = ((tokeniser.id_of(token), float(weight)) for token, weight in found.items())
    return {id_: weight for id_, weight in known if id_ is not None}


def _by_index(spec: Spec, file: str) -> dict[int, float]:
    return dict(enumerate(taken(spec, tensors_of(spec, file), "weight").float().tolist()))
