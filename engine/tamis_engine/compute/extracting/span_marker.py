"""GLiNER: entities of types that are named in the request.

[CLS] <<ENT>> type <<ENT>> type <<SEP>> word word ... [SEP]: the state at each <<ENT>> stands for its type, that of a
word's first token, read by an LSTM in both directions, for the word; a span of words is of a type as their dot product
says.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from tamis_engine.compute.extracting.found import Found, labelled, row, threshold, without_overlaps
from tamis_engine.compute.extracting.span_head import load_span_head
from tamis_engine.compute.tokens import well_formed
from tamis_engine.errors import ModelInvalid
from tamis_engine.operation import Piece, Tokenised

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tamis_engine.compute.backbone import Backbone
    from tamis_engine.compute.tokens import Tokeniser
    from tamis_engine.models.spec import SpanMarker, Spec
    from tamis_engine.operation import Input, LabelledInput, Row

WORD = re.compile(r"\w+(?:[-_]\w+)*|\S")


@dataclass(frozen=True, slots=True)
class Word:
    """Characters of the passage and their tokens."""

    start: int
    end: int
    ids: Sequence[int]


@dataclass(frozen=True, slots=True)
class Types:
    """Labels from index `first` on that are asked for together, as tokens: <<ENT>> label ... <<SEP>>."""

    first: int
    ids: Sequence[int]
    marks: Sequence[int]


@dataclass(frozen=True, slots=True)
class Marked:
    """Places in a piece: of the <<ENT>> of each label, of the first token of each word; indices of what they are."""

    label: int
    marks: Sequence[int]
    word: int
    words: Sequence[int]


class MarkedSpans:
    """Long passages are read in windows of words that share as many as a span may have, so that none is cut."""

    def __init__(self, spec: Spec, step: SpanMarker, backbone: Backbone, tokeniser: Tokeniser) -> None:
        marks = tokeniser.id_of(step.entity_mark), tokeniser.id_of(step.text_mark)
        if None in marks:
            raise ModelInvalid(spec.name, f"its tokenizer does not know {step.entity_mark!r} and {step.text_mark!r}.")
        self._entity, self._text = (mark or 0 for mark in marks)
        self._head = load_span_head(spec, backbone.width, step).to(backbone.device)
        self._step = step
        self._backbone = backbone
        self._tokeniser = tokeniser
        self._room = max(tokeniser.text.max_tokens - tokeniser.frame.tokens, 4)

    def tokenise(self, inputs: Sequence[Input]) -> list[Tokenised]:
        """See `Operation`."""
        return [self._one(labelled(each)) for each in inputs]

    @torch.inference_mode()
    def forward(self, pieces: Sequence[Piece]) -> list[NDArray[np.float32]]:
        """The probability of each span and label, (words, widths, labels); that of a span past the end is 0."""
        (states,) = self._backbone.states(pieces)
        read = [self._head.narrowed(part.float()) for part in states.split()]
        places: list[Marked] = [piece.notes for piece in pieces]
        words = self._head.words([part[list(at.words)] for part, at in zip(read, places, strict=True)])
        labels = [self._head.labels(part[list(at.marks)]) for part, at in zip(read, places, strict=True)]
        return [self._head.spans(*each).cpu().numpy() for each in zip(words, labels, strict=True)]

    def join(self, asked: Input, tokenised: Tokenised, outputs: Sequence[NDArray[np.float32]]) -> Row:
        """The likeliest first, and nothing that overlaps it."""
        asked = labelled(asked)
        least = threshold(asked, self._step.threshold)
        words: Sequence[Word] = tokenised.notes
        found: list[Found] = []
        for piece, likely in zip(tokenised.pieces, outputs, strict=True):
            at: Marked = piece.notes
            for first, more, label in np.argwhere(likely >= max(least, 1e-9)).tolist():
                span = words[at.word + first].start, words[at.word + first + more].end
                found.append(Found(at.label + label, *span, float(likely[first, more, label])))
        return row(without_overlaps(found), tokenised)

    def _one(self, asked: LabelledInput) -> Tokenised:
        labels = self._tokeniser.ids([self._tokeniser.spelled(label) for label in asked.labels])
        words = self._words(asked.passage)
        bound = self._room // 2
        kept = [word if len(word.ids) <= bound else Word(word.start, word.end, word.ids[:bound]) for word in words]
        pieces = tuple(
            self._piece(types, kept, within)
            for types in self._types([ids[: bound - 2] for ids in labels])
            for within in self._windows(kept, self._room - len(types.ids))
        )
        tokens = sum(map(len, labels)) + sum(len(word.ids) for word in words)
        cut = any(len(ids) > bound - 2 for ids in labels) or any(len(word.ids) > bound for word in words)
        return Tokenised(pieces, tokens, cut, kept)

    def _words(self, passage: str) -> list[Word]:
        found = list(WORD.finditer(well_formed(passage)))
        texts = list(dict.fromkeys(match[0] for match in found))
        ids = dict(zip(texts, self._tokeniser.ids([self._tokeniser.spelled(text) for text in texts]), strict=True))
        return [Word(*match.span(), ids[match[0]]) for match in found if ids[match[0]]]

    def _types(self, labels: Sequence[Sequence[int]]) -> Iterator[Types]:
        """As many labels together as fill half of what the model reads."""
        first, ids, marks = 0, list[int](), list[int]()
        for at, label in enumerate(labels):
            if marks and len(ids) + len(label) + 2 > self._room // 2:
                yield Types(first, [*ids, self._text], marks)
                first, ids, marks = at, [], []
            marks.append(len(ids))
            ids += [self._entity, *label]
        if marks:
            yield Types(first, [*ids, self._text], marks)

    def _windows(self, words: Sequence[Word], room: int) -> Iterator[tuple[int, int]]:
        first = read = 0
        while read < len(words):
            tokens, last = 0, first
            while last < len(words) and tokens + len(words[last].ids) <= room:
                tokens += len(words[last].ids)
                last += 1
            if last > read:
                yield first, last
            first, read = max(last - self._step.max_width + 1, first + 1), last

    def _piece(self, types: Types, words: Sequence[Word], within: tuple[int, int]) -> Piece:
        frame = self._tokeniser.frame
        first, last = within
        ids = list(types.ids)
        places: list[int] = []
        for word in words[first:last]:
            places.append(frame.at[0] + len(ids))
            ids += word.ids
        marks = [frame.at[0] + mark for mark in types.marks]
        return Piece(frame.ids_around(ids), notes=Marked(types.first, marks, first, places))
