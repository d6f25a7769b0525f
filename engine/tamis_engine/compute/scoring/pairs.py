"""The probability that a passage answers a query."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from tamis_engine.compute.scoring.chat import Chat
from tamis_engine.errors import ModelInvalid, RequestInvalid
from tamis_engine.operation import PairInput, Piece, Row, Tokenised

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from tamis_engine.compute.backbone import Backbone
    from tamis_engine.compute.tokens import Tokeniser
    from tamis_engine.models.spec import LogitPick, Spec
    from tamis_engine.operation import Input

Reader = Callable[[Sequence[PairInput]], list[Tokenised]]


class PairScores:
    """Scores pairs: the sigmoid of the logit, in float32, of whatever head reads them."""

    def __init__(self, read: Reader, head: nn.Module, scale: float) -> None:
        self._read = read
        self._scale = scale
        self.head = head

    def tokenise(self, inputs: Sequence[Input]) -> list[Tokenised]:
        """See `Operation`."""
        pairs = [each for each in inputs if isinstance(each, PairInput)]
        if len(pairs) < len(inputs):
            raise RequestInvalid("Only pairs of a query and a passage can be scored.")
        return self._read(pairs)

    @torch.inference_mode()
    def forward(self, pieces: Sequence[Piece]) -> list[NDArray[np.float32]]:
        """See `Operation`."""
        return list((self.head(pieces).float() / self._scale).sigmoid().cpu().numpy())

    def join(self, asked: Input, tokenised: Tokenised, outputs: Sequence[NDArray[np.float32]]) -> Row:  # noqa: ARG002
        """See `Operation`."""
        return Row(outputs[0].reshape(()), tokenised.tokens, tokenised.truncated)


class ClassLogit(nn.Module):
    """The logit of the network's own head."""

    def __init__(self, spec: Spec, backbone: Backbone) -> None:
        super().__init__()
        if backbone.config.num_labels != 1:
            raise ModelInvalid(
                spec.name, f"its head has {backbone.config.num_labels} labels; one is expected to score."
            )
        self._backbone = backbone

    def forward(self, pieces: Sequence[Piece]) -> Tensor:
        """(pieces, 1)"""
        return self._backbone.class_logits(pieces)


class YesLessNo(nn.Module):
    """The logit of one token less that of another, behind the last: of both alone, the softmax is its sigmoid."""

    def __init__(self, spec: Spec, backbone: Backbone, tokeniser: Tokeniser, pick: LogitPick) -> None:
        super().__init__()
        self._backbone = backbone
        tokens = (pick.yes, pick.no) if pick.no else (pick.yes,)
        self._ids = [id_ for id_ in map(tokeniser.id_of, tokens) if id_ is not None]
        if len(self._ids) < len(tokens):
            raise ModelInvalid(spec.name, f"{' or '.join(map(repr, tokens))} is not a token.")

    def forward(self, pieces: Sequence[Piece]) -> Tensor:
        """(pieces, 1)"""
        logits = self._backbone.last_logits(pieces, self._ids)
        return logits[:, :1] - logits[:, 1:] if len(self._ids) > 1 else logits


def pair_reader(tokeniser: Tokeniser) -> Reader:
    """Pairs in the model's frame."""
    return lambda inputs: [
        Tokenised((Piece(read.ids, read.token_types),), read.given, read.truncated) for read in tokeniser.pairs(inputs)
    ]


def chat_reader(spec: Spec, tokeniser: Tokeniser) -> Reader:
    """Pairs in the words of the model's template."""
    pair = spec.text.pair
    if pair is None or pair.template.count("{passage}") != 1:
        raise ModelInvalid(spec.name, "a causal reranker needs the template of its question, with one {passage}.")
    return Chat(tokeniser, pair).tokenise
