"""What a reader without a model learns from the first answer: names that the question did not have."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

NAMES = 4
"""Names that a next question carries."""

_NAME = re.compile(r"[A-Z][\w'’.-]*(?:\s+(?:of|the|and|de|von|van)?\s*[A-Z][\w'’-]*)*|\w+_\w+|\w+\(\)")
_OPENING = frozenset(
    """a after an and as at before but by during for from he her his how i if in is it its of on or she so that the
    their then there these they this those to was we were what when where which while who with you""".split()
)


def learnt(question: str, slices: Sequence[Mapping[str, Any]]) -> str:
    """The question, and the names that the best slices hold and it does not: those most often told first."""
    known = set(re.findall(r"\w+", question.lower()))
    found: Counter[str] = Counter()
    for each in slices:
        weight = float(each["score"])
        for name in _names(each["text"]):
            words = re.findall(r"\w+", name.lower())
            if words and not all(word in known for word in words):
                found[name] += weight  # pyright: ignore[reportArgumentType] - a counter adds fractions as well
    best = [name for name, _ in found.most_common(NAMES)]
    return " ".join([question, *best])


def _names(text: str) -> list[str]:
    found = (match.group().split() for match in _NAME.finditer(text))
    bare = (words[1:] if words[0].lower() in _OPENING else words for words in found)
    return [" ".join(words) for words in bare if words]
