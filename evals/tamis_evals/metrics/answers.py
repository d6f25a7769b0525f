"""How well an answer agrees with the right ones, and whether what was kept still holds it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache

from tamis_evals.sample import Sample, Source

_PUNCTUATION = re.compile(r"""[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~]""")
_ARTICLE = re.compile(r"\b(?:a|an|the)\b")
_VERDICTS = frozenset({"yes", "no"})
_NONE = ("",)
"""The right answer where a question has none, as in SQuAD 2."""


def normalised(text: str) -> str:
    """As SQuAD's `evaluate-v2.0.py`: small letters, no ASCII punctuation, no articles, single blanks."""
    return " ".join(_ARTICLE.sub(" ", _PUNCTUATION.sub("", text.lower())).split())


def exact_match(prediction: str, answers: Sequence[str]) -> float:
    """1 where the prediction is one of the answers after normalisation, else 0.

    Without answers nothing but an empty prediction is right.
    """
    return float(normalised(prediction) in {normalised(answer) for answer in answers or _NONE})


def f1(prediction: str, answers: Sequence[str]) -> float:
    """SQuAD's F1 over normalised words, with the answer that agrees best."""
    words = normalised(prediction).split()
    return max(_agreement(words, normalised(answer).split()) for answer in answers or _NONE)


def answer_kept(sample: Sample, text: str) -> float | None:
    """1 where an answer stands in `text` after normalisation, else 0.

    None where it does not stand exactly once in the sources (a second place need not be where the evidence is), and for
    yes and no.
    """
    answers = sayable(sample.answers)
    if sum(occurrences(whole, answers) for whole in _normalised_sources(sample.sources)) != 1:
        return None
    return float(occurrences(normalised(text), answers) > 0)


def sayable(answers: Sequence[str]) -> tuple[str, ...]:
    """Normalised answers that a text can hold: not yes, not no, not nothing."""
    distinct = dict.fromkeys(normalised(answer) for answer in answers)
    return tuple(answer for answer in distinct if answer and answer not in _VERDICTS)


def occurrences(text: str, answers: Sequence[str]) -> int:
    """Places of a normalised text where a normalised answer stands as whole words; overlapping ones are one place."""
    spans = sorted(span for answer in answers for span in _places(f" {text} ", f" {answer} "))
    reached, places = -1, 0
    for start, end in spans:
        places += start >= reached
        reached = max(reached, end)
    return places


def _places(text: str, wanted: str) -> list[tuple[int, int]]:
    """Spans of the words alone: the blank behind one word may be that before the next."""
    found: list[tuple[int, int]] = []
    at = text.find(wanted)
    while at >= 0:
        found.append((at + 1, at + len(wanted) - 1))
        at = text.find(wanted, at + 1)
    return found


def _agreement(predicted: Sequence[str], right: Sequence[str]) -> float:
    if not predicted or not right:
        return float(predicted == right)
    shared = sum((Counter(predicted) & Counter(right)).values())
    return 2 * shared / (len(predicted) + len(right))


@lru_cache(maxsize=2)
def _normalised_sources(sources: tuple[Source, ...]) -> tuple[str, ...]:
    # all arms of a sample are measured one after the other, and its text may be megabytes
    return tuple(normalised(source.text) for source in sources)
