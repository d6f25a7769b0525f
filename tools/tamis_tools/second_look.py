"""A second look: what the best segments name leads to segments that share no word with the question."""

from __future__ import annotations

import re
from bisect import bisect_right
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from tamis_tools.corpus import Corpus

LEADS = 5
"""Segments whose names are followed, the best first."""
RARE, RARE_SHARE = 8, 0.02
"""A name in more segments than this, and than this share of all, leads nowhere."""

_CAPITAL = r"(?:[^\W\d_a-zß-öø-ÿ]\.|[^\W\d_a-zß-öø-ÿ][\w'’-]*)"
_JOINED = r"(?:(?:of|the|and|de|der|di|du|von|van|da|del|la|le|al)\s){0,2}"
_NAME = re.compile(rf"{_CAPITAL}(?:[^\S\n]{_JOINED}{_CAPITAL})+")
_WORD = re.compile(r"\w+")
_OPENING = frozenset(
    """a after an and as at before but by during for from he her his how if in is it its of on or she that the their
    there these they this those to was were what when where which while who with""".split()
)


def followed(corpus: Corpus, query: str, scores: NDArray[np.float32]) -> tuple[NDArray[np.float32], ...]:
    """What each segment gains by being named: as the subject of its block, and anywhere; both from 0 to 1.

    A segment gains the score of the lead that names it, times how rare the name is (inverse document frequency as
    a share of its largest value). Only names of two words and more lead: one word means too many things.
    """
    texts = _Texts([entry.text for entry in corpus.entries])
    subject, named = np.zeros(len(scores), np.float32), np.zeros(len(scores), np.float32)
    for lead in np.argsort(-scores, kind="stable")[:LEADS]:
        for name in names(texts.parts[int(lead)], query):
            found = list(texts.holding(name))
            if not 0 < len(found) <= max(RARE, RARE_SHARE * len(scores)):
                continue
            gain = scores[lead] * np.log1p(len(scores) / len(found)) / np.log1p(len(scores))
            for at in found:
                if not _together(corpus, at, int(lead)):
                    named[at] = max(named[at], gain)
                    if texts.parts[at].startswith(name):
                        subject[at] = max(subject[at], gain)
    return subject, named


def names(text: str, query: str) -> list[str]:
    """Names of two words and more that are not all in the query, in the order of the text."""
    asked = {word.lower() for word in _WORD.findall(query)}
    found = (_bare(match.group()) for match in _NAME.finditer(text))
    return [name for name in dict.fromkeys(found) if " " in name and not _known(name, asked)]


def _bare(name: str) -> str:
    """Without what a sentence opens with, and its full stop."""
    words = name.rstrip("'’-").split()
    while words and words[0].lower() in _OPENING:
        words.pop(0)
    return " ".join(words)


def _known(name: str, asked: Iterable[str]) -> bool:
    return all(word.lower() in asked or word.lower() in _OPENING for word in _WORD.findall(name))


def _together(corpus: Corpus, one: int, other: int) -> bool:
    first, second = corpus.entries[one], corpus.entries[other]
    return first.document == second.document and first.segment.block == second.segment.block


class _Texts:
    """Texts that are searched as one."""

    def __init__(self, parts: Sequence[str]) -> None:
        self.parts = parts
        self._joined = "\0".join(parts)
        lengths = np.fromiter((len(part) + 1 for part in parts), dtype=np.int64, count=len(parts))
        self._starts: list[int] = [0, *np.cumsum(lengths)[:-1].tolist()] if parts else []

    def holding(self, name: str) -> Iterator[int]:
        """Numbers of the texts that hold a name, each once, in order."""
        at = self._joined.find(name)
        while at != -1:
            number = bisect_right(self._starts, at) - 1
            yield number
            behind = self._starts[number] + len(self.parts[number])
            at = self._joined.find(name, behind)
