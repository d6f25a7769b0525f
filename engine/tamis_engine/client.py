"""The engine in another process: torch never enters the process that speaks the protocol, and can't take it down."""

from __future__ import annotations

import math
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import Any, Self

import anyio
from anyio.abc import TaskGroup

from tamis_engine import limits
from tamis_engine.errors import EngineUnavailable
from tamis_engine.process import codec, shared
from tamis_engine.process.address import Address, CannotShare
from tamis_engine.process.line import Line, LineLost, Opener
from tamis_engine.process.wire import Frame
from tamis_engine.protocol import (
    DEFAULT_MODEL,
    EncodeRequest,
    EncodeResult,
    ExtractRequest,
    ExtractResult,
    ModelStatus,
    OnProgress,
    ScoreRequest,
    ScoreResult,
)

TRIES = 2
COOL_DOWN_SECONDS = 5.0
FAREWELL_SECONDS = 2.0


Look = Callable[[], Awaitable[tuple[ModelStatus, ...]]]
"""Tells of the models without starting anything."""


async def at_a_glance(address: Address | None = None) -> tuple[ModelStatus, ...]:
    """The models of the engine at `address` where one runs, else all that one would have, absent."""
    with suppress(CannotShare):
        status = await shared.status(address) if address else None
        if status:
            return status.models
    # late: most programs never ask
    from tamis_engine.models.registry import Registry

    registry = Registry()
    return tuple(registry.facts(name) for name in registry.known())


class LocalEngine:
    """An `Engine` that the first call reaches, and starts if need be; by default the one that all clients share.

    Calls that were open when the process died are asked again of a fresh one, once. Where processes die before
    they answer anything, none is started for a few seconds, and calls fail at once with the reason.
    """

    def __init__(
        self, opener: Opener | None = None, look: Look | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._opener = opener or partial(shared.opened, shared.Place())
        self._look = look or at_a_glance
        self._clock = clock
        self._tasks: TaskGroup | None = None
        self._line: Line | None = None
        self._stillborn = 0
        self._reason = ""
        self._rests_until = -math.inf

    @property
    def pid(self) -> int | None:
        """Of the process that answers, while we know one."""
        return self._line.transport.pid if self._line and self._line.transport and not self._line.lost else None

    @property
    def private(self) -> str:
        """Why the process serves nobody else; empty where it is shared, or not reached yet."""
        return self._line.transport.private if self._line and self._line.transport else ""

    async def __aenter__(self) -> Self:
        self._tasks = await anyio.create_task_group().__aenter__()
        return self

    async def __aexit__(self, *exc: object) -> None:
        tasks, self._tasks = self._tasks, None
        assert tasks
        if self._line and self._line.transport:
            self._line.close()
            with anyio.move_on_after(FAREWELL_SECONDS, shield=True):
                await self._line.ended.wait()
        tasks.cancel_scope.cancel()
        await tasks.__aexit__(None, None, None)

    async def encode(self, request: EncodeRequest) -> EncodeResult:
        """See `Engine`."""
        return codec.encode_result(await self._ask("encode", request))

    async def score(self, request: ScoreRequest) -> ScoreResult:
        """See `Engine`."""
        return codec.score_result(await self._ask("score", request))

    async def extract(self, request: ExtractRequest) -> ExtractResult:
        """See `Engine`."""
        return codec.extract_result(await self._ask("extract", request))

    async def models(self) -> tuple[ModelStatus, ...]:
        """See `Engine`; answers at once, whatever is running, and starts nothing."""
        if self._line is None or self._line.lost:
            return await self._look()
        return codec.model_statuses(await self._call("models"))

    async def ready(self, model: str = DEFAULT_MODEL, on_progress: OnProgress | None = None) -> None:
        """See `Engine`."""
        await self._call("ready", {"model": model}, on_progress)

    async def unload(self, model: str) -> None:
        """See `Engine`."""
        await self._call("unload", {"model": model})

    async def pin(self, model: str, pinned: bool = True) -> None:
        """See `Engine`."""
        await self._call("pin" if pinned else "unpin", {"model": model})

    def stop(self) -> None:
        """Leave now, without awaiting anything: for a signal handler on its way out. A shared engine lives on."""
        if self._line:
            self._line.hang_up()

    async def _ask(self, operation: codec.Operation, request: limits.Request) -> Frame:
        limits.check(request)
        return await self._call(operation, codec.request_fields(request))

    async def _call(
        self, operation: codec.Operation, fields: dict[str, Any] | None = None, on_progress: OnProgress | None = None
    ) -> Frame:
        reason = ""
        for _ in range(TRIES):
            line = self._running()
            try:
                return codec.checked(await line.call(operation, fields, on_progress))
            except LineLost as lost:
                reason = str(lost)
                self._bury(line)
        raise EngineUnavailable(reason)

    def _running(self) -> Line:
        """The line of now. It takes calls before the process is up, so nobody opens a second one."""
        if self._tasks is None:
            raise EngineUnavailable("it is not open (`async with` opens it).")
        if self._line and self._line.lost:
            self._bury(self._line)
        if (seconds := self._rests_until - self._clock()) > 0:
            raise EngineUnavailable(f"{self._reason} It is tried again in {seconds:.0f} s.")
        if self._line is None:
            self._line = Line(self._opener)
            self._tasks.start_soon(self._line.run)
        return self._line

    def _bury(self, line: Line) -> None:
        """Make room for the next one; a second in a row that died before it answered starts the cool-down."""
        if line is not self._line:
            return
        self._line = None
        self._reason = line.lost or ""
        self._stillborn = 0 if line.has_answered else self._stillborn + 1
        if self._stillborn >= TRIES:
            self._rests_until = self._clock() + COOL_DOWN_SECONDS
