"""Which segments matter for a query: BM25 over all of them, the encoder on the shortlist, one probability each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import anyio
import numpy as np
from anyio import to_thread

from tamis_engine.errors import EngineError
from tamis_engine.protocol import EncodeRequest
from tamis_tools import lexical
from tamis_tools.corpus import Corpus, cut
from tamis_tools.relevance import ANSWERED, Covered, by_both, by_cosine, by_words, gained
from tamis_tools.second_look import followed
from tamis_tools.vectors import encoded

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from tamis_tools.document import Document, Span
    from tamis_tools.pace import Pace
    from tamis_tools.segments import Segment
    from tamis_tools.stages import Stage
    from tamis_tools.workspace import Workspace

SHORTLIST = 160
"""Segments that the encoder sees at most, the best by BM25 first."""
SHORTLIST_CHARS = 32_000
"""And characters of them: about 8,000 tokens, close to a second of work on two cores."""
ENCODED_CHARS = 700
"""Characters of one segment that are encoded; the encoder reads 256 tokens."""


class Hit(NamedTuple):
    """A segment of `documents[document]` and the probability that it matters for the query."""

    document: int
    segment: Segment
    score: float


@dataclass(frozen=True)
class Ranking:
    """`scores` has shape (entries,). `vectors` maps entries that the encoder saw to their unit vectors.

    `first` holds the scores of the first look, where a second was taken.
    """

    corpus: Corpus
    scores: NDArray[np.float32]
    vectors: dict[int, NDArray[np.float32]]
    notes: tuple[str, ...]
    first: NDArray[np.float32] | None = None

    @cached_property
    def order(self) -> NDArray[np.intp]:
        """Entries best first; equal scores stay in reading order."""
        return np.argsort(-self.scores, kind="stable")

    @property
    def hits(self) -> Iterator[Hit]:
        """Best first."""
        entries = self.corpus.entries
        return (Hit(entries[at].document, entries[at].segment, float(self.scores[at])) for at in self.order)

    @property
    def best(self) -> float:
        """The highest probability that a segment has by itself; 0 where there is nothing."""
        return float((self.scores if self.first is None else self.first).max(initial=0.0))

    @property
    def answered(self) -> bool:
        """False where even the best segment is probably no answer."""
        return self.best >= ANSWERED


async def rank(workspace: Workspace, documents: Sequence[Document], query: str, pace: Pace) -> Ranking:
    """Cut the documents and rank what comes of it."""
    corpus = await to_thread.run_sync(cut, documents, pace)
    return await rank_corpus(workspace, corpus, query, pace)


async def rank_corpus(workspace: Workspace, corpus: Corpus, query: str, pace: Pace, *, again: bool = False) -> Ranking:
    """Rank segments; without the engine the words alone decide, and the notes say why.

    `again` takes a second look, at what the best segments name: for who wants all of the evidence, not the best of it.
    """
    ranking = await _first_look(workspace, corpus, query, pace)
    if not again or "second-look" in workspace.without:
        return ranking
    return await to_thread.run_sync(_looked_again, ranking, query)


async def _first_look(workspace: Workspace, corpus: Corpus, query: str, pace: Pace) -> Ranking:
    without, texts = workspace.without, [entry.text for entry in corpus.entries]
    covered = await to_thread.run_sync(_words, query, corpus)
    covered = covered._replace(around=covered.own) if "surroundings" in without else covered
    await pace.step(0.5, f"ranked {len(texts)} segments by words")
    likely = by_words(covered)
    chosen = list(range(len(texts))) if "lexical" in without else shortlist(likely, texts)
    if not chosen or "encoder" in without:
        return Ranking(corpus, likely, {}, ())
    try:
        await _ready(workspace)
        asked = (await workspace.engine.encode(EncodeRequest((query,), role="query"))).vectors[0]
        rows = await encoded(workspace.engine, [texts[at][:ENCODED_CHARS] for at in chosen], pace)
    except EngineError as error:
        return Ranking(corpus, likely, {}, (f"Ranked by words alone: {error}",))
    vectors = dict(zip(chosen, rows, strict=False))
    late = len(rows) < len(chosen)
    notes = (f"Time ran out: the encoder read {len(rows)} of {len(chosen)} candidate segments.",) if late else ()
    return Ranking(corpus, _judged(covered, asked, vectors, without), vectors, notes)


def _words(query: str, corpus: Corpus) -> Covered:
    numbers: dict[tuple[int, Span], int] = {}
    keys = ((entry.document, entry.segment.block) for entry in corpus.entries)
    groups = [numbers.setdefault(key, len(numbers)) for key in keys]
    return Covered(*lexical.coverage_with_surroundings(query, [entry.text for entry in corpus.entries], groups))


def shortlist(likely: NDArray[np.float32], texts: Sequence[str]) -> list[int]:
    """The entries that the encoder sees: the best by words, as many as `SHORTLIST` and `SHORTLIST_CHARS` allow."""
    chosen: list[int] = []
    room = SHORTLIST_CHARS
    for at in np.argsort(-likely, kind="stable")[:SHORTLIST]:
        room -= min(len(texts[at]), ENCODED_CHARS)
        if room < 0:
            break
        chosen.append(int(at))
    return chosen


def _judged(
    covered: Covered, asked: NDArray[np.float32], vectors: dict[int, NDArray[np.float32]], without: frozenset[Stage]
) -> NDArray[np.float32]:
    """Probability of relevance of every entry; those without a vector are judged by their words."""
    scores = by_words(covered)
    if vectors:
        at = np.fromiter(vectors, dtype=np.intp)
        cosine = np.stack(list(vectors.values())) @ asked
        alone = without & {"lexical", "fusion"}
        scores = np.zeros_like(scores) if alone else scores
        scores[at] = by_cosine(cosine) if alone else by_both(Covered(covered.own[at], covered.around[at]), cosine)
    return scores


def _looked_again(ranking: Ranking, query: str) -> Ranking:
    subject, named = followed(ranking.corpus, query, ranking.scores)
    return replace(ranking, scores=gained(ranking.scores, subject, named), first=ranking.scores)


async def _ready(workspace: Workspace) -> None:
    with anyio.move_on_after(workspace.scope.limits.engine_wait_seconds) as waiting:
        await workspace.engine.ready()
    if waiting.cancelled_caught:
        raise EngineError("the model is still loading; the same call in a few seconds ranks in full.")
