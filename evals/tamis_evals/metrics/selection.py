"""How much of the evidence a selection holds, and how much that misleads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import groupby
from operator import itemgetter

from tamis_evals.sample import Passage, Sample

KEPT = 0.9
"""Share of a unit's characters (blanks aside) from which it counts as kept: cuts differ by a quote or a full stop."""
TOUCHED = 0.5
"""Share of a rival's characters from which it can mislead."""


def measured(sample: Sample, passages: Iterable[Passage]) -> Mapping[str, float | None]:
    """Recall of units and of characters, `all_evidence`, precision, IoU; with rivals also `rivals_kept` and `clean`.

    Shares of characters leave blanks out; precision and IoU are those of Chroma's chunking evaluation, there over
    tokens. `clean` is 1 where all
    evidence is kept and no rival is.
    """
    kept = merged(passages)
    evidence = [_covered(sample, unit, kept) for unit in sample.evidence]
    if not evidence:
        return {"evidence_recall": None, "all_evidence": None}
    shown, wanted = _size(sample, kept), _size(sample, merged(sample.evidence))
    union = _size(sample, merged((*kept, *sample.evidence)))
    both = shown + wanted - union
    whole = all(share >= KEPT for share in evidence)
    values: dict[str, float | None] = {
        "evidence_recall": sum(share >= KEPT for share in evidence) / len(evidence),
        "all_evidence": float(whole),
        "character_recall": both / wanted,
        "character_precision": both / shown if shown else None,
        "character_iou": both / union,
    }
    if sample.rivals:
        rivals = [_covered(sample, rival, kept) >= TOUCHED for rival in sample.rivals]
        values["rivals_kept"] = sum(rivals) / len(rivals)
        values["clean"] = float(whole and not any(rivals))
    return values


def merged(passages: Iterable[Passage]) -> list[Passage]:
    """The same characters, no two passages overlapping, in order."""
    out: list[Passage] = []
    for source, group in groupby(sorted(passages), itemgetter(0)):
        for passage in group:
            if out and out[-1].source == source and passage.start <= out[-1].end:
                out[-1] = out[-1]._replace(end=max(out[-1].end, passage.end))
            elif passage.end > passage.start:
                out.append(passage)
    return out


def _size(sample: Sample, spans: Iterable[Passage]) -> int:
    """Characters that are no blanks."""
    return sum(_inked(sample.text(span)) for span in spans)


def _inked(text: str) -> int:
    return len("".join(text.split()))


def _covered(sample: Sample, unit: Passage, kept: Iterable[Passage]) -> float:
    """Share of the unit's characters that are kept; blanks do not count."""
    text = sample.text(unit)
    here = [span for span in kept if span.source == unit.source and span.start < unit.end and span.end > unit.start]
    held = "".join(text[max(0, span.start - unit.start) : max(0, span.end - unit.start)] for span in here)
    total = _inked(text)
    return _inked(held) / total if total else 1.0
