"""Waiting for a model."""

from __future__ import annotations

import anyio
import pytest

from tamis_engine.errors import EngineError, ModelNotFound
from tamis_engine.protocol import Loading, OnProgress
from tamis_tools import loading
from tamis_tools.loading import resident
from tamis_tools.pace import Pace
from tests.fakes import OTHER_MODEL, FakeEngine

pytestmark = pytest.mark.anyio


async def test_the_steps_of_a_load_are_part_of_the_calls_progress() -> None:
    told: list[tuple[float, str]] = []

    async def report(done: float, _total: float, message: str) -> None:
        told.append((round(done, 3), message))

    steps = (
        Loading(OTHER_MODEL, "waiting for room"),
        Loading(OTHER_MODEL, "downloading", 220_000_000, 440_000_000),
        Loading(OTHER_MODEL, "loading"),
    )
    engine = FakeEngine(steps=steps)
    await resident(engine, OTHER_MODEL, Pace(report=report), begin=0.4, end=0.5)
    assert engine.resident == {OTHER_MODEL}
    assert told == [
        (0.4, "waiting for room for other"),
        (0.44, "downloading other: 220 of 440 MB"),
        (0.47, "loading other"),
    ]


async def test_an_error_of_the_load_is_raised_as_it_is() -> None:
    with pytest.raises(ModelNotFound):
        await resident(FakeEngine(), "othr", Pace())


async def test_where_time_ends_first_the_caller_is_told_to_call_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading, "LEAST_SECONDS", 0.0)
    with pytest.raises(EngineError, match=r"other is still loading\. The same call in a minute"):
        await resident(FakeEngine(loads=anyio.sleep_forever), OTHER_MODEL, Pace(seconds=0.0))


async def test_a_load_may_go_on_telling_when_nobody_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading, "LEAST_SECONDS", 0.01)
    tellers: list[OnProgress] = []

    class Lasting(FakeEngine):
        async def ready(self, model: str = OTHER_MODEL, on_progress: OnProgress | None = None) -> None:
            assert on_progress
            tellers.append(on_progress)
            await anyio.sleep_forever()

    with pytest.raises(EngineError, match="still loading"):
        await resident(Lasting(), OTHER_MODEL, Pace(seconds=0.0))
    tellers[0](Loading(OTHER_MODEL, "loading"))


async def test_a_model_that_is_there_is_found_when_time_is_over() -> None:
    await resident(FakeEngine(), OTHER_MODEL, Pace(seconds=0.0))
