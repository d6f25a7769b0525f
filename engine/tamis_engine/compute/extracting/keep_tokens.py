"""Provence: of every token of a passage, whether it helps to answer the question; sentences are kept by the mean."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from tamis_engine.compute.extracting.found import Found, labelled, row, threshold
from tamis_engine.compute.extracting.units import Span, owners, sentences
from tamis_engine.compute.extracting.windows import Window, asked_in_pairs, blocks, question_first
from tamis_engine.compute.heads import linear, taken
from tamis_engine.compute.tensors import tensors_of
from tamis_engine.compute.tokens import well_formed
from tamis_engine.operation import Piece, Tokenised

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tamis_engine.compute.backbone import Backbone
    from tamis_engine.compute.tokens import Tokeniser
    from tamis_engine.models.spec import KeepTokens, Spec
    from tamis_engine.operation import Input, LabelledInput, Row


@dataclass(frozen=True, slots=True)
class Sentences:
    """Of a passage, and for each of its tokens the sentence that it belongs to."""

    spans: Sequence[Span]
    owners: Sequence[int]


class KeptSentences:
    """Labels are questions. Blocks of whole sentences, so that a pass reads as the model was trained to."""

    def __init__(self, spec: Spec, step: KeepTokens, backbone: Backbone, tokeniser: Tokeniser) -> None:
        tensors = tensors_of(spec, step.weights)
        weight, bias = (taken(spec, tensors, f"{step.tensor}.{name}") for name in ("weight", "bias"))
        self._head = linear(spec, weight, bias).to(backbone.device)
        self._step = step
        self._backbone = backbone
        self._tokeniser = tokeniser

    def tokenise(self, inputs: Sequence[Input]) -> list[Tokenised]:
        """See `Operation`."""
        return [self._one(labelled(each)) for each in inputs]

    @torch.inference_mode()
    def forward(self, pieces: Sequence[Piece]) -> list[NDArray[np.float32]]:
        """The probability to keep each token of the block, (tokens,)."""
        (states,) = self._backbone.states(pieces, (self._step.state,))
        keep = self._head(states.values.float()).softmax(-1)[:, 1].cpu()
        parts = torch.split(keep, list(states.lengths))
        return [part[piece.notes.places].numpy() for part, piece in zip(parts, pieces, strict=True)]

    def join(self, asked: Input, tokenised: Tokenised, outputs: Sequence[NDArray[np.float32]]) -> Row:
        """See `Operation`."""
        asked = labelled(asked)
        if not outputs:
            return row((), tokenised)
        cut: Sentences = tokenised.notes
        shape = len(asked.labels), len(cut.spans)
        sums, counts = np.zeros(shape), np.zeros(shape)
        for piece, output in zip(tokenised.pieces, outputs, strict=True):
            window: Window = piece.notes
            within = cut.owners[window.first : window.last]
            np.add.at(sums[window.label], within, output)
            np.add.at(counts[window.label], within, 1)
        means = sums / np.maximum(counts, 1)
        kept = np.argwhere((counts > 0) & (means >= threshold(asked, self._step.threshold)))
        return row((Found(label, *cut.spans[at], float(means[label, at])) for label, at in kept.tolist()), tokenised)

    def _one(self, asked: LabelledInput) -> Tokenised:
        (passage,) = self._tokeniser.parts([asked.passage], offsets=True)
        questions = asked_in_pairs(self._tokeniser, asked.labels)
        tokens = len(passage) + sum(question.given for question in questions)
        spans = sentences(well_formed(asked.passage))
        if not spans or not len(passage):
            return Tokenised((), tokens, False)
        cut = Sentences(spans, owners(spans, passage.offsets))
        pieces = tuple(
            question_first(self._tokeniser, question, passage.ids, within)
            for question in questions
            for within in blocks(cut.owners, question.room)
        )
        return Tokenised(pieces, tokens, any(question.truncated for question in questions), cut)
