"""BM25 over segments: exact words and parts of identifiers, in milliseconds for a whole folder."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from py_rust_stemmers import SnowballStemmer  # pyright: ignore[reportAttributeAccessIssue]

from tamis_tools import bm25

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

TELLING = 12
"""Terms of a query that a text must hold to cover it all; a question has fewer, a pasted report has hundreds."""
PREFIX = 5
"""Letters that a term of the query needs before longer words that begin with it count as the same."""
REACH = 2
"""Texts before and after one that are its surroundings."""

_WORD = re.compile(r"\w+")
_PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[^\W\d_a-zA-Z]+")
_UNSPACED = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\u0e00-\u0e7f]")
_STOPWORDS = frozenset(
    """a about an and any are as at be been but by can could did do does for from had has have how i if in into is it
    its me my no not of on or should so such that the their then there these they this to was we were what when where
    which who whom whose why will with would you your""".split()
)
_stemmer = SnowballStemmer("english")
_FAILURE = frozenset("crash critic error except fail failur fatal panic traceback wrong".split())
"""Stems that a question about a failure and the report of it have for the same thing."""


@lru_cache(maxsize=65_536)
def terms(word: str) -> tuple[str, ...]:
    """The index terms of one word: its parts (`readHTTPBody2` has read, http, bodi, 2) and the whole.

    Words of scripts that put no spaces between words become character pairs.
    """
    if _UNSPACED.search(word):
        return tuple(word[at : at + 2] for at in range(max(1, len(word) - 1)))
    parts = [_stemmer.stem_word(part.lower()) for part in _PART.findall(word)]
    return tuple(parts) if len(parts) == 1 else (*parts, word.lower())


def query_terms(query: str) -> tuple[str, ...]:
    """Distinct terms of a query in its order; words that say nothing are left out unless there is nothing else."""
    words = _WORD.findall(query)
    telling = [word for word in words if word.lower() not in _STOPWORDS]
    found = dict.fromkeys(term for word in telling or words for term in terms(word))
    failures = [term for term in found if term in _FAILURE]
    return tuple(term for term in found if term not in failures[1:])


def coverage(query: str, texts: Sequence[str]) -> NDArray[np.float32]:
    """How much of the query each text covers, from 0 to 1: shape (texts,).

    It is BM25 divided by what a text full of the query's terms would reach in the limit, the sum of their inverse
    document frequencies; of a long query, of its `TELLING` rarest terms. A term that stands nowhere counts in that
    sum.
    """
    return _covered(_counts(query, texts))


def coverage_with_surroundings(
    query: str, texts: Sequence[str], groups: Sequence[int]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Coverage of each text, and of it with the `REACH` texts before and after: both of shape (texts,).

    `groups[i]` is the number of the group of text i; texts of one group follow each other, and only they are
    neighbours.
    """
    own = _counts(query, texts)
    return _covered(own), _covered(bm25.windows(own, np.asarray(groups, dtype=np.int64), REACH))


def _counts(query: str, texts: Sequence[str]) -> bm25.Counts:
    wanted = query_terms(query)
    # the last is that of names with several of the terms
    return bm25.counted(_term_ids(wanted, texts), len(wanted) + 1)


def _term_ids(wanted: Sequence[str], texts: Sequence[str]) -> list[list[int]]:
    # every other term gets id 0: only the length of the text and the query's own terms matter
    ids = _Ids(wanted)
    return [[number for word in _WORD.findall(text) for number in ids[word]] or [0] for text in texts]


class _Ids(dict[str, tuple[int, ...]]):
    """The wanted terms in a word, by their number from 1.

    A term that begins with a wanted one (threadsafe, thread) counts as it, and so does any word for a failure
    where one is wanted. A name with several terms of a short query in it (`close_self_pipe`) counts as one more
    term, the last.
    """

    def __init__(self, wanted: Sequence[str]) -> None:
        super().__init__()
        self._numbers = {term: number for number, term in enumerate(wanted, start=1)}
        self._stems = [(term, number) for term, number in self._numbers.items() if len(term) >= PREFIX]
        self._name = (len(wanted) + 1,) if len(wanted) <= TELLING else ()
        failure = next((number for term, number in self._numbers.items() if term in _FAILURE), 0)
        self._numbers.update(dict.fromkeys(_FAILURE if failure else (), failure))

    def __missing__(self, word: str) -> tuple[int, ...]:
        numbers = tuple(self._number(term) for term in terms(word))
        several = len({number for number in numbers if number}) > 1
        self[word] = (*numbers, *self._name) if several else numbers
        return self[word]

    def _number(self, term: str) -> int:
        begun = (number for stem, number in self._stems if term.startswith(stem))
        return self._numbers.get(term) or next(begun, 0)


def _covered(counts: bm25.Counts) -> NDArray[np.float32]:
    rarest = np.sort(counts.inverse_frequency[:-1])[-TELLING:]
    if not len(rarest) or not len(counts.lengths):
        return np.zeros(len(counts.lengths), dtype=np.float32)
    return np.minimum(bm25.scores(counts) / rarest.sum(), 1).astype(np.float32)
