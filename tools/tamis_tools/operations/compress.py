"""The main job: the slices that matter for a question, word for word, within a token budget."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from anyio import to_thread

from tamis_tools import slices, tokens
from tamis_tools.corpus import cut
from tamis_tools.errors import BadArgument, HandleError
from tamis_tools.operations.drafting import Composer, Draft, Material, tokens_of, whole
from tamis_tools.operations.gathering import changed, gather, required
from tamis_tools.ranking import rank_corpus
from tamis_tools.results import Answer, Compressed, Omitted
from tamis_tools.views import VIEWS

if TYPE_CHECKING:
    from tamis_tools.limits import Limits
    from tamis_tools.pace import Pace
    from tamis_tools.requests import CompressRequest, Detail
    from tamis_tools.views import View
    from tamis_tools.workspace import Workspace


async def compress(workspace: Workspace, request: CompressRequest, pace: Pace) -> Answer[Compressed]:
    """Read, rank, choose, show. Input that fits the budget comes back whole.

    Raises `BadArgument` for a budget out of range or an empty query, and the errors of sources and handles.
    """
    _check_budget(request.budget_tokens, workspace.scope.limits)
    material = await _material(workspace, request, pace)
    timings = {"read": pace.elapsed}
    draft = None
    if request.detail == "verbatim" and not material.seen:
        draft = await to_thread.run_sync(whole, material, request.budget_tokens)
    if draft is None:
        draft = await _chosen(workspace, material, request, pace, timings)
    return await _sent(workspace, material, draft, timings)


async def _chosen(
    workspace: Workspace, material: Material, request: CompressRequest, pace: Pace, timings: dict[str, float]
) -> Draft:
    corpus = await to_thread.run_sync(cut, material.documents, pace)
    timings["cut"] = pace.elapsed
    ranking = await rank_corpus(workspace, corpus.without(material.seen), material.query, pace, again=True)
    timings["rank"] = pace.elapsed
    read = await to_thread.run_sync(tokens_of, material.documents)
    composer = Composer(material, ranking, _view(workspace, request.detail), request.budget_tokens, read)
    draft = await to_thread.run_sync(composer.compose)
    timings["select"] = pace.elapsed
    return draft


def _view(workspace: Workspace, detail: Detail) -> View:
    view = VIEWS[detail]
    return replace(
        view,
        passages=view.passages and "expansion" not in workspace.without,
        repeats="redundancy" in workspace.without,
    )


async def _sent(
    workspace: Workspace, material: Material, draft: Draft, timings: dict[str, float]
) -> Answer[Compressed]:
    handle, draft = await to_thread.run_sync(_kept, workspace, material, draft)
    text = draft.text(handle)
    shown = slices.as_data(draft.documents, draft.stretches)
    tally = draft.tally
    data = Compressed(
        query=material.query,
        budget_tokens=draft.budget_tokens,
        tokens=tokens.count(text),
        slices=shown,
        omitted=Omitted(
            segments=tally.segments - tally.kept,
            tokens=max(0, tally.tokens_read - sum(item.tokens for item in shown)),
        ),
        answered=draft.answered,
        handle=handle,
        cursor=handle if tally.unfinished and (tally.kept or tally.pending) else "",
        notes=list(draft.notes),
        timings=_steps(timings),
    )
    return Answer(text, data)


def _kept(workspace: Workspace, material: Material, draft: Draft) -> tuple[str, Draft]:
    """The handle of what this answer and those before it have shown; none, and a note, where nothing can be kept."""
    shown = tuple(dict.fromkeys((*material.seen, *draft.shown)))
    try:
        put = workspace.handles.put
        return put(material.documents, query=material.query, shown=shown, pending=material.pending), draft
    except HandleError as error:
        noted = replace(draft, notes=(*draft.notes, str(error)))
        return "", noted if noted.spare >= 0 else draft


def _steps(marks: dict[str, float]) -> dict[str, float]:
    """Seconds of each step from the time at which it ended, and of all of them."""
    ends = list(marks.values())
    steps = {name: round(end - start, 3) for (name, end), start in zip(marks.items(), [0.0, *ends], strict=False)}
    return {**steps, "total": round(ends[-1], 3)}


def _check_budget(budget_tokens: int, limits: Limits) -> None:
    low, high = limits.min_budget_tokens, limits.max_result_tokens
    if not low <= budget_tokens <= high:
        raise BadArgument(f"budget_tokens is {budget_tokens}. Give {low} to {high:,}; 2000 suits most questions.")


async def _material(workspace: Workspace, request: CompressRequest, pace: Pace) -> Material:
    if not request.cursor:
        query = required("query", request.query, "how is a timed-out request retried?")
        reading = await gather(workspace, request.sources, pace)
        return Material(query, reading.documents, (), reading.pending, reading.notes)
    kept = await to_thread.run_sync(workspace.handles.get, request.cursor)
    notes = await to_thread.run_sync(changed, workspace.handles, kept.documents)
    query = required("query", request.query.strip() or kept.query, "how is a timed-out request retried?")
    material = Material(query, kept.documents, kept.shown, (), notes)
    if not kept.pending:
        return material
    reading = await gather(workspace, kept.pending, pace, named=False)
    documents, notes = (*kept.documents, *reading.documents), (*notes, *reading.notes)
    return replace(material, documents=documents, pending=reading.pending, notes=notes)
