"""Progress that only grows, and signs of life in long silences."""

from __future__ import annotations

from itertools import pairwise

import anyio
import pytest

from tamis_mcp_server.progress import Progress

pytestmark = pytest.mark.anyio


async def test_a_silent_call_gives_signs_of_life_that_grow_and_stop_with_it() -> None:
    ticks, clock = anyio.create_memory_object_stream[None](10)
    sent: list[tuple[float, str]] = []
    waits: list[float] = []

    async def send(done: float, _total: float, message: str) -> None:
        sent.append((done, message))

    async def wait(seconds: float) -> None:
        waits.append(seconds)
        await clock.receive()

    progress = Progress(send, 5.0, wait)
    async with ticks, clock, progress.alive():
        await progress.report(0.5, 1.0, "reading")
        for _ in range(3):
            await ticks.send(None)
            await anyio.wait_all_tasks_blocked()
        await progress.report(0.51, 1.0, "overtaken")
        await progress.report(0.6, 1.0, "ranking")
    assert [message for _, message in sent] == ["reading"] * 4 + ["ranking"]
    assert all(before < after <= 1 for (before, _), (after, _) in pairwise(sent))
    assert set(waits) == {5.0}


async def test_thousands_of_small_steps_are_a_hundred_messages_at_most() -> None:
    sent: list[float] = []

    async def send(done: float, _total: float, _message: str) -> None:
        sent.append(done)

    progress = Progress(send)
    for step in range(5_000):
        await progress.report(step + 1, 5_000, "reading")
    assert 50 < len(sent) <= 100
    assert all(before < after for before, after in pairwise(sent))
