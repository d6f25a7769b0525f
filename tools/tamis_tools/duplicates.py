"""Which texts are nearly the same: the share of five-word runs that two of them have in common.

Texts of up to `SKETCH` runs are compared exactly. Of longer ones the runs with the smallest hashes stand for
all, which estimates the share within about two points (Beyer et al., 2007, "On synopses for distinct-value
estimation under multiset operations").
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from heapq import nsmallest
from typing import TYPE_CHECKING, NamedTuple
from zlib import crc32

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

NEAR = 0.85
"""Texts that share this much are near-duplicates."""
RUN_WORDS = 5
SKETCH = 1_024
_COMMON = 0.7
"""Two sketches whose texts share `NEAR` have at least this in common: s / (2k - s) of k, of which s = .85 k."""


class Twin(NamedTuple):
    """What a text repeats: the index of an earlier one, and how much they share; 1 for the very same words."""

    of: int
    share: float


@dataclass(frozen=True, slots=True)
class _Sketch:
    """All runs of a text, or those with the smallest hashes; `digest` stands for its words in order."""

    digest: int
    runs: frozenset[int]


def twins(texts: Sequence[str], step: Callable[[float], None]) -> dict[int, Twin]:
    """The texts that repeat an earlier one which itself repeats none. `step` is told how much is done.

    White space does not count. A text without words repeats nothing.
    """
    sketches: list[_Sketch] = []
    for number, text in enumerate(texts):
        if number % 16 == 0:
            step(number / len(texts))
        sketches.append(_sketch(text.split()))
    commonness = Counter(run for sketch in sketches for run in sketch.runs)
    found: dict[int, Twin] = {}
    first: dict[int, list[int]] = {}
    for number, sketch in enumerate(sketches):
        rarest = _prefix(sketch.runs, commonness)
        earlier = {other for run in rarest for other in first.get(run, ())}
        shares = ((_share(sketch, sketches[other]), -other) for other in earlier)
        share, other = max(shares, default=(0.0, 0))
        if share >= NEAR:
            found[number] = Twin(-other, share)
        else:
            for run in rarest:
                first.setdefault(run, []).append(number)
    return found


def _sketch(words: list[str]) -> _Sketch:
    joined = " ".join(words).encode("utf-8", "surrogatepass")
    starts = range(max(1, len(words) - RUN_WORDS + 1)) if words else ()
    hashes = {crc32(" ".join(words[at : at + RUN_WORDS]).encode("utf-8", "surrogatepass")) for at in starts}
    return _Sketch(hash(joined), frozenset(hashes if len(hashes) <= SKETCH else nsmallest(SKETCH, hashes)))


def _prefix(runs: Iterable[int], commonness: Counter[int]) -> list[int]:
    """The rarest runs, so many that any text with `_COMMON` in common must hold one of them too."""
    rarest = sorted(runs, key=lambda run: (commonness[run], run))
    return rarest[: len(rarest) - int(_COMMON * len(rarest)) + 1]


def _share(one: _Sketch, other: _Sketch) -> float:
    """Estimated share of runs in common: exact where both sketches hold all of theirs."""
    if one.digest == other.digest:
        return 1.0
    union = nsmallest(SKETCH, one.runs | other.runs)
    both = one.runs & other.runs
    return min(0.99, sum(run in both for run in union) / len(union))
