"""BM25 for the few terms of one query, over texts or over windows of neighbouring texts.

Lucene's form (Kamphuis et al., 2020): the sum over the terms of log(1 + (N - n + 0.5) / (n + 0.5)) times
f / (f + k1 (1 - b + b l / L)), with f the count in the text, l its length, L the mean, n of N texts with the term.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

K1, B = 0.9, 0.4
"""Term saturation and length normalisation; the usual values for short passages (Anserini's defaults)."""


@dataclass(frozen=True, slots=True)
class Counts:
    """How often each of `terms` terms stands in each text: entry i says `count[i]` of `term[i]` in `text[i]`.

    `lengths` has shape (texts,).
    """

    text: NDArray[np.int64]
    term: NDArray[np.int64]
    count: NDArray[np.float64]
    lengths: NDArray[np.int64]
    terms: int

    @property
    def inverse_frequency(self) -> NDArray[np.float64]:
        """Of every term, shape (terms,)."""
        texts = len(self.lengths)
        found = np.bincount(self.term, minlength=self.terms)
        return np.log1p((texts - found + 0.5) / (found + 0.5))


def counted(rows: Sequence[Sequence[int]], terms: int) -> Counts:
    """Counts of the numbers 1 to `terms` in each row as terms 0 to `terms` - 1; 0 is any other word."""
    lengths = np.fromiter(map(len, rows), dtype=np.int64, count=len(rows))
    flat = np.fromiter(chain.from_iterable(rows), dtype=np.int64, count=int(lengths.sum()))
    text = np.repeat(np.arange(len(rows)), lengths)
    wanted = flat > 0
    return _summed(text[wanted], flat[wanted] - 1, np.ones(int(wanted.sum())), (lengths, terms))


def windows(counts: Counts, groups: NDArray[np.int64], reach: int) -> Counts:
    """Of each text together with as many as `reach` before and after it in the same group; groups are runs."""
    size = len(counts.lengths)
    lengths = np.zeros_like(counts.lengths)
    parts: list[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]] = []
    for shift in range(-reach, reach + 1):
        to = np.arange(size) + shift
        inside = (to >= 0) & (to < size)
        inside[inside] = groups[to[inside]] == groups[inside]
        np.add.at(lengths, to[inside], counts.lengths[inside])
        kept = inside[counts.text]
        parts.append((counts.text[kept] + shift, counts.term[kept], counts.count[kept]))
    text, term, count = (np.concatenate(column) for column in zip(*parts, strict=True))
    return _summed(text, term, count, (lengths, counts.terms))


def scores(counts: Counts) -> NDArray[np.float64]:
    """BM25 of every text, shape (texts,)."""
    mean = counts.lengths.mean() if len(counts.lengths) else 1.0
    norm = K1 * (1 - B + B * counts.lengths / max(mean, 1e-9))
    gained = counts.inverse_frequency[counts.term] * counts.count / (counts.count + norm[counts.text])
    return np.bincount(counts.text, weights=gained, minlength=len(counts.lengths)).astype(np.float64)


def _summed(
    text: NDArray[np.int64], term: NDArray[np.int64], count: NDArray[np.float64], of: tuple[NDArray[np.int64], int]
) -> Counts:
    """One entry for each pair of text and term."""
    lengths, terms = of
    pairs, where = np.unique(text * max(terms, 1) + term, return_inverse=True)
    summed = np.bincount(where, weights=count, minlength=len(pairs)).astype(np.float64)
    return Counts(pairs // max(terms, 1), pairs % max(terms, 1), summed, lengths, terms)
