"""The engine in this process: for tests, evals, containers and Python programs; servers keep torch out of theirs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Self

from tamis_engine.protocol import (
    DEFAULT_MODEL,
    EncodeRequest,
    EncodeResult,
    ExtractRequest,
    ExtractResult,
    Loading,
    ModelStatus,
    OnProgress,
    ScoreRequest,
    ScoreResult,
)

if TYPE_CHECKING:
    from tamis_engine.running.core import Core


def _default() -> Core:
    # late: numpy, and what finds out about the machine
    from tamis_engine.running.making import core

    return core()


class InProcessEngine:
    """An `Engine` on a thread of its own, for programs that run on asyncio. Work of a cancelled call is dropped."""

    def __init__(self, make: Callable[[], Core] = _default) -> None:
        self._make = make
        self._core: Core | None = None

    @property
    def core(self) -> Core:
        """What answers; there while the engine is open."""
        if self._core is None:
            raise RuntimeError("the engine is not open (`async with` opens it)")
        return self._core

    async def __aenter__(self) -> Self:
        self._core = self._make().__enter__()
        return self

    async def __aexit__(self, *exc: object) -> None:
        core, self._core = self.core, None
        await asyncio.to_thread(core.__exit__, None, None, None)

    async def encode(self, request: EncodeRequest) -> EncodeResult:
        """See `Engine`."""
        return await asyncio.wrap_future(self.core.submit(request))

    async def score(self, request: ScoreRequest) -> ScoreResult:
        """See `Engine`."""
        return await asyncio.wrap_future(self.core.submit(request))

    async def extract(self, request: ExtractRequest) -> ExtractResult:
        """See `Engine`."""
        return await asyncio.wrap_future(self.core.submit(request))

    async def models(self) -> tuple[ModelStatus, ...]:
        """See `Engine`; answers at once, whatever is running."""
        return self.core.models()

    async def ready(self, model: str = DEFAULT_MODEL, on_progress: OnProgress | None = None) -> None:
        """See `Engine`."""
        # shielded: a model that loads is wanted soon, by whoever asked for it and left
        await asyncio.shield(asyncio.wrap_future(self.core.ready(model, _on_this_loop(on_progress))))

    async def unload(self, model: str) -> None:
        """See `Engine`."""
        self.core.unload(model)

    async def pin(self, model: str, pinned: bool = True) -> None:
        """See `Engine`."""
        if pinned:
            await asyncio.shield(asyncio.wrap_future(self.core.ready(model, pin=True)))
        else:
            self.core.unpin(model)

    async def status(self) -> dict[str, float]:
        """Numbers for whoever watches; see `Core.status`."""
        return self.core.status()


def _on_this_loop(on_progress: OnProgress | None) -> OnProgress | None:
    """The engine reports from threads of its own."""
    if on_progress is None:
        return None
    loop = asyncio.get_running_loop()

    def tell(loading: Loading) -> None:
        loop.call_soon_threadsafe(partial(on_progress, loading))

    return tell
