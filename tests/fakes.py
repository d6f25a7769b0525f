"""The stand-ins that more than one package's tests need, with knobs and recorders."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
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
    Extraction,
    ExtractRequest,
    ExtractResult,
    Loading,
    ModelStatus,
    OnProgress,
    ScoreRequest,
    ScoreResult,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

OTHER_MODEL = "other"
"""A second model that the fake engine knows; it scores by the first letter alone, and has vectors of all kinds."""
DIMENSIONS = 512
READS_WORDS = 50
"""What of a text the fake engine reads."""


@dataclass
class FakeEngine:
    """Vectors are bags of words, so that texts that share words are near. Records what it was asked.

    `before` is called with every request, so that a test can look around or act in the middle of a call, and
    `hold` is awaited in it. A load goes through `steps`, and then waits for `loads`.
    """

    failure: Exception | None = None
    before: Callable[[object], None] = lambda _request: None
    hold: Callable[[], Awaitable[object]] = anyio.lowlevel.checkpoint
    steps: tuple[Loading, ...] = ()
    loads: Callable[[], Awaitable[object]] = anyio.lowlevel.checkpoint
    requests: list[object] = field(default_factory=list)
    resident: set[str] = field(default_factory=set)
    pinned: set[str] = field(default_factory=set)
    entered: int = 0
    closed: int = 0
    left: int = 0

    async def __aenter__(self) -> Self:
        self.entered += 1
        return self

    async def __aexit__(self, *exc: object) -> None:
        self.closed += 1

    async def encode(self, request: EncodeRequest) -> EncodeResult:
        await self._take(request, request.model)
        if request.kind != "dense" and request.model == DEFAULT_MODEL:
            raise RequestInvalid(f"{request.model} has no {request.kind} vectors. Use kind='dense'.")
        each = [KINDS[request.kind](text) for text in request.texts]
        rows = () if request.kind == "dense" else tuple(map(len, each))
        counts = tuple(len(text.split()) for text in request.texts)
        cut = tuple(count > READS_WORDS for count in counts)
        values = np.concatenate(each) if each else np.empty((0, DIMENSIONS), np.float32)
        if request.dimensions:
            values = values[:, : request.dimensions]
        return EncodeResult(values, counts, cut, request.model, request.kind, rows)

    async def score(self, request: ScoreRequest) -> ScoreResult:
        await self._take(request, request.model)
        scores = [float(passage[:1].lower() == request.query[:1].lower()) for passage in request.passages]
        counts = tuple(len(passage.split()) for passage in request.passages)
        cut = tuple(count > READS_WORDS for count in counts)
        calibrated = request.model == DEFAULT_MODEL
        return ScoreResult(np.array(scores, dtype=np.float32), cut, request.model, calibrated, counts)

    async def extract(self, request: ExtractRequest) -> ExtractResult:
        """Where a label stands word for word."""
        await self._take(request, request.model)
        found = [
            Extraction(number, passage.index(label), passage.index(label) + len(label), label, 0.5)
            for label in request.labels
            for number, passage in enumerate(request.passages)
            if label in passage
        ]
        return ExtractResult(tuple(found), request.model, (False,) * len(request.passages))

    async def models(self) -> tuple[ModelStatus, ...]:
        if self.failure:
            raise self.failure
        states = {name: "resident" if name in self.resident else "absent" for name in KNOWN}
        return tuple(
            ModelStatus(name, states[name], DIMENSIONS, 256, 91_000_000, "Apache-2.0", pinned=name in self.pinned)
            for name in KNOWN
        )

    async def ready(self, model: str = DEFAULT_MODEL, on_progress: OnProgress | None = None) -> None:
        await anyio.lowlevel.checkpoint()
        if self.failure:
            raise self.failure
        if model not in KNOWN:
            raise ModelNotFound(model, KNOWN)
        for step in self.steps:
            if on_progress and step.model == model:
                on_progress(step)
        await self._unless_left(self.loads)
        self.resident.add(model)

    async def unload(self, model: str) -> None:
        await anyio.lowlevel.checkpoint()
        self.resident.discard(model)

    async def pin(self, model: str, pinned: bool = True) -> None:
        if pinned:
            await self.ready(model)
            self.pinned.add(model)
        else:
            self.pinned.discard(model)

    async def _take(self, request: object, model: str) -> None:
        self.requests.append(request)
        self.before(request)
        await self._unless_left(self.hold)
        if self.failure:
            raise self.failure
        if model not in KNOWN:
            raise ModelNotFound(model, KNOWN)

    async def _unless_left(self, wait: Callable[[], Awaitable[object]]) -> None:
        try:
            await wait()
        except anyio.get_cancelled_exc_class():
            self.left += 1
            raise


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


def entries(text: str) -> NDArray[np.float32]:
    """The words that a text has: (words, 2), index and count, by index."""
    dense = vector(text)
    at = np.flatnonzero(dense)
    return np.stack([at.astype(np.float32), dense[at]], axis=1)


def of_words(text: str) -> NDArray[np.float32]:
    """A vector for each word."""
    return np.stack([vector(word) for word in text.split() or ["nothing"]])


KNOWN = (DEFAULT_MODEL, OTHER_MODEL)
KINDS: dict[str, Callable[[str], NDArray[np.float32]]] = {
    "dense": lambda text: vector(text)[None],
    "sparse": entries,
    "multivector": of_words,
}
