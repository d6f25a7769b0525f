"""How one call keeps its caller informed and knows when to stop: progress, cancellation, deadline."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import anyio
from anyio import from_thread

Report = Callable[[float, float, str], Awaitable[None]]
"""Takes what is done, the total and a message."""


async def _silent(_done: float, _total: float, _message: str) -> None:
    return None


@dataclass(slots=True)
class Pace:
    """One call's clock. Work asks it between batches; nothing is measured behind its back.

    `step` is for async code, `step_in_thread` for work that runs under `anyio.to_thread`; both raise the
    cancellation of a caller that has left. Progress never goes backwards.
    """

    seconds: float = 45.0
    report: Report = _silent
    clock: Callable[[], float] = time.monotonic
    _started: float = field(init=False)
    _done: float = field(default=0.0, init=False)

    def __post_init__(self) -> None:
        self._started = self.clock()

    @property
    def elapsed(self) -> float:
        """Seconds since the call began."""
        return self.clock() - self._started

    @property
    def expired(self) -> bool:
        """True when the call must answer with what it has."""
        return self.elapsed >= self.seconds

    async def step(self, fraction: float, message: str) -> None:
        """Report that `fraction` (0 to 1) of the call is done."""
        await anyio.lowlevel.checkpoint()
        if fraction > self._done:
            self._done = fraction
            await self.report(fraction, 1.0, message)

    def step_in_thread(self, fraction: float, message: str) -> None:
        """The same from a worker thread."""
        from_thread.check_cancelled()
        from_thread.run(self.step, fraction, message)
