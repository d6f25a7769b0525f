"""Which sources are worth reading: relevant to a query or fitting a label, near-duplicates folded."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from anyio import to_thread

from tamis_tools.corpus import cut
from tamis_tools.duplicates import twins
from tamis_tools.errors import BadArgument
from tamis_tools.labelling import classify
from tamis_tools.operations.gathering import gather
from tamis_tools.operations.listing import counted, decimal, listed, reading_notes
from tamis_tools.places import first_of_each, has_address, name, passages
from tamis_tools.ranking import RELEVANT, rank_corpus
from tamis_tools.results import Answer, Filtered, Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tamis_tools.corpus import Corpus
    from tamis_tools.document import Document
    from tamis_tools.pace import Pace
    from tamis_tools.requests import FilterRequest
    from tamis_tools.workspace import Workspace

MOST_LABELS = 20
"""Each costs a ranking of everything."""
MOST_QUERY_CHARS = 300
"""A longer query is not repeated in the call that we propose."""


@dataclass(frozen=True, slots=True)
class _Judged:
    """Relevance of each document, or how well the label fits that fits best."""

    scores: tuple[float, ...]
    labels: tuple[str, ...]
    notes: tuple[str, ...]

    def reason(self, number: int) -> str:
        """What the score says of a document."""
        score = decimal(self.scores[number])
        return f'label "{self.labels[number]}" {score}' if self.labels[number] else f"relevance {score}"


@dataclass(frozen=True, slots=True)
class _Rule:
    """What it takes to stay; `keep` is 0 for all that do."""

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
    threshold = request.threshold or (0.0 if request.keep else RELEVANT)
    dropped = await to_thread.run_sync(_dropped, corpus, judged, _Rule(threshold, request.keep, request.dedupe), pace)
    verdicts = [_verdict(corpus, judged, number, dropped) for number in range(len(corpus.documents))]
    notes = (*reading_notes(reading), *judged.notes, *_nothing_kept(verdicts))
    text = _text(workspace, verdicts, [*notes, _closing(corpus, verdicts, request)])
    return Answer(text, Filtered(sources=verdicts, notes=list(notes)))


def _check(request: FilterRequest) -> None:
    labels = [each for each in request.labels if each.strip()]
    if bool(request.query.strip()) == bool(labels) or len(labels) < len(request.labels):
        raise BadArgument(
            'Give either a query, as in query="how are tokens refreshed?", or labels, as in '
            'labels=["bug report", "feature request"], and no empty ones.'
        )
    if len(labels) > MOST_LABELS:
        raise BadArgument(f"{len(labels)} labels are too many for one call. Give at most {MOST_LABELS}.")
    if not 0 <= request.threshold <= 1:
        raise BadArgument(f"threshold is {request.threshold}. Give 0 to 1; 0 means {RELEVANT}.")
    if request.keep < 0:
        raise BadArgument(f"keep is {request.keep}. Give how many sources to keep, or 0 for all that are relevant.")


async def _by_query(workspace: Workspace, corpus: Corpus, request: FilterRequest, pace: Pace) -> _Judged:
    ranking = await rank_corpus(workspace, corpus, request.query.strip(), pace)
    best = {place.document: place.score for place in first_of_each(passages(ranking))}
    scores = tuple(best.get(number, 0.0) for number in range(len(corpus.documents)))
    return _Judged(scores, ("",) * len(scores), ranking.notes)


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
    reasons = {
        number: f"{judged.reason(number)} is under {decimal(rule.threshold)}" for number in best_first[len(able) :]
    }
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


def _text(workspace: Workspace, verdicts: Sequence[Verdict], notes: Sequence[str]) -> str:
    """What is kept, best first, then what is dropped, in the order given."""
    kept = sorted((verdict for verdict in verdicts if verdict.keep), key=lambda verdict: -verdict.score)
    dropped = [verdict for verdict in verdicts if not verdict.keep]
    lines = [f"{verdict.source}  {verdict.reason}" for verdict in (*kept, *dropped)]
    lines[len(kept) : len(kept)] = [f"dropped: {len(dropped)}"] if dropped else []
    lines[:0] = [f"kept: {len(kept)}"] if kept else []
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
