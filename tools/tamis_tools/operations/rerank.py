"""Where to look first: the best places for a question, with one line each and not their text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tamis_tools.errors import BadArgument
from tamis_tools.operations.gathering import gather, required
from tamis_tools.operations.listing import counted, decimal, doubt, listed, reading_notes
from tamis_tools.places import first_of_each, next_call, passages, preview
from tamis_tools.ranking import rank
from tamis_tools.results import Answer, Ranked, Reranked

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tamis_tools.pace import Pace
    from tamis_tools.places import Passage
    from tamis_tools.ranking import Ranking
    from tamis_tools.requests import RerankRequest, Unit
    from tamis_tools.workspace import Workspace

MOST = 100


async def rerank(workspace: Workspace, request: RerankRequest, pace: Pace) -> Answer[Reranked]:
    """The `top_k` best blocks, each judged by its best segment; or files, each by its best block.

    Raises `BadArgument` for an empty query or a `top_k` out of range, and the errors of sources.
    """
    query = required("query", request.query, "where are timed-out requests retried?")
    if not 1 <= request.top_k <= MOST:
        raise BadArgument(f"top_k is {request.top_k}. Give 1 to {MOST}; 10 shows where to look.")
    reading = await gather(workspace, request.sources, pace)
    ranking = await rank(workspace, reading.documents, query, pace)
    found = list(passages(ranking))
    places = first_of_each(found) if request.unit == "file" else found
    best = places[: request.top_k]
    results = [_ranked(ranking, place, query) for place in best]
    notes = (*reading_notes(reading), *ranking.notes, *doubt(ranking))
    lines = [
        _line(number, ranking, place, each)
        for number, (place, each) in enumerate(zip(best, results, strict=True), start=1)
    ]
    closing = _closing(ranking, best, len(found), request.unit)
    text = listed(workspace, lines, [*notes, closing], lambda n: f"{n} more do not fit: ask for a smaller top_k.")
    return Answer(text, Reranked(results=results, answered=ranking.answered, notes=list(notes)))


def _ranked(ranking: Ranking, place: Passage, query: str) -> Ranked:
    document = ranking.corpus.documents[place.document]
    lines = document.lines_of(place.span)
    return Ranked(
        source=document.address,
        start_line=lines.first,
        end_line=lines.last,
        score=round(place.score, 4),
        preview=document.text[slice(*preview(document, place, query))],
    )


def _line(number: int, ranking: Ranking, place: Passage, result: Ranked) -> str:
    located = ranking.corpus.documents[place.document].locate(place.span)
    return f"{number}  {decimal(place.score)}  {located}  {result.preview}"


def _closing(ranking: Ranking, best: Sequence[Passage], of_passages: int, unit: Unit) -> str:
    documents = ranking.corpus.documents
    files = counted(len(documents), "file")
    if not best:
        return f"Nothing to rank: {files} without text."
    total = files if unit == "file" else f"{counted(of_passages, 'passage')} in {files}"
    return f"{len(best)} of {total}.{next_call(documents[best[0].document], best[0].span)}"
