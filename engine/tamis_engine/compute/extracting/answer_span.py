"""Extractive question answering: where in a passage the answer begins and ends."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch

from tamis_engine.compute.extracting.found import Found, labelled, row, threshold, without_overlaps
from tamis_engine.compute.extracting.units import Offset, of_tokens
from tamis_engine.compute.extracting.windows import Window, asked_in_pairs, question_first, sliding
from tamis_engine.operation import Piece, Tokenised

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from tamis_engine.compute.backbone import Backbone
    from tamis_engine.compute.tokens import Tokeniser
    from tamis_engine.models.spec import AnswerSpan
    from tamis_engine.operation import Input, LabelledInput, Row

ANSWER_TOKENS = 30
"""The longest answer, as in SQuAD's own evaluation."""


class Answers:
    """Labels are questions. Each window gives its likeliest span, unless "no answer" ([CLS]) is likelier there."""

    def __init__(self, step: AnswerSpan, backbone: Backbone, tokeniser: Tokeniser) -> None:
        self._step = step
        self._backbone = backbone
        self._tokeniser = tokeniser

    def tokenise(self, inputs: Sequence[Input]) -> list[Tokenised]:
        """See `Operation`."""
        return [self._one(labelled(each)) for each in inputs]

    @torch.inference_mode()
    def forward(self, pieces: Sequence[Piece]) -> list[NDArray[np.float32]]:
        """First and last token of the best span in the window, its probability, and that of no answer, (4,)."""
        logits = self._backbone.token_logits(pieces).split()
        return [best_span(part.float().cpu(), piece.notes.places) for part, piece in zip(logits, pieces, strict=True)]

    def join(self, asked: Input, tokenised: Tokenised, outputs: Sequence[NDArray[np.float32]]) -> Row:
        """See `Operation`."""
        asked = labelled(asked)
        least = threshold(asked, self._step.threshold)
        found: list[list[Found]] = [[] for _ in asked.labels]
        for piece, (first, last, likely, none) in zip(tokenised.pieces, outputs, strict=True):
            window: Window = piece.notes
            offsets: Sequence[Offset] = tokenised.notes
            start, end = offsets[window.first + int(first)][0], offsets[window.first + int(last)][1]
            span = of_tokens(asked.passage, start, end)
            if likely > none and likely >= least and span.start < span.end:
                found[window.label].append(Found(window.label, *span, float(likely)))
        return row((each for label in found for each in without_overlaps(label)), tokenised)

    def _one(self, asked: LabelledInput) -> Tokenised:
        (passage,) = self._tokeniser.parts([asked.passage], offsets=True)
        questions = asked_in_pairs(self._tokeniser, asked.labels)
        pieces = tuple(
            question_first(self._tokeniser, question, passage.ids, within)
            for question in questions
            for within in sliding(len(passage), question.room, self._step.stride)
        )
        tokens = len(passage) + sum(question.given for question in questions)
        return Tokenised(pieces, tokens, any(question.truncated for question in questions), passage.offsets)


def best_span(logits: Tensor, places: slice) -> NDArray[np.float32]:
    """Start and end are softmaxes over the passage and [CLS], whose probability is that of no answer."""
    read = torch.cat((logits[:1], logits[places])).softmax(0)
    (none_start, none_end), (starts, ends) = read[0], read[1:].T
    best = (0.0, 0, 0)
    for more in range(min(ANSWER_TOKENS, len(starts))):
        likely = starts[: len(starts) - more] * ends[more:]
        first = int(likely.argmax())
        best = max(best, (float(likely[first]), first, first + more), key=lambda each: each[0])
    likely, first, last = best
    return np.array([first, last, likely, float(none_start * none_end)], np.float32)
