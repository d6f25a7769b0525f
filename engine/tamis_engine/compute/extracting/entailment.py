"""Zero-shot classification: whether a passage entails a sentence made of the label."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch

from tamis_engine.compute.extracting.found import Found, labelled, row, threshold
from tamis_engine.compute.extracting.windows import asked_in_pairs, passage_first, sliding
from tamis_engine.operation import Piece, Tokenised

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tamis_engine.compute.backbone import Backbone
    from tamis_engine.compute.tokens import Tokeniser
    from tamis_engine.models.spec import Entailment
    from tamis_engine.operation import Input, LabelledInput, Row

OVERLAP = 64
"""Tokens that the windows of a passage share, so that no statement is read in halves alone."""


class Entailments:
    """Whole passages; one that is read in windows entails what any of them does. Labels do not compete."""

    def __init__(self, step: Entailment, backbone: Backbone, tokeniser: Tokeniser) -> None:
        self._step = step
        self._backbone = backbone
        self._tokeniser = tokeniser

    def tokenise(self, inputs: Sequence[Input]) -> list[Tokenised]:
        """See `Operation`."""
        return [self._one(labelled(each)) for each in inputs]

    @torch.inference_mode()
    def forward(self, pieces: Sequence[Piece]) -> list[NDArray[np.float32]]:
        """The probability of entailment, (1,)."""
        logits = self._backbone.class_logits(pieces).float()
        margins = logits[:, self._step.entailment]
        if self._step.contradiction is not None:
            # softmax over the two is the sigmoid of their difference
            margins = margins - logits[:, self._step.contradiction]
        return list(margins.sigmoid().cpu().numpy().reshape(-1, 1))

    def join(self, asked: Input, tokenised: Tokenised, outputs: Sequence[NDArray[np.float32]]) -> Row:
        """See `Operation`."""
        asked = labelled(asked)
        best = np.full(len(asked.labels), -1.0)
        for piece, output in zip(tokenised.pieces, outputs, strict=True):
            best[piece.notes.label] = max(best[piece.notes.label], float(output[0]))
        least = max(threshold(asked, self._step.threshold), 0)
        whole = 0, len(asked.passage)
        return row((Found(label, *whole, p) for label, p in enumerate(best.tolist()) if p >= least), tokenised)

    def _one(self, asked: LabelledInput) -> Tokenised:
        (passage,) = self._tokeniser.parts([asked.passage])
        hypotheses = [self._step.template.replace("{}", label) for label in asked.labels]
        labels = asked_in_pairs(self._tokeniser, hypotheses)
        pieces = tuple(
            passage_first(self._tokeniser, label, passage.ids, within)
            for label in labels
            for within in sliding(len(passage), label.room, OVERLAP)
        )
        tokens = len(passage) + sum(label.given for label in labels)
        return Tokenised(pieces, tokens, any(label.truncated for label in labels))
