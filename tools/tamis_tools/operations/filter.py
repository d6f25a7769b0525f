"""Which sources are worth reading: relevant to a query or fitting a label, near-duplicates folded."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from anyio import to_thread

from tamis_tools.corpus import cut
from tamis_tools.duplicates import twins
from tamis_tools.errors import BadArgument
from tamis_tools.labelling import classify
from tamis_tools.operations.gathering import gather
from tamis_tools.operations.listing import counted, decimal, listed, reading_notes
from tamis_tools.places import first_of_each, has_address, name, passages, preview
from tamis_tools.ranking import rank_corpus
from tamis_tools.relevance import RELEVANT
from tamis_tools.results import Answer, Filtered, Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tamis_tools.corpus import Corpus
    from tamis_tools.document import Document
    from tamis_tools.pace import Pace
    from tamis_tools.places import Passage
    from tamis_tools.requests import FilterRequest
    from tamis_tools.workspace import Workspace

MOST_LABELS = 20
"""Each costs a ranking of everything."""
COUNTED_PASSAGES = 3
"""Passages of a document that count for it, its best."""
NEAR_MISSES = 5
"""Dropped sources that are named; the others are counted."""
MOST_QUERY_CHARS = 300
"""A longer query is not repeated in the call that we propose."""


@dataclass(frozen=True, slots=True)
class _Judged:
    """Relevance of each document, or how well the label fits that fits best."""

    scores: tuple[float, ...]
    labels: tuple[str, ...]
    notes: tuple[str, ...]
    deciding: Mapping[int, str] = field(default_factory=dict[int, str])
    """Where the line stands that tells most for a document."""

    def reason(self, number: int, digits: int = 2) -> str:
        """What the score says of a document."""
        score = decimal(self.scores[number], digits)
        return f'label "{self.labels[number]}" {score}' if self.labels[number] else f"relevance {score}"


@dataclass(frozen=True, slots=True)
class _Rule:
    """What it takes to stay; `keep` is 0 for all that do, `threshold` 0 with it unless one is asked for."""

    threshold: float
    keep: int
    dedupe: bool


async def filter(workspace: Workspace, request: FilterRequest, pace: Pace) -> Answer[Filtered]:
    """Keep the sources that reach the threshold, or the best so many; of near-duplicates the best one.

    Raises `BadArgument` unless there is either a query or labels, and for values out of range.
    """
    _check(request)
    reading = await gather(workspace, request.sources, pace)
    corpus = await to_thread.run_sync(cut, reading.documents, pace)
    judged = await (_by_labels if request.labels else _by_query)(workspace, corpus, request, pace)
    usual = 0.0 if request.keep else RELEVANT
    threshold = usual if request.threshold is None else request.threshold
    dropped = await to_thread.run_sync(_dropped, corpus, judged, _Rule(threshold, request.keep, request.dedupe), pace)
    verdicts = [_verdict(corpus, judged, number, dropped) for number in range(len(corpus.documents))]
    notes = (*reading_notes(reading), *judged.notes, *_nothing_kept(verdicts))
    text = _text(workspace, verdicts, judged, [*notes, _closing(corpus, verdicts, request)])
    return Answer(text, Filtered(sources=verdicts, notes=list(notes)))


def _under(judged: _Judged, number: int, limit: float) -> str:
    """Why a source goes, with as many digits as tell its score from the limit."""
    score = judged.scores[number]
    digits = next((digits for digits in (2, 3) if round(score, digits) < round(limit, digits)), 4)
    return f"{judged.reason(number, digits)} is under {decimal(limit, digits)}"


def _check(request: FilterRequest) -> None:
    labels = [each for each in request.labels if each.strip()]
    if bool(request.query.strip()) == bool(labels) or len(labels) < len(request.labels):
        raise BadArgument(
            'Give either a query, as in query="how are tokens refreshed?", or labels, as in '
            'labels=["bug report", "feature request"], and no empty ones.'
        )
    if len(labels) > MOST_LABELS:
        raise BadArgument(f"{len(labels)} labels are too many for one call. Give at most {MOST_LABELS}.")
    if request.threshold is not None and not 0 <= request.threshold <= 1:
        raise BadArgument(f"threshold is {request.threshold}. Give 0 to 1, or leave it out for {RELEVANT}.")
    if request.keep < 0:
        raise BadArgument(f"keep is {request.keep}. Give how many sources to keep, or 0 for all that are relevant.")


async def _by_query(workspace: Workspace, corpus: Corpus, request: FilterRequest, pace: Pace) -> _Judged:
    ranking = await rank_corpus(workspace, corpus, request.query.strip(), pace)
    found = list(passages(ranking))
    scores = _together(found, len(corpus.documents))
    deciding: dict[int, str] = {}
    for place in first_of_each(found):
        document = corpus.documents[place.document]
        deciding[place.document] = document.locate(preview(document, place, request.query))
    return _Judged(scores, ("",) * len(scores), ranking.notes, deciding)


def _together(found: Sequence[Passage], documents: int) -> tuple[float, ...]:
    """How likely one of its best passages matters, for each document: one line may do so by chance, and a file on
    the subject has several."""
    missed, taken = [1.0] * documents, [0] * documents
    for place in found:
        taken[place.document] += 1
        if taken[place.document] <= COUNTED_PASSAGES:
            missed[place.document] *= 1 - place.score
    return tuple(1 - each for each in missed)


async def _by_labels(workspace: Workspace, corpus: Corpus, request: FilterRequest, pace: Pace) -> _Judged:
    labels = [each.strip() for each in request.labels]
    judged = await classify(workspace, corpus, labels, pace)
    best = judged.scores.argmax(axis=0)
    scores = tuple(float(score) for score in judged.scores.max(axis=0))
    return _Judged(scores, tuple(labels[at] for at in best), judged.notes)


def _dropped(corpus: Corpus, judged: _Judged, rule: _Rule, pace: Pace) -> dict[int, str]:
    """Why each source that goes has to go; runs in a worker thread."""
    best_first = sorted(range(len(judged.scores)), key=lambda number: -judged.scores[number])
    able = [number for number in best_first if judged.scores[number] >= rule.threshold]
    same = _near(corpus, able, pace) if rule.dedupe else {}
    room = rule.keep or len(able)
    reasons = {number: _under(judged, number, rule.threshold) for number in best_first[len(able) :]}
    for number in able:
        if not room:
            reasons[number] = f"{judged.reason(number)} is not among the best {rule.keep}"
        elif number in same:
            reasons[number] = same[number]
        else:
            room -= 1
    return reasons


def _near(corpus: Corpus, numbers: Sequence[int], pace: Pace) -> dict[int, str]:
    """What is said of documents that repeat a better one."""
    documents = [corpus.documents[number] for number in numbers]
    texts = [document.text[slice(*document.readable)] for document in documents]
    found = twins(texts, lambda done: pace.step_in_thread(0.9 + 0.1 * done, "comparing sources"))
    return {numbers[at]: _likeness(documents[twin.of], twin.share) for at, twin in found.items()}


def _likeness(of: Document, share: float) -> str:
    return f"same text as {name(of)}" if share == 1 else f"near-duplicate of {name(of)} ({decimal(share)})"


def _verdict(corpus: Corpus, judged: _Judged, number: int, dropped: Mapping[int, str]) -> Verdict:
    return Verdict(
        source=name(corpus.documents[number]),
        keep=number not in dropped,
        score=round(judged.scores[number], 4),
        label=judged.labels[number],
        reason=dropped.get(number) or judged.reason(number),
    )


def _nothing_kept(verdicts: Sequence[Verdict]) -> tuple[str, ...]:
    if not verdicts or any(verdict.keep for verdict in verdicts):
        return ()
    best = max(verdicts, key=lambda verdict: verdict.score)
    return (f"Nothing is kept. The best is {best.source} with {decimal(best.score)}.",)


def _text(workspace: Workspace, verdicts: Sequence[Verdict], judged: _Judged, notes: Sequence[str]) -> str:
    """What is kept, best first, each with the line that decided; of what is dropped, the nearest misses."""
    best_first = sorted(range(len(verdicts)), key=lambda number: -verdicts[number].score)
    kept = [number for number in best_first if verdicts[number].keep]
    dropped = [number for number in best_first if not verdicts[number].keep]
    lines = [f"kept: {len(kept)}"] if kept else []
    for number in kept:
        place = judged.deciding.get(number, "")
        lines.append(
            f"{verdicts[number].source}  {verdicts[number].reason}" + (f"  best line {place}" if place else "")
        )
    lines += [f"dropped: {len(dropped)}"] if dropped else []
    lines += [f"{verdicts[number].source}  {verdicts[number].reason}" for number in dropped[:NEAR_MISSES]]
    rest = dropped[NEAR_MISSES:]
    if rest:
        most = min(1.0, math.floor(verdicts[rest[0]].score * 100 + 1) / 100)
        lines.append(f"and {len(rest):,} more, none over {decimal(most)}")
    return listed(workspace, lines, notes, lambda count: f"{count:,} more lines do not fit.")


def _closing(corpus: Corpus, verdicts: Sequence[Verdict], request: FilterRequest) -> str:
    kept = [number for number, verdict in enumerate(verdicts) if verdict.keep]
    said = f"{len(kept)} of {counted(len(verdicts), 'source')} kept."
    kept.sort(key=lambda number: -verdicts[number].score)
    sources = [verdicts[number].source for number in kept if has_address(corpus.documents[number])]
    if not sources:
        return said
    query = request.query.strip()
    asked = json.dumps(query if 0 < len(query) <= MOST_QUERY_CHARS else "…", ensure_ascii=False)
    some = json.dumps(sources[:3], ensure_ascii=False)
    return f"{said} Read what matters: compress(sources={some}, query={asked})"
