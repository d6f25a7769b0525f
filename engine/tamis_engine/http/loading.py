"""A load told as it goes: a line of JSON a step (NDJSON), or an event each (server-sent events)."""

from __future__ import annotations

import json
import math
from contextlib import suppress
from dataclasses import asdict
from typing import TYPE_CHECKING

import anyio
from starlette.responses import Response

from tamis_engine.errors import EngineError
from tamis_engine.http.caller import cancel_when_left
from tamis_engine.http.failures import described
from tamis_engine.protocol import Engine, Loading

if TYPE_CHECKING:
    from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
    from starlette.types import Receive, Scope, Send

NDJSON, EVENTS = "application/x-ndjson", "text/event-stream"
SILENCE_SECONDS = 10.0
"""How long a client hears nothing before the last step is said again."""


def wanted(accept: str) -> str | None:
    """The media type in which the client takes steps."""
    return next((kind for kind in (NDJSON, EVENTS) if kind in accept.lower()), None)


class LoadTold(Response):
    """Loads `model` while it is sent; the last line has `state`, or `error`.

    Until there is a step to tell, a load that fails has a status of its own.
    """

    def __init__(self, engine: Engine, model: str, media_type: str) -> None:
        super().__init__(media_type=media_type)
        del self.headers["content-length"]
        self._engine = engine
        self._model = model

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        """Raises `EngineError` where nothing was sent yet."""
        steps, seen = anyio.create_memory_object_stream[Loading | EngineError](math.inf)
        failed: EngineError | None = None
        async with anyio.create_task_group() as tasks, seen:
            tasks.start_soon(cancel_when_left, receive, tasks.cancel_scope)
            tasks.start_soon(self._load, steps)
            failed = await self._tell(seen, send)
            tasks.cancel_scope.cancel()
        if failed:
            raise failed

    async def _load(self, steps: MemoryObjectSendStream[Loading | EngineError]) -> None:
        def tell(step: Loading) -> None:
            with suppress(anyio.ClosedResourceError, anyio.BrokenResourceError):  # the load goes on without its client
                steps.send_nowait(step)

        with steps:
            try:
                await self._engine.ready(self._model, tell)
            except EngineError as error:
                steps.send_nowait(error)

    async def _tell(self, seen: MemoryObjectReceiveStream[Loading | EngineError], send: Send) -> EngineError | None:
        begun, step = False, Loading(self._model, "waiting for room")
        line: dict[str, object] = {"model": self._model, "state": "resident"}
        while (item := await _next(seen, step)) is not None:
            if isinstance(item, EngineError):
                line = described(type(item).__name__, str(item))
                if not begun:
                    return item
                break
            step = item
            await self._say(asdict(step), send, first=not begun)
            begun = True
        await self._say(line, send, first=not begun)
        await send({"type": "http.response.body", "body": b""})
        return None

    async def _say(self, content: dict[str, object], send: Send, *, first: bool) -> None:
        if first:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        form = "data: {}\n\n" if self.media_type == EVENTS else "{}\n"
        body = form.format(json.dumps(content)).encode()
        await send({"type": "http.response.body", "body": body, "more_body": True})


async def _next(seen: MemoryObjectReceiveStream[Loading | EngineError], step: Loading) -> Loading | EngineError | None:
    """What comes next, or `step` again where nothing does; None at the end."""
    with anyio.move_on_after(SILENCE_SECONDS):
        try:
            return await seen.receive()
        except anyio.EndOfStream:
            return None
    return step
