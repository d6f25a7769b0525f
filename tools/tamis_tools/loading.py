"""Waiting for a model: a load or a download takes a while, and whoever asked hears how far it is."""

from __future__ import annotations

import math
from contextlib import suppress
from typing import TYPE_CHECKING

import anyio

from tamis_engine.errors import EngineError

if TYPE_CHECKING:
    from anyio.streams.memory import MemoryObjectReceiveStream

    from tamis_engine.protocol import Engine, Loading
    from tamis_tools.pace import Pace

LEAST_SECONDS = 2.0
"""A model that is there says so, even where the call's time is over."""
_STEPS = {"waiting for room": (0.0, 0.1), "downloading": (0.1, 0.7), "loading": (0.7, 1.0)}
"""Which part of a load each step is, where all of them take place."""


async def resident(engine: Engine, model: str, pace: Pace, *, begin: float = 0.0, end: float = 1.0) -> None:
    """Return once the model is in memory; a load is that part of the call which lies between `begin` and `end`.

    Raises `EngineError`, also where the call's time ends first: the load goes on.
    """
    steps, seen = anyio.create_memory_object_stream["Loading"](math.inf)

    def tell(loading: Loading) -> None:
        with suppress(anyio.ClosedResourceError, anyio.BrokenResourceError):  # the load goes on when we have left
            steps.send_nowait(loading)

    failed: EngineError | None = None
    with anyio.move_on_after(max(LEAST_SECONDS, pace.seconds - pace.elapsed)) as waiting:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_tell, seen, pace, begin, end)
            with steps:
                try:
                    await engine.ready(model, tell)
                except EngineError as error:
                    failed = error  # raised below: a task group would wrap it
    if failed:
        raise failed
    if waiting.cancelled_caught:
        raise EngineError(f"{model} is still loading. The same call in a minute finds it further, or there.")


async def _tell(seen: MemoryObjectReceiveStream[Loading], pace: Pace, begin: float, end: float) -> None:
    async with seen:
        async for loading in seen:
            first, last = _STEPS[loading.step]
            done = first + (last - first) * (loading.done / loading.total if loading.total else 0)
            await pace.step(begin + (end - begin) * done, _said(loading))


def _said(loading: Loading) -> str:
    if loading.step == "waiting for room":
        return f"waiting for room for {loading.model}"
    how_far = f": {loading.done / 1e6:.0f} of {loading.total / 1e6:.0f} MB" if loading.total else ""
    return f"{loading.step} {loading.model}{how_far}"
