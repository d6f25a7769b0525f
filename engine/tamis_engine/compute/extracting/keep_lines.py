"""SWE-Pruner: the lines of code that bear on a task.

A causal reranker reads task and code; the states of three depths are fused by attention over the whole sequence, and
a small head says of every token whether to keep it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from tamis_engine.compute.extracting.found import Found, labelled, row, threshold
from tamis_engine.compute.extracting.spelling import ids_and_offsets
from tamis_engine.compute.extracting.units import Offset, lines
from tamis_engine.compute.extracting.windows import Window, sliding
from tamis_engine.compute.tensors import tensors_of
from tamis_engine.errors import ModelInvalid, RequestInvalid
from tamis_engine.operation import Piece, Tokenised

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tamis_engine.compute.backbone import Backbone, Layer
    from tamis_engine.compute.tokens import Tokeniser
    from tamis_engine.models.spec import ChatPair, KeepLines, Spec
    from tamis_engine.operation import Input, LabelledInput, Row

HEADS = 8
EXTRACTOR = "compression_head.feature_extractor."
OVERLAP = 50
"""Tokens that neighbouring windows share; there the mean of both counts."""
LEAST_ROOM = 100
"""Tokens of code that a window must hold to be worth a pass."""


@dataclass(frozen=True, slots=True)
class Depths:
    """Which states are read: at a quarter of the layers, at half, and behind the last."""

    early: int
    middle: int

    @classmethod
    def of(cls, layers: int) -> Depths:
        """Of a network of so many."""
        return cls(max(1, layers // 4), max(1, layers // 2))

    @property
    def layers(self) -> tuple[Layer, ...]:
        """As the backbone names them."""
        return self.early, self.middle, "last"


class Fusion(nn.Module):
    """Attention and norm, as often as the checkpoint has them, then a head to two emissions."""

    def __init__(self, width: int, layers: int, bottleneck: int) -> None:
        super().__init__()
        self.fusion_layers = nn.ModuleList(nn.MultiheadAttention(width, HEADS, batch_first=True) for _ in range(layers))
        self.fusion_norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(layers))
        narrow, out = nn.Linear(width, bottleneck), nn.Linear(bottleneck, 2)
        extractor = nn.Sequential(nn.LayerNorm(width), narrow, nn.GELU(), nn.Identity(), out)
        self.compression_head = nn.ModuleDict({"feature_extractor": extractor})

    def forward(self, states: Tensor) -> Tensor:
        """(tokens, width) of one sequence to the probability to keep each token, (tokens,)."""
        fused = states.unsqueeze(0)
        for attention, norm in zip(self.fusion_layers, self.fusion_norms, strict=True):
            fused = norm(attention(fused, fused, fused, need_weights=False)[0] + fused)
        emissions = self.compression_head["feature_extractor"](fused[0])
        return (emissions[:, 1] - emissions[:, 0]).sigmoid()


class KeptLines:
    """Labels are tasks or questions. Neither they nor the code can write the tokens that make up a conversation."""

    def __init__(self, spec: Spec, step: KeepLines, backbone: Backbone, tokeniser: Tokeniser) -> None:
        if spec.text.pair is None:
            raise ModelInvalid(spec.name, "it is not known how it must be asked (no template).")
        self._fusion = _fusion(spec, step.weights, 3 * backbone.width).to(backbone.device)
        self._pair: ChatPair = spec.text.pair
        self._depths = Depths.of(int(backbone.config.num_hidden_layers))
        self._step = step
        self._backbone = backbone
        self._tokeniser = tokeniser

    def tokenise(self, inputs: Sequence[Input]) -> list[Tokenised]:
        """See `Operation`."""
        return [self._one(labelled(each)) for each in inputs]

    @torch.inference_mode()
    def forward(self, pieces: Sequence[Piece]) -> list[NDArray[np.float32]]:
        """The probability to keep each token of the window, (tokens,)."""
        depths = [packed.split() for packed in self._backbone.states(pieces, self._depths.layers)]
        fused = [torch.cat([part.float() for part in parts], dim=-1) for parts in zip(*depths, strict=True)]
        return [
            self._fusion(states)[piece.notes.places].cpu().numpy() for states, piece in zip(fused, pieces, strict=True)
        ]

    def join(self, asked: Input, tokenised: Tokenised, outputs: Sequence[NDArray[np.float32]]) -> Row:
        """A line is as likely as the mean of its characters, each as likely as its token."""
        asked = labelled(asked)
        shape = len(asked.labels), len(asked.passage)
        sums, counts = np.zeros(shape), np.zeros(shape)
        offsets: Sequence[Offset] = tokenised.notes
        for piece, output in zip(tokenised.pieces, outputs, strict=True):
            window: Window = piece.notes
            for (start, end), likely in zip(offsets[window.first : window.last], output.tolist(), strict=True):
                sums[window.label, start:end] += likely
                counts[window.label, start:end] += 1
        least = threshold(asked, self._step.threshold)
        means = np.divide(sums, counts, out=np.zeros(shape), where=counts > 0)
        found = (
            Found(label, *line, float(means[label, line.start : line.end][read].mean()))
            for label in range(len(asked.labels))
            for line in lines(asked.passage)
            if (read := counts[label, line.start : line.end] > 0).any()
        )
        return row((each for each in found if each.probability >= least), tokenised)

    def _one(self, asked: LabelledInput) -> Tokenised:
        before, after = self._pair.template.replace("{instruction}", self._pair.instruction).split("{passage}")
        ids, offsets = ids_and_offsets(self._tokeniser, asked.passage)
        tasks = [before.replace("{query}", self._tokeniser.spelled(label)) for label in asked.labels]
        *heads, tail = self._tokeniser.ids([*tasks, after])
        pieces = [
            Piece([*head, *ids[first:last], *tail], shared=len(head), notes=Window(label, first, last, len(head)))
            for label, head in enumerate(heads)
            for first, last in sliding(len(ids), self._room(len(head) + len(tail)), OVERLAP)
        ]
        return Tokenised(tuple(pieces), len(ids) + sum(map(len, heads)), False, offsets)

    def _room(self, around: int) -> int:
        limit = self._tokeniser.text.max_tokens
        if limit - around < min(LEAST_ROOM, limit // 2):
            raise RequestInvalid(
                f"The question takes {around:,} of the {limit:,} tokens that the model reads. Shorten it."
            )
        return limit - around


def _fusion(spec: Spec, file: str, width: int) -> Fusion:
    found = {name.removeprefix("model."): tensor for name, tensor in tensors_of(spec, file).items()}
    own = {name: tensor.float() for name, tensor in found.items() if name.startswith(("fusion_", EXTRACTOR))}
    layers = sum(name.startswith("fusion_norms.") and name.endswith(".weight") for name in own)
    narrow = own.get(f"{EXTRACTOR}1.weight")
    if not layers or narrow is None:
        raise ModelInvalid(spec.name, f"{file} has no fusion_norms, or no {EXTRACTOR}1.weight.")
    try:
        with torch.device("meta"):
            fusion = Fusion(width, layers, len(narrow))
        fusion.load_state_dict(own, assign=True)
    except (RuntimeError, AssertionError) as error:
        raise ModelInvalid(spec.name, f"the weights of its head do not fit ({error}).") from error
    return fusion.eval().requires_grad_(False)
