"""The engine in a child process: torch never enters the process that speaks the protocol, and can't take it down."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any, Self

import anyio
from anyio.abc import TaskGroup

from tamis_engine import codec, embedded, limits
from tamis_engine.child import Child, ChildLost
from tamis_engine.errors import EngineUnavailable
from tamis_engine.protocol import (
    EncodeRequest,
    EncodeResult,
    ExtractRequest,
    ExtractResult,
    ModelStatus,
    ScoreRequest,
    ScoreResult,
)
from tamis_engine.wire import Frame

# -P: a torch.py in the folder where the user works must not be imported.
COMMAND = (sys.executable, "-P", "-m", "tamis_engine.worker")
TRIES = 2
COOL_DOWN_SECONDS = 5.0
FAREWELL_SECONDS = 2.0


class ChildEngine:
    """An `Engine` whose process starts with the first call and ends with `async with`.

    Calls that were open when the process died are asked again of a fresh one, once. Where processes die before
    they answer anything, none is started for a few seconds, and calls fail at once with the reason.
    """

    def __init__(self, command: Sequence[str] = COMMAND, clock: Callable[[], float] = time.monotonic) -> None:
        self._command = command
        self._clock = clock
        self._tasks: TaskGroup | None = None
        self._child: Child | None = None
        self._stillborn = 0
        self._reason = ""
        self._rests_until = -math.inf

    @property
    def pid(self) -> int | None:
        """Of the child, while it runs."""
        return self._child.pid if self._child else None

    async def __aenter__(self) -> Self:
        self._tasks = await anyio.create_task_group().__aenter__()
        return self

    async def __aexit__(self, *exc: object) -> None:
        tasks, self._tasks = self._tasks, None
        assert tasks
        if self._child:
            self._child.close()
            with anyio.move_on_after(FAREWELL_SECONDS, shield=True):
                await self._child.ended.wait()
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
        if self._child is None:
            return (embedded.status("absent"),)
        return codec.model_statuses(await self._call("models"))

    async def ready(self) -> None:
        """See `Engine`."""
        await self._call("ready")

    def stop(self) -> None:
        """Kill the child now, without awaiting anything: for a signal handler on its way out."""
        if self._child:
            self._child.kill()

    async def _ask(self, operation: codec.Operation, request: limits.Request) -> Frame:
        limits.check(request)
        return await self._call(operation, codec.request_fields(request))

    async def _call(self, operation: codec.Operation, fields: dict[str, Any] | None = None) -> Frame:
        reason = ""
        for _ in range(TRIES):
            child = self._running()
            try:
                return codec.checked(await child.call(operation, fields))
            except ChildLost as lost:
                reason = str(lost)
                self._bury(child)
        raise EngineUnavailable(reason)

    def _running(self) -> Child:
        """The child of now. It takes calls before its process is up, so nobody starts a second one."""
        if self._tasks is None:
            raise EngineUnavailable("it is not open (`async with` opens it).")
        if self._child and self._child.lost:
            self._bury(self._child)
        if (seconds := self._rests_until - self._clock()) > 0:
            raise EngineUnavailable(f"{self._reason} It is tried again in {seconds:.0f} s.")
        if self._child is None:
            self._child = Child(self._command)
            self._tasks.start_soon(self._child.run)
        return self._child

    def _bury(self, child: Child) -> None:
        """Make room for the next one; a second in a row that died before it answered starts the cool-down."""
        if child is not self._child:
            return
        self._child = None
        self._reason = child.lost or ""
        self._stillborn = 0 if child.has_answered else self._stillborn + 1
        if self._stillborn >= TRIES:
            self._rests_until = self._clock() + COOL_DOWN_SECONDS
