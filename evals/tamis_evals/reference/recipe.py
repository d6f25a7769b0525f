"""The plain BM25 that the published floors were measured with: its tokens, its stems, its greedy fill.

Where the recipe says no more than "light suffix stemming" and "titles prepended", this is one reading of it: marks
are tokens but no terms, a title is read and costs nothing, and a piece that does not fit is passed over.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from tamis_evals.sample import Sample, Unit

K1, B = 0.9, 0.4

_TOKEN = re.compile(r"\w+|[^\w\s]")
_SUFFIX = re.compile(r"(?<=\w{3})(?:ies|ing|ed|es|ly|s)$")


class Read(NamedTuple):
    """A text as the recipe sees it: how often each stem stands in it, and its tokens, marks included."""

    stems: Mapping[str, int]
    tokens: int


class Piece(NamedTuple):
    """A unit to keep or drop: what it is judged by, and what it costs."""

    read: Read
    cost: int


@lru_cache(maxsize=200_000)
def read(text: str) -> Read:
    """Tokens are runs of word characters and single marks; stems are words in small letters less a light suffix."""
    found = _TOKEN.findall(text.lower())
    return Read(Counter(_stem(token) for token in found if _is_word(token)), len(found))


def pieces_of(sample: Sample, units: Sequence[Unit]) -> list[Piece]:
    """Each unit judged with its title before it."""
    return [_piece(unit.title, sample.text(unit.passage)) for unit in units]


def _piece(title: str, text: str) -> Piece:
    titled = text if text.startswith(f"{title}\n") else f"{title} {text}"  # a block holds its title line
    return Piece(read(titled), read(text).tokens)


def _is_word(token: str) -> bool:
    return token[0].isalnum() or token[0] == "_"


@lru_cache(maxsize=200_000)
def _stem(word: str) -> str:
    return _SUFFIX.sub("", word)


def ranked(query: str, pieces: Sequence[Piece]) -> list[int]:
    """Numbers of the pieces by BM25 (Robertson's form with Lucene's inverse document frequency), best first."""
    mean = sum(each.read.tokens for each in pieces) / max(1, len(pieces))
    norms = [K1 * (1 - B + B * each.read.tokens / mean) for each in pieces]
    scores = [0.0] * len(pieces)
    for stem in read(query).stems:
        found = [(at, each.read.stems[stem]) for at, each in enumerate(pieces) if stem in each.read.stems]
        inverse = math.log1p((len(pieces) - len(found) + 0.5) / (len(found) + 0.5))
        for at, times in found:
            scores[at] += inverse * times * (K1 + 1) / (times + norms[at])
    return sorted(range(len(pieces)), key=lambda at: -scores[at])


def filled(order: Iterable[int], pieces: Sequence[Piece], budget: int) -> set[int]:
    """Greedy fill: in order, each piece that still fits."""
    kept: set[int] = set()
    for at in order:
        if pieces[at].cost <= budget:
            kept.add(at)
            budget -= pieces[at].cost
    return kept
