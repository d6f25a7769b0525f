"""The engine in this process, as asyncio sees it."""

import threading

import anyio
import pytest

from tamis_engine.inprocess import InProcessEngine
from tamis_engine.protocol import DEFAULT_MODEL, EncodeRequest, ExtractRequest, Loading, ScoreRequest
from tests.engine.fake_models import FakeModel, FakeOperation, FakeRegistry, core, percent

pytestmark = pytest.mark.anyio


async def test_encode_score_and_extract_answer() -> None:
    async with InProcessEngine(core) as engine:
        assert (await engine.encode(EncodeRequest(("a", "bb")))).vectors.argmax(axis=1).tolist() == [1, 2]
        assert (await engine.score(ScoreRequest("q", ("p", "r")))).scores.shape == (2,)
        assert len((await engine.extract(ExtractRequest(("l",), ("p", "r")))).extractions) == 2


async def test_a_cancelled_call_is_dropped_before_its_next_batch() -> None:
    started, go_on = threading.Event(), threading.Event()
    operation = FakeOperation(lambda _text: (started.set(), go_on.wait(20)))
    async with InProcessEngine(lambda: core(FakeModel(operation, batch_tokens=1))) as engine:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(engine.encode, EncodeRequest(("a", "b", "c")))
            await anyio.to_thread.run_sync(started.wait, 20)
            tasks.cancel_scope.cancel()
        go_on.set()
        await engine.encode(EncodeRequest(("last",)))
    assert operation.batches == [["a"], ["last"]]


async def test_who_waits_for_a_model_is_told_how_far_it_is_on_its_own_loop() -> None:
    told: list[tuple[Loading, int]] = []
    registry = FakeRegistry(before_spec=lambda _name, tell: tell(percent(50)))
    async with InProcessEngine(lambda: core(registry=registry)) as engine:
        await engine.ready(on_progress=lambda loading: told.append((loading, threading.get_ident())))
    assert (percent(50), threading.get_ident()) in told


async def test_a_model_loads_on_when_whoever_asked_for_it_left() -> None:
    held = threading.Event()
    registry = FakeRegistry(before_spec=lambda _name, _tell: held.wait(20))
    async with InProcessEngine(lambda: core(registry=registry)) as engine:
        with anyio.move_on_after(0):
            await engine.ready()
        held.set()
        await engine.encode(EncodeRequest(("a",)))
        assert engine.core.status()["loads"] == 1


async def test_models_are_pinned_unpinned_and_unloaded() -> None:
    async with InProcessEngine(core) as engine:
        await engine.pin(DEFAULT_MODEL)
        [status] = await engine.models()
        assert (status.state, status.pinned) == ("resident", True)
        await engine.pin(DEFAULT_MODEL, pinned=False)
        await engine.unload(DEFAULT_MODEL)
        assert not (await engine.models())[0].pinned
        await engine.ready()
        assert (await engine.status())["loads"] == 2
