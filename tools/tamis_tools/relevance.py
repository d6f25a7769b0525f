"""From what is known of a segment to the probability that it matters for the query."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

ANSWERED = 0.05
"""Best probability below which the sources probably do not answer: true of 6 % of questions that they answer, and of
85 % of those that they don't (200 and 200, five kinds of material)."""
RELEVANT = 0.1
"""Probability from which a source or value counts as relevant: 87 % of those that are, 9 % of those that are not."""


class Weights(NamedTuple):
    """A logistic regression on the cosine and on the words, of the segment and around it; and one on words alone.

    `subject` and `named` are what a segment gains by being named in one that the first look found.
    """

    cosine: float
    words: float
    around: float
    bias: float
    words_alone: float
    around_alone: float
    bias_alone: float
    subject: float
    named: float


WEIGHTS = Weights(4.2, 7.0, 3.0, -6.3, 8.0, 4.0, -5.5, subject=6.0, named=2.0)
"""Fitted on training parts of HotpotQA, MuSiQue and Evidence Inference, rounded; those of names on dev parts."""
COSINE_ALONE = (12.0, -6.0)
"""Slope and bias where the words are left out."""


class Covered(NamedTuple):
    """How much of the query each entry covers, and it with its neighbours; both of shape (entries,)."""

    own: NDArray[np.float32]
    around: NDArray[np.float32]


def by_words(covered: Covered) -> NDArray[np.float32]:
    """Probability of relevance where only the words are known, shape (entries,)."""
    words = WEIGHTS.words_alone * covered.own + WEIGHTS.around_alone * covered.around
    return logistic(words + WEIGHTS.bias_alone)


def by_both(covered: Covered, cosine: NDArray[np.float32]) -> NDArray[np.float32]:
    """Probability of relevance from words and cosines, shape (entries,)."""
    words = WEIGHTS.words * covered.own + WEIGHTS.around * covered.around
    return logistic(WEIGHTS.cosine * cosine + words + WEIGHTS.bias)


def by_cosine(cosine: NDArray[np.float32]) -> NDArray[np.float32]:
    """Probability of relevance from cosines alone, shape (entries,)."""
    slope, bias = COSINE_ALONE
    return logistic(slope * cosine + bias)


def gained(
    scores: NDArray[np.float32], subject: NDArray[np.float32], named: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Probabilities after the second look, shape (entries,): what leads there counts beside what a segment says."""
    safe = np.clip(scores, 1e-6, 1 - 1e-6)
    return logistic(np.log(safe / (1 - safe)) + WEIGHTS.subject * subject + WEIGHTS.named * named)


def logistic(x: NDArray[np.floating]) -> NDArray[np.float32]:
    """1 / (1 + exp(-x))."""
    return (1 / (1 + np.exp(-x))).astype(np.float32)
