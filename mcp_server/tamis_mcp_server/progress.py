"""Tells a client that a call is alive: progress that only grows, and a sign of life in long silences."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import anyio

Send = Callable[[float, float, str], Awaitable[None]]

_STEP = 0.01


@dataclass(slots=True)
class Progress:
    """One call's progress, 0 to 1. `wait` sleeps for the given seconds."""

    send: Send
    seconds: float = 5.0
    wait: Callable[[float], Awaitable[None]] = anyio.sleep
    _sent: float = field(default=0.0, init=False)
    _message: str = field(default="Reading", init=False)

    async def report(self, done: float, total: float, message: str) -> None:
        """Send what is done, where that is a step worth a message: a call sends a hundred at most."""
        self._message = message
        if done / total >= self._sent + _STEP:
            await self._send(done / total)

    @asynccontextmanager
    async def alive(self) -> AsyncGenerator[None]:
        """Repeat the last message every few seconds while the block runs. The block must not raise."""
        async with anyio.create_task_group() as group:
            group.start_soon(self._beat)
            yield
            group.cancel_scope.cancel()

    async def _beat(self) -> None:
        while True:
            await self.wait(self.seconds)
            await self._send(self._sent + (1 - self._sent) * _STEP)

    async def _send(self, value: float) -> None:
        self._sent = value
        await self.send(value, 1.0, self._message)
