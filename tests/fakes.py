"""The stand-ins that more than one package's tests need, with knobs and recorders."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self
from zlib import crc32

import anyio
import numpy as np

from tamis_engine.errors import ModelNotFound, RequestInvalid
from tamis_engine.protocol import (
    DEFAULT_MODEL,
    EncodeRequest,
    EncodeResult,
    ExtractRequest,
    ExtractResult,
    ModelStatus,
    ScoreRequest,
    ScoreResult,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

OTHER_MODEL = "other"
"""A second model that the fake engine knows; it scores by the first letter alone."""
DIMENSIONS = 512


@dataclass
class FakeEngine:
    """Vectors are bags of words, so that texts that share words are near. Records what it was asked.

    `before` is called with every request, so that a test can look around or act in the middle of a call.
    """

    failure: Exception | None = None
    before: Callable[[object], None] = lambda _request: None
    requests: list[object] = field(default_factory=list)
    entered: int = 0
    closed: int = 0

    async def __aenter__(self) -> Self:
        self.entered += 1
        return self

    async def __aexit__(self, *exc: object) -> None:
        self.closed += 1

    async def encode(self, request: EncodeRequest) -> EncodeResult:
        self._take(request, request.model)
        if request.kind != "dense":
            raise RequestInvalid(f"{request.model} has no {request.kind} vectors. Use kind='dense'.")
        vectors = np.stack([vector(text) for text in request.texts])
        count = len(request.texts)
        return EncodeResult(vectors, (1,) * count, (False,) * count, request.model)

    async def score(self, request: ScoreRequest) -> ScoreResult:
        self._take(request, request.model)
        scores = [float(passage[:1].lower() == request.query[:1].lower()) for passage in request.passages]
        return ScoreResult(np.array(scores, dtype=np.float32), (False,) * len(scores), request.model)

    async def extract(self, request: ExtractRequest) -> ExtractResult:
        self._take(request, request.model)
        return ExtractResult((), request.model)

    async def models(self) -> tuple[ModelStatus, ...]:
        return (ModelStatus(DEFAULT_MODEL, "absent", DIMENSIONS, 256, 0, "Apache-2.0"),)

    async def ready(self) -> None:
        await anyio.lowlevel.checkpoint()
        if self.failure:
            raise self.failure

    def _take(self, request: object, model: str) -> None:
        self.requests.append(request)
        self.before(request)
        if self.failure:
            raise self.failure
        if model not in (DEFAULT_MODEL, OTHER_MODEL):
            raise ModelNotFound(model, (DEFAULT_MODEL, OTHER_MODEL))


@dataclass
class Clock:
    """Stands still until it is set."""

    now: float = 0.0

    def __call__(self) -> float:
        return self.now


def vector(text: str) -> NDArray[np.float32]:
    """A bag of words of length 1; plural and singular are the same word."""
    counts = np.zeros(DIMENSIONS, dtype=np.float32)
    for word in re.findall(r"\w+", text.lower()) or ["nothing"]:
        counts[crc32(word.removesuffix("s").encode()) % DIMENSIONS] += 1
    return counts / np.linalg.norm(counts)
