"""Which segments matter for a query: BM25 over all of them, the encoder on the shortlist, one probability each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import anyio
import numpy as np
from anyio import to_thread

from tamis_engine.errors import EngineError
from tamis_engine.protocol import EncodeRequest
from tamis_tools import lexical
from tamis_tools.corpus import Corpus, cut
from tamis_tools.vectors import encoded

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from tamis_tools.document import Document, Span
    from tamis_tools.pace import Pace
    from tamis_tools.segments import Segment
    from tamis_tools.workspace import Workspace

SHORTLIST = 160
"""Segments that the encoder sees at most, the best by BM25 first."""
SHORTLIST_CHARS = 32_000
"""And characters of them: about 8,000 tokens, close to a second of work on two cores."""
ENCODED_CHARS = 700
"""Characters of one segment that are encoded; the encoder reads 256 tokens."""
ANSWERED = 0.05
"""Best probability below which the sources probably do not answer: true of 6 % of questions that they answer, and of
85 % of those that they don't (200 and 200, five kinds of material)."""
RELEVANT = 0.1
"""Probability from which a source or value counts as relevant: 87 % of those that are, 9 % of those that are not."""


class Weights(NamedTuple):
    """A logistic regression on the cosine, on the words, and on the words of the whole block; and one on words."""

    cosine: float
    words: float
    block: float
    bias: float
    words_alone: float
    block_alone: float
    bias_alone: float


WEIGHTS = Weights(cosine=4.2, words=6.3, block=3.5, bias=-6.3, words_alone=8.0, block_alone=4.0, bias_alone=-5.5)
"""Fitted on the training parts of HotpotQA, MuSiQue and Evidence Inference, rounded."""


class Hit(NamedTuple):
    """A segment of `documents[document]` and the probability that it matters for the query."""

    document: int
    segment: Segment
    score: float


@dataclass(frozen=True)
class Ranking:
    """`scores` has shape (entries,). `vectors` maps entries that the encoder saw to their unit vectors."""

    corpus: Corpus
    scores: NDArray[np.float32]
    vectors: dict[int, NDArray[np.float32]]
    notes: tuple[str, ...]

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
        """The highest probability; 0 where there is nothing."""
        return float(self.scores.max(initial=0.0))

    @property
    def answered(self) -> bool:
        """False where even the best segment is probably no answer."""
        return self.best >= ANSWERED


async def rank(workspace: Workspace, documents: Sequence[Document], query: str, pace: Pace) -> Ranking:
    """Cut the documents and rank what comes of it."""
    corpus = await to_thread.run_sync(cut, documents, pace)
    return await rank_corpus(workspace, corpus, query, pace)


async def rank_corpus(workspace: Workspace, corpus: Corpus, query: str, pace: Pace) -> Ranking:
    """Rank segments; without the engine the words alone decide, and the notes say why."""
    texts = [entry.text for entry in corpus.entries]
    covered = await to_thread.run_sync(_words, query, corpus)
    await pace.step(0.5, f"ranked {len(texts)} segments by words")
    likely = probability_of_words(covered)
    chosen = shortlist(likely, texts)
    if not chosen:
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
    return Ranking(corpus, combined(covered, asked, vectors), vectors, notes)


class Covered(NamedTuple):
    """How much of the query each entry covers, and its whole block; both of shape (entries,)."""

    own: NDArray[np.float32]
    block: NDArray[np.float32]


def _words(query: str, corpus: Corpus) -> Covered:
    numbers: dict[tuple[int, Span], int] = {}
    keys = ((entry.document, entry.segment.block) for entry in corpus.entries)
    groups = [numbers.setdefault(key, len(numbers)) for key in keys]
    return Covered(*lexical.coverage_with_groups(query, [entry.text for entry in corpus.entries], groups))


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


def combined(
    covered: Covered, query: NDArray[np.float32], vectors: dict[int, NDArray[np.float32]]
) -> NDArray[np.float32]:
    """Probability of relevance of every entry; those without a vector are judged by their words."""
    scores = probability_of_words(covered)
    if vectors:
        at = np.fromiter(vectors, dtype=np.intp)
        cosine = np.stack(list(vectors.values())) @ query
        words = WEIGHTS.words * covered.own[at] + WEIGHTS.block * covered.block[at]
        scores[at] = _logistic(WEIGHTS.cosine * cosine + words + WEIGHTS.bias)
    return scores


def probability_of_words(covered: Covered) -> NDArray[np.float32]:
    """Probability of relevance where only the words are known."""
    words = WEIGHTS.words_alone * covered.own + WEIGHTS.block_alone * covered.block
    return _logistic(words + WEIGHTS.bias_alone)


def _logistic(x: NDArray[np.floating]) -> NDArray[np.float32]:
    return (1 / (1 + np.exp(-x))).astype(np.float32)


async def _ready(workspace: Workspace) -> None:
    with anyio.move_on_after(workspace.scope.limits.engine_wait_seconds) as waiting:
        await workspace.engine.ready()
    if waiting.cancelled_caught:
        raise EngineError("the model is still loading; the same call in a few seconds ranks in full.")
