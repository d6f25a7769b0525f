"""How well a selection finds lines, where lines are what the evidence is made of: logs, code, transcripts."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import NamedTuple

from tamis_evals.metrics.selection import KEPT, merged
from tamis_evals.sample import Passage, Sample


class Line(NamedTuple):
    """A line of a source, counted from 0."""

    source: int
    number: int


def measured(sample: Sample, passages: Iterable[Passage]) -> Mapping[str, float | None]:
    """`line_recall`, `line_precision`, `line_f1` and `line_hit`, over lines that hold anything but blanks.

    Gold is a line that evidence touches; kept is a line of which at least `KEPT` of the characters are. `line_hit` is 1
    where any gold line is kept. Precision is None where no line is kept; F1 is 2TP / (2TP + FP + FN), so 0 there. All
    are None where there is no gold.
    """
    gold = set(_touched(sample, sample.evidence))
    kept = {line for line, chars in _touched(sample, passages).items() if chars >= KEPT * _size(sample, line)}
    if not gold:
        return dict.fromkeys(("line_recall", "line_precision", "line_f1", "line_hit"))
    both = len(gold & kept)
    return {
        "line_recall": both / len(gold),
        "line_precision": both / len(kept) if kept else None,
        "line_f1": 2 * both / (len(gold) + len(kept)),
        "line_hit": float(both > 0),
    }


def _touched(sample: Sample, passages: Iterable[Passage]) -> Counter[Line]:
    """How many characters of each line are in the passages, blanks aside."""
    chars: Counter[Line] = Counter()
    for passage in merged(passages):
        text = sample.sources[passage.source].text
        starts = _starts(text)
        number = bisect_right(starts, passage.start) - 1
        while number < len(starts) - 1 and starts[number] < passage.end:
            start, end = max(starts[number], passage.start), min(starts[number + 1], passage.end)
            chars[Line(passage.source, number)] += _visible(text[start:end])
            number += 1
    return +chars


def _size(sample: Sample, line: Line) -> int:
    text = sample.sources[line.source].text
    starts = _starts(text)
    return _visible(text[starts[line.number] : starts[line.number + 1]])


def _visible(text: str) -> int:
    return len("".join(text.split()))


@lru_cache(maxsize=4)
def _starts(text: str) -> tuple[int, ...]:
    """Where each line starts, and where the last one ends."""
    starts = [0]
    for line in text.split("\n"):
        starts.append(starts[-1] + len(line) + 1)
    return tuple(starts)
