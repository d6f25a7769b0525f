"""BM25 as a careful baseline has it: stems, stop words, parts of identifiers, and Anserini's defaults."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import bm25s
import numpy as np
from bm25s.stopwords import STOPWORDS_EN_PLUS
from numpy.typing import NDArray
from py_rust_stemmers import SnowballStemmer  # pyright: ignore[reportAttributeAccessIssue]

K1, B = 0.9, 0.4
"""Term saturation and length normalisation; Anserini's defaults."""

_WORD = re.compile(r"\w+")
_PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[^\W\d_a-zA-Z]+")
_stemmer = SnowballStemmer("english")


@dataclass(frozen=True, slots=True)
class Index:
    """Texts ready to be asked; `vocabulary` numbers their terms."""

    bm25: bm25s.BM25 | None
    vocabulary: dict[str, int]
    size: int

    def scores(self, query: str) -> NDArray[np.float32]:
        """BM25 of each text (Lucene's form), shape (texts,)."""
        wanted = [self.vocabulary[term] for term in dict.fromkeys(_asked(query)) if term in self.vocabulary]
        if self.bm25 is None or not wanted:
            return np.zeros(self.size, dtype=np.float32)
        return self.bm25.get_scores_from_ids(wanted)


def index(texts: Sequence[str]) -> Index:
    """An index of the texts."""
    vocabulary: dict[str, int] = {}
    rows = [[vocabulary.setdefault(term, len(vocabulary)) for term in terms(text)] for text in texts]
    if not vocabulary:
        return Index(None, vocabulary, len(texts))
    made = bm25s.BM25(k1=K1, b=B, method="lucene")
    made.index((rows, {term: number for term, number in vocabulary.items()}), show_progress=False)
    return Index(made, vocabulary, len(texts))


def _asked(query: str) -> tuple[str, ...]:
    """The terms of a query; stop words are left out unless there is nothing else."""
    telling = " ".join(word for word in _WORD.findall(query) if word.lower() not in STOPWORDS_EN_PLUS)
    return terms(telling) or terms(query)


@lru_cache(maxsize=100_000)
def terms(text: str) -> tuple[str, ...]:
    """Stems of the words and of the parts of identifiers, in order."""
    return tuple(term for word in _WORD.findall(text) for term in _of_word(word))


@lru_cache(maxsize=200_000)
def _of_word(word: str) -> tuple[str, ...]:
    parts = [_stemmer.stem_word(part.lower()) for part in _PART.findall(word)]
    return tuple(parts) if len(parts) == 1 else (*parts, word.lower())
