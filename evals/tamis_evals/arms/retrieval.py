"""Arms that anyone would build first: BM25, the encoder, and both fused."""

from __future__ import annotations

import time
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from tamis_engine.protocol import DEFAULT_MODEL, EncodeRequest, Engine
from tamis_evals.arms.bm25 import Index, index
from tamis_evals.arms.filling import filled, shown
from tamis_evals.cutting import Grain, units
from tamis_evals.sample import Outcome, Passage, Sample, Source, Unit

BOTH = frozenset({"select", "rank"})
FUSION = 60
"""The constant of reciprocal rank fusion (Cormack, Clarke and Büttcher, 2009)."""
ENCODED_CHARS = 1_200
"""Characters of a unit that are encoded; the encoder reads 256 tokens."""
BATCH = 512


class Scoring:
    """An arm that gives every unit a score. What it shows and how it ranks follows from that."""

    name: str
    grain: Grain = "sentences"
    asks = BOTH

    async def select(self, sample: Sample, budget_tokens: int) -> Outcome:
        """The best units that fit, in reading order."""
        started = time.perf_counter()
        found = units(sample, self.grain)
        scores = await self.scores(sample, found)
        passages = filled(sample, found, _best_first(scores), budget_tokens)
        outcome = shown(sample, passages, best=float(scores.max(initial=0.0)))
        return replace(outcome, seconds=time.perf_counter() - started)

    async def rank(self, sample: Sample, top_k: int) -> Outcome:
        """The sources with the best scores, each judged as one text."""
        started = time.perf_counter()
        scores = await self.scores(sample, _whole(sample.sources))
        ranked = tuple(int(at) for at in _best_first(scores)[:top_k])
        seconds = time.perf_counter() - started
        return Outcome(ranked=ranked, best=float(scores.max(initial=0.0)), seconds=seconds)

    @abstractmethod
    async def scores(self, sample: Sample, found: Sequence[Unit]) -> NDArray[np.float32]:
        """One score a unit, shape (units,); higher is better, 0 says nothing."""


@dataclass(slots=True)
class Bm25(Scoring):
    """BM25 over sentences or blocks, titles read with them."""

    name: str = "bm25-sentences"
    grain: Grain = "sentences"
    _kept: tuple[Sequence[Unit], Index] | None = None

    async def scores(self, sample: Sample, found: Sequence[Unit]) -> NDArray[np.float32]:
        """BM25 of each unit for the query."""
        if self._kept is None or self._kept[0] is not found:
            self._kept = (found, index([read(sample, unit) for unit in found]))
        return self._kept[1].scores(sample.query)


@dataclass(slots=True)
class Encoder(Scoring):
    """Cosines of a bi-encoder; every distinct text is encoded once a run."""

    engine: Engine
    name: str = "encoder"
    model: str = DEFAULT_MODEL
    _vectors: dict[str, NDArray[np.float16]] = field(default_factory=dict[str, NDArray[np.float16]])

    async def scores(self, sample: Sample, found: Sequence[Unit]) -> NDArray[np.float32]:
        """Cosine of each unit with the query."""
        texts = [read(sample, unit)[:ENCODED_CHARS] for unit in found]
        await self._encode([text for text in dict.fromkeys(texts) if text not in self._vectors])
        asked = await self.engine.encode(EncodeRequest((sample.query,), model=self.model, role="query"))
        if not texts:
            return np.zeros(0, dtype=np.float32)
        rows = np.stack([self._vectors[text] for text in texts]).astype(np.float32)
        return rows @ asked.vectors[0]

    async def _encode(self, texts: Sequence[str]) -> None:
        for at in range(0, len(texts), BATCH):
            part = tuple(texts[at : at + BATCH])
            rows = (await self.engine.encode(EncodeRequest(part, model=self.model))).vectors
            self._vectors.update(zip(part, rows.astype(np.float16), strict=True))


@dataclass(slots=True)
class Hybrid(Scoring):
    """Reciprocal rank fusion of two arms."""

    one: Scoring
    other: Scoring
    name: str = "hybrid"

    async def scores(self, sample: Sample, found: Sequence[Unit]) -> NDArray[np.float32]:
        """Sum of the reciprocal ranks in both, divided by its largest possible value."""
        both = [await arm.scores(sample, found) for arm in (self.one, self.other)]
        fused = [1 / (FUSION + _ranks(scores)) for scores in both]
        return ((fused[0] + fused[1]) * (FUSION + 1) / 2).astype(np.float32)


def read(sample: Sample, unit: Unit) -> str:
    """What a unit is judged by: its title, then its text."""
    text = sample.text(unit.passage)
    return f"{unit.title} {text}" if unit.title and not text.startswith(f"{unit.title}\n") else text


def _whole(sources: Sequence[Source]) -> Sequence[Unit]:
    return _Whole.of(sources)


class _Whole:
    """The sources as units: the same list for the same sources, so that an index of it is kept."""

    last: tuple[Sequence[Source], list[Unit]] | None = None

    @classmethod
    def of(cls, sources: Sequence[Source]) -> list[Unit]:
        if cls.last is None or cls.last[0] is not sources:
            cls.last = (sources, [Unit(Passage(at, 0, len(source.text))) for at, source in enumerate(sources)])
        return cls.last[1]


def _best_first(scores: NDArray[np.float32]) -> list[int]:
    return [int(at) for at in np.argsort(-scores, kind="stable")]


def _ranks(scores: NDArray[np.float32]) -> NDArray[np.float32]:
    """Rank of each, 1 for the best; equal scores share the rank of the first."""
    order = np.sort(-scores)
    return (np.searchsorted(order, -scores, side="left") + 1).astype(np.float32)
