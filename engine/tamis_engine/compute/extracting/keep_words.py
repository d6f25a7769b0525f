"""LLMLingua-2: the words of a passage that say the most, whatever is asked."""

from __future__ import annotations

import string
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np
import torch

from tamis_engine.compute.extracting.found import Found, labelled, row
from tamis_engine.compute.extracting.units import of_tokens
from tamis_engine.compute.extracting.windows import Window
from tamis_engine.errors import RequestInvalid
from tamis_engine.operation import Piece, Tokenised

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from tokenizers import Encoding

    from tamis_engine.compute.backbone import Backbone
    from tamis_engine.compute.tokens import Tokeniser
    from tamis_engine.models.spec import KeepWords
    from tamis_engine.operation import Input, LabelledInput, Row

PUNCTUATION = frozenset(string.punctuation)


@dataclass(frozen=True, slots=True)
class Words:
    """Where each word begins, in tokens, and the characters of each token."""

    begins: Sequence[bool]
    offsets: Sequence[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Word:
    """Characters of a passage, the probability to keep them, and the tokens that they take."""

    start: int
    end: int
    probability: float
    tokens: int


class KeptWords:
    """Labels are not read: what is found is told under the first. The share is one of tokens, in every chunk."""

    def __init__(self, step: KeepWords, backbone: Backbone, tokeniser: Tokeniser) -> None:
        self._step = step
        self._backbone = backbone
        self._tokeniser = tokeniser

    def tokenise(self, inputs: Sequence[Input]) -> list[Tokenised]:
        """See `Operation`."""
        return [self._one(labelled(each)) for each in inputs]

    @torch.inference_mode()
    def forward(self, pieces: Sequence[Piece]) -> list[NDArray[np.float32]]:
        """The probability to keep each token of the chunk, (tokens,)."""
        logits = self._backbone.token_logits(pieces)
        keep = logits.values.float().softmax(-1)[:, 1].cpu()
        parts = torch.split(keep, list(logits.lengths))
        return [part[piece.notes.places].numpy() for part, piece in zip(parts, pieces, strict=True)]

    def join(self, asked: Input, tokenised: Tokenised, outputs: Sequence[NDArray[np.float32]]) -> Row:
        """See `Operation`."""
        asked = labelled(asked)
        share = self._share(asked)
        words: list[tuple[bool, Word]] = []
        for piece, output in zip(tokenised.pieces, outputs, strict=True):
            chunk = list(_words(tokenised.notes, piece.notes, output))
            least = _least(chunk, share)
            words += [(word.probability > least, word) for word in chunk]
        runs = [list(run) for kept, run in groupby(words, key=lambda each: each[0]) if kept]
        spans = [_merged(asked.passage, [word for _, word in run]) for run in runs]
        return row((span for span in spans if span.start < span.end), tokenised)

    def _share(self, asked: LabelledInput) -> float:
        return self._step.share if asked.share is None else asked.share

    def _one(self, asked: LabelledInput) -> Tokenised:
        if not 0 <= self._share(asked) <= 1:
            raise RequestInvalid(f"The share to keep is {asked.share}; it must be between 0 and 1.")
        (passage,) = self._tokeniser.parts([asked.passage], offsets=True)
        frame = self._tokeniser.frame
        room = max(self._tokeniser.text.max_tokens - frame.tokens, 1)
        pieces = tuple(
            Piece(frame.ids_around(passage.ids[first:last]), notes=Window(0, first, last, frame.at[0]))
            for first, last in chunks(passage, room)
        )
        begins = [self._begins(token) for token in passage.tokens]
        return Tokenised(pieces, len(passage), False, Words(begins, passage.offsets))

    def _begins(self, token: str) -> bool:
        if self._step.continuation:
            return not token.startswith(self._step.continuation)
        return token.startswith(self._step.word_start) or token in PUNCTUATION


def chunks(passage: Encoding, room: int) -> Iterator[tuple[int, int]]:
    """All tokens in chunks of at most `room`, each ended by the last full stop in it if there is one."""
    first, tokens = 0, passage.tokens
    while first < len(tokens):
        last = min(first + room, len(tokens))
        if last < len(tokens):
            last = next((at for at in range(last, first, -1) if tokens[at - 1] in (".", "\n")), last)
        yield first, last
        first = last


def _words(cut: Words, window: Window, keep: NDArray[np.float32]) -> Iterator[Word]:
    starts = [at for at in range(len(keep)) if at == 0 or cut.begins[window.first + at]]
    for start, end in zip(starts, [*starts[1:], len(keep)], strict=True):
        offsets = cut.offsets[window.first + start : window.first + end]
        yield Word(offsets[0][0], offsets[-1][1], float(keep[start:end].mean()), end - start)


def _least(words: Sequence[Word], share: float) -> float:
    """The probability that a word must pass; the percentile is the reference's own."""
    if share >= 1:
        return -1.0
    weighted = np.repeat([word.probability for word in words], [word.tokens for word in words])
    return float(np.percentile(weighted, min(int(100 * (1 - share) + 1), 100)))


def _merged(passage: str, words: Sequence[Word]) -> Found:
    weights = [word.tokens for word in words]
    likely = float(np.average([word.probability for word in words], weights=weights))
    return Found(0, *of_tokens(passage, words[0].start, words[-1].end), likely)
