"""How relevant each source is: the probability of its best passage."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from tamis_engine.protocol import DEFAULT_MODEL
from tamis_engine.protocol import ScoreRequest as EngineRequest
from tamis_tools.loading import resident
from tamis_tools.operations.gathering import gather, required
from tamis_tools.operations.listing import again, counted, decimal, doubt, listed, reading_notes
from tamis_tools.places import first_of_each, name, passages
from tamis_tools.ranking import rank
from tamis_tools.results import Answer, Score, Scored

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tamis_tools.corpus import Entry
    from tamis_tools.document import Document, Span
    from tamis_tools.pace import Pace
    from tamis_tools.ranking import Ranking
    from tamis_tools.requests import ScoreRequest
    from tamis_tools.workspace import Workspace

MOST_SHOWN = 200
BATCH = 32
PASSAGES_EACH = 3
"""Passages of each source that another model reads: the best of the default ranking."""


async def score(workspace: Workspace, request: ScoreRequest, pace: Pace) -> Answer[Scored]:
    """The sources in their order, each with its relevance and the lines of its best passage.

    Another model than the default judges the best passages of the default's ranking; an unknown one is an
    error of the engine. Sources that it had no time for are left out, and the notes say so.
    """
    query = required("query", request.query, "explains how tokens are refreshed")
    reading = await gather(workspace, request.sources, pace, model=request.model)
    if request.model != DEFAULT_MODEL:
        await resident(workspace.engine, request.model, pace, begin=0.2, end=0.4)
    ranking = await rank(workspace, reading.documents, query, pace)
    notes = [*reading_notes(reading), *ranking.notes]
    best = {number: (0.0, document.readable) for number, document in enumerate(reading.documents)}
    if request.model == DEFAULT_MODEL:
        best |= {place.document: (place.score, place.span) for place in first_of_each(passages(ranking))}
        notes += doubt(ranking)
    else:
        judged = await _judged(workspace, request, ranking, pace)
        late = {entry.document for entry in ranking.corpus.entries} - set(judged)
        best = {number: known for number, known in (best | judged).items() if number not in late}
        if late:
            names = [name(reading.documents[number]) for number in sorted(late)]
            notes.append(f"Time ran out: {counted(len(late), 'source')} not scored. {again('sources', names)}")
    documents = reading.documents
    text = _text(workspace, documents, best, notes)
    scores = [_score(documents[number], *best[number]) for number in sorted(best)]
    return Answer(text, Scored(scores=scores, model=request.model, notes=notes))


async def _judged(
    workspace: Workspace, request: ScoreRequest, ranking: Ranking, pace: Pace
) -> dict[int, tuple[float, Span]]:
    chosen = _best_few(ranking)
    best: dict[int, tuple[float, Span]] = {}
    for start in range(0, len(chosen), BATCH):
        if start and pace.expired:
            break
        await pace.step(0.9 + 0.1 * start / len(chosen), f"scored {start} of {len(chosen)} passages")
        batch = chosen[start : start + BATCH]
        asked = EngineRequest(request.query, tuple(entry.text for entry in batch), request.model)
        result = await workspace.engine.score(asked)
        for entry, probability in zip(batch, result.scores, strict=True):
            known = best.get(entry.document, (-1.0, entry.segment.span))
            best[entry.document] = max(known, (float(probability), entry.segment.span))
    return best


def _best_few(ranking: Ranking) -> list[Entry]:
    """Of each document the best passages, best first."""
    taken: Counter[int] = Counter()
    chosen: list[Entry] = []
    for at in ranking.order:
        entry = ranking.corpus.entries[at]
        taken[entry.document] += 1
        if taken[entry.document] <= PASSAGES_EACH:
            chosen.append(entry)
    return chosen


def _score(document: Document, probability: float, span: Span) -> Score:
    lines = document.lines_of(span)
    return Score(source=document.address, score=round(probability, 4), start_line=lines.first, end_line=lines.last)


def _text(
    workspace: Workspace,
    documents: Sequence[Document],
    best: dict[int, tuple[float, Span]],
    notes: Sequence[str],
) -> str:
    shown = sorted(sorted(best, key=lambda number: -best[number][0])[:MOST_SHOWN])
    lines = [f"{decimal(best[number][0])}  {documents[number].locate(best[number][1])}" for number in shown]
    files = counted(len(best), "source")
    closing = f"{files} scored, in the order given; the lines are those of the best passage."
    if len(shown) < len(best):
        closing = f"The best {len(shown)} of {files}, in the order given; the lines are those of the best passage."
    return listed(workspace, lines, [*notes, closing], lambda n: f"{n} more do not fit. Score fewer sources at once.")
