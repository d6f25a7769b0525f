"""Extractive question answering: where in a passage the answer begins and ends."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from tamis_engine.compute.extracting.found import Found, labelled, row, threshold, without_overlaps
from tamis_engine.compute.extracting.units import Offset, of_tokens
from tamis_engine.compute.extracting.windows import Window, asked_in_pairs, question_first, sliding
from tamis_engine.operation import Piece, Tokenised

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tamis_engine.compute.tokens import Tokeniser
    from tamis_engine.models.spec import AnswerSpan
    from tamis_engine.operation import Input, LabelledInput, Row

    TokenLogits = Callable[[Sequence[Piece]], list[NDArray[np.float32]]]
    """Of every token of each piece, to be where an answer starts and where it ends: (tokens, 2)."""

ANSWER_TOKENS = 30
"""The longest answer, as in SQuAD's own evaluation."""


class Answers:
    """Labels are questions. Each window gives its likeliest span, unless "no answer" ([CLS]) is likelier there.

    Who asks for a threshold is given all that reaches it, likelier than no answer or not.
    """

    def __init__(self, step: AnswerSpan, logits: TokenLogits, tokeniser: Tokeniser) -> None:
        self._step = step
        self._logits = logits
        self._tokeniser = tokeniser

    def tokenise(self, inputs: Sequence[Input]) -> list[Tokenised]:
        """See `Operation`."""
        return [self._one(labelled(each)) for each in inputs]

    def forward(self, pieces: Sequence[Piece]) -> list[NDArray[np.float32]]:
        """First and last token of the best span in the window, its probability, and that of no answer, (4,)."""
        logits = self._logits(pieces)
        return [best_span(part, piece.notes.places) for part, piece in zip(logits, pieces, strict=True)]

    def join(self, asked: Input, tokenised: Tokenised, outputs: Sequence[NDArray[np.float32]]) -> Row:
        """See `Operation`."""
        asked = labelled(asked)
        least = threshold(asked, self._step.threshold)
        always = asked.threshold is not None
        found: list[list[Found]] = [[] for _ in asked.labels]
        for piece, (first, last, likely, none) in zip(tokenised.pieces, outputs, strict=True):
            window: Window = piece.notes
            offsets: Sequence[Offset] = tokenised.notes
            start, end = offsets[window.first + int(first)][0], offsets[window.first + int(last)][1]
            span = of_tokens(asked.passage, start, end)
            if (always or likely > none) and likely >= least and span.start < span.end:
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


def best_span(logits: NDArray[np.float32], places: slice) -> NDArray[np.float32]:
    """Start and end are softmaxes over the passage and [CLS], whose probability is that of no answer."""
    read = np.concatenate((logits[:1], logits[places]))
    read = np.exp(read - read.max(axis=0))
    read /= read.sum(axis=0)
    (none_start, none_end), (starts, ends) = read[0], read[1:].T
    best = (0.0, 0, 0)
    for more in range(min(ANSWER_TOKENS, len(starts))):
        likely = starts[: len(starts) - more] * ends[more:]
        first = int(likely.argmax())
        best = max(best, (float(likely[first]), first, first + more), key=lambda each: each[0])
    likely, first, last = best
    return np.array([first, last, likely, none_start * none_end], np.float32)
