"""What a reader without a model learns from an answer: names that stand beside the question's words."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tamis_tools.lexical import query_terms, terms

NAMES = 4
"""Names that a next question carries."""

_NAME = re.compile(r"[A-Z][\w'’.-]*(?:\s+(?:of|the|and|de|von|van)?\s*[A-Z][\w'’-]*)*|\w+_\w+|\w+\(\)")
_SENTENCE = re.compile(r"[^.!?\n]+[.!?]?")
_WORD = re.compile(r"\w+")
_OPENING = frozenset(
    """a after an and as at before but by during for from he her his how i if in is it its of on or she so that the
    their then there these they this those to was we were what when where which while who with yes no you""".split()
)


def learnt(question: str, slices: Sequence[Mapping[str, Any]]) -> str:
    """The question, and names that it does not have, of sentences that share a word with it.

    Those come first whose slices score best, each sentence counted once; at most `NAMES`.
    """
    asked, known = frozenset(query_terms(question)), {word.lower() for word in _WORD.findall(question)}
    found: Counter[str] = Counter()
    for each in slices:
        for name in _beside(each["text"], asked):
            if not all(word.lower() in known for word in _WORD.findall(name)):
                found[name] += each["score"]
    return " ".join([question, *(name for name, _ in found.most_common(NAMES))])


def _beside(text: str, asked: frozenset[str]) -> Iterator[str]:
    for sentence in _SENTENCE.findall(text):
        if asked & {term for word in _WORD.findall(sentence) for term in terms(word)}:
            yield from _names(sentence)


def _names(text: str) -> Iterator[str]:
    for match in _NAME.finditer(text):
        words = match.group().split()
        bare = words[1:] if words[0].lower() in _OPENING else words
        if bare:
            yield " ".join(bare)
