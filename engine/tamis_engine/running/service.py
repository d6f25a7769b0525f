"""What the engine does with a request, one at a time, on the thread that owns the model."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from tamis_engine import embedded
from tamis_engine.calibration import CALIBRATION
from tamis_engine.errors import EngineUnavailable, ModelNotFound, RequestInvalid
from tamis_engine.limits import check
from tamis_engine.protocol import (
    EncodeRequest,
    EncodeResult,
    Extraction,
    ExtractRequest,
    ExtractResult,
    ModelState,
    ModelStatus,
    ScoreRequest,
    ScoreResult,
)
from tamis_engine.running.cache import Vector, VectorCache, key
from tamis_engine.running.model import Encoder

R = TypeVar("R")
Steps = Generator[None, None, R]
"""Work that pauses between batches, so that others get a turn, and can be closed there once nobody waits for it."""


class Service:
    """Loads the embedded encoder on first use and answers with it. Belongs to one thread, but for `models`.

    What was computed before a request was closed is kept.
    """

    def __init__(self, load: Callable[[], Encoder] = embedded.load, cache: VectorCache | None = None) -> None:
        self._load = load
        self._cache = cache or VectorCache()
        self._encoder: Encoder | None = None
        self._state: ModelState = "absent"

    def encode(self, request: EncodeRequest) -> Steps[EncodeResult]:
        """Vectors in the order of the texts."""
        check(request)
        self._check_model(request.model)
        if request.kind != "dense":
            raise RequestInvalid(
                f"{request.model!r} gives one dense vector a text, not {request.kind!r}. Ask for kind 'dense'."
            )
        names = [key(request.model, request.role, text) for text in request.texts]
        found = yield from self._vectors(dict(zip(names, request.texts, strict=True)))
        tokens = tuple(found[name].tokens for name in names)
        rows = [found[name].numbers for name in names]
        return EncodeResult(
            vectors=np.stack(rows) if rows else np.empty((0, embedded.DIMENSIONS), np.float32),
            tokens=tokens,
            truncated=tuple(count > embedded.MAX_TOKENS for count in tokens),
            model=request.model,
        )

    def score(self, request: ScoreRequest) -> Steps[ScoreResult]:
        """The cosine of query and passage, calibrated."""
        check(request)
        passages = yield from self.encode(EncodeRequest(request.passages, request.model))
        scores = yield from self._against((request.query,), request.model, passages.vectors)
        return ScoreResult(scores[0], passages.truncated, request.model)

    def extract(self, request: ExtractRequest) -> Steps[ExtractResult]:
        """Whole passages: a bi-encoder can tell which passage answers a label, not where in it."""
        check(request)
        passages = yield from self.encode(EncodeRequest(request.passages, request.model))
        scores = yield from self._against(request.labels, request.model, passages.vectors)
        extractions = tuple(
            Extraction(passage, 0, len(request.passages[passage]), label, float(row[passage]))
            for label, row in zip(request.labels, scores, strict=True)
            for passage in np.argsort(-row, kind="stable").tolist()
        )
        return ExtractResult(extractions, request.model)

    def models(self) -> tuple[ModelStatus, ...]:
        """What there is. May be called from any thread: it reads and changes nothing."""
        return (embedded.status(self._state, self._encoder.footprint_bytes if self._encoder else 0),)

    def ready(self) -> Steps[None]:
        """Ends once the embedded encoder is in memory."""
        self._resident()
        yield

    def _check_model(self, name: str) -> None:
        if name != embedded.NAME:
            raise ModelNotFound(name, (embedded.NAME,))

    def _resident(self) -> Encoder:
        if self._encoder:
            return self._encoder
        self._state = "loading"
        try:
            encoder = self._encoder = self._load()
        except ImportError as error:
            raise EngineUnavailable(f"{error}.") from error
        finally:
            self._state = "resident" if self._encoder else "absent"
        return encoder

    def _vectors(self, texts: dict[bytes, str]) -> Steps[dict[bytes, Vector]]:
        cached = {name: self._cache.get(name) for name in texts}
        found = {name: vector for name, vector in cached.items() if vector}
        missing = [name for name in texts if name not in found]
        if missing:
            for batch in self._resident().encode([texts[name] for name in missing]):
                for row, numbers, tokens in zip(batch.rows, batch.vectors, batch.tokens, strict=True):
                    # a copy, so that one vector kept does not keep its whole batch
                    found[missing[row]] = Vector(numbers.copy(), tokens)
                    self._cache.put(missing[row], found[missing[row]])
                yield
        return found

    def _against(
        self, queries: tuple[str, ...], model: str, passages: NDArray[np.float32]
    ) -> Steps[NDArray[np.float32]]:
        """Probabilities of relevance, shape (queries, passages)."""
        encoded = yield from self.encode(EncodeRequest(queries, model, role="query"))
        return CALIBRATION.probability(encoded.vectors @ passages.T)


def finished(steps: Steps[R], before_each: Callable[[], object] = lambda: None) -> R:
    """What comes of `steps`. `before_each` raises where nobody waits for it any more."""
    while True:
        before_each()
        try:
            next(steps)
        except StopIteration as end:
            return end.value
