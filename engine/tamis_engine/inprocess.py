"""The engine in this process: for tests, evals and Python programs. A server keeps torch out with `LocalEngine`."""

from __future__ import annotations

from typing import Self, TypeVar

from anyio import CapacityLimiter, from_thread, to_thread

from tamis_engine.protocol import (
    EncodeRequest,
    EncodeResult,
    ExtractRequest,
    ExtractResult,
    ModelStatus,
    ScoreRequest,
    ScoreResult,
)
from tamis_engine.running.service import Service, Steps, finished

R = TypeVar("R")


class InProcessEngine:
    """An `Engine` on one worker thread at a time. A cancelled call stops at its next batch."""

    def __init__(self, service: Service | None = None) -> None:
        self._service = service or Service()
        # One: the model belongs to one thread, and two would only share the same cores.
        self._runner = CapacityLimiter(1)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        return None

    async def encode(self, request: EncodeRequest) -> EncodeResult:
        """See `Engine`."""
        return await self._run(self._service.encode(request))

    async def score(self, request: ScoreRequest) -> ScoreResult:
        """See `Engine`."""
        return await self._run(self._service.score(request))

    async def extract(self, request: ExtractRequest) -> ExtractResult:
        """See `Engine`."""
        return await self._run(self._service.extract(request))

    async def models(self) -> tuple[ModelStatus, ...]:
        """See `Engine`; answers at once, whatever is running."""
        return self._service.models()

    async def ready(self) -> None:
        """See `Engine`."""
        await self._run(self._service.ready())

    async def _run(self, steps: Steps[R]) -> R:
        return await to_thread.run_sync(finished, steps, from_thread.check_cancelled, limiter=self._runner)
