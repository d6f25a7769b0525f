import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import anyio
import numpy as np
import pytest
from anyio import wait_all_tasks_blocked

from tamis_engine.client import COOL_DOWN_SECONDS, LocalEngine
from tamis_engine.errors import EngineError, EngineUnavailable, ModelNotFound, RequestInvalid
from tamis_engine.process import child
from tamis_engine.protocol import EncodeRequest, EncodeResult, ScoreRequest
from tests.fakes import Clock

pytestmark = pytest.mark.anyio
Command = tuple[str, ...]
Lines = Callable[[], list[str]]


def private(command: Command = child.COMMAND, clock: Callable[[], float] = time.monotonic) -> LocalEngine:
    return LocalEngine(partial(child.opened, command), clock=clock)


def test_the_process_that_asks_imports_neither_torch_nor_numpy() -> None:
    code = (
        "import sys, tamis_engine.client;"
        "print(sorted({'torch', 'transformers', 'numpy', 'tokenizers'} & sys.modules.keys()))"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"


async def test_the_real_engine_killed_under_load_answers_every_caller_and_the_next_call() -> None:
    results: dict[int, EncodeResult] = {}

    async def ask(engine: LocalEngine, number: int) -> None:
        texts = tuple(f"passage {number} {row} about the engine" for row in range(300))
        results[number] = await engine.encode(EncodeRequest(texts))

    async with private() as engine:
        await engine.ready()
        first = engine.pid
        assert first
        async with anyio.create_task_group() as tasks:
            for number in range(4):
                tasks.start_soon(ask, engine, number)
            await wait_all_tasks_blocked()
            os.kill(first, signal.SIGKILL)
        scores = (
            await engine.score(ScoreRequest("how is a file opened?", ("open() opens a file.", "Bananas.")))
        ).scores
        assert engine.pid not in (None, first)
        assert (await engine.models())[0].state == "resident"

    assert {number: result.vectors.shape for number, result in results.items()} == dict.fromkeys(range(4), (300, 384))
    assert all(np.allclose(np.linalg.norm(result.vectors, axis=1), 1, atol=1e-5) for result in results.values())
    assert scores[0] > scores[1]


async def test_no_process_runs_before_the_first_call_or_after_the_last(command: Command, lines: Lines) -> None:
    async with private(command) as engine:
        assert engine.pid is None
        await engine.ready()
        assert engine.pid
    assert engine.pid is None
    assert lines() == ["started"]


async def test_a_look_at_the_models_starts_no_process_after_the_last_one_ended(command: Command, lines: Lines) -> None:
    async with private(command) as engine:
        await engine.ready()
        assert engine.pid
        os.kill(engine.pid, signal.SIGKILL)
        with anyio.fail_after(20):
            while engine.pid:
                await anyio.lowlevel.checkpoint()
        assert await engine.models()
    assert lines() == ["started"]


async def test_many_first_callers_start_one_process(command: Command, lines: Lines) -> None:
    async with private(command) as engine, anyio.create_task_group() as tasks:
        for number in range(10):
            tasks.start_soon(engine.encode, EncodeRequest((f"text {number}",)))
    assert lines().count("started") == 1
    assert len(lines()) == 11


async def test_two_calls_are_open_at_once(command: Command, lines: Lines) -> None:
    async with private(command) as engine, anyio.create_task_group() as tasks:
        tasks.start_soon(engine.encode, EncodeRequest(("hold",)))
        await wait_all_tasks_blocked()
        # only this call, answered while the other is open, lets go of it
        await engine.models()
    assert lines() == ["started", "hold"]


async def test_work_whose_caller_left_is_dropped_before_it_runs(command: Command, lines: Lines) -> None:
    async with private(command) as engine, anyio.create_task_group() as tasks:
        tasks.start_soon(engine.encode, EncodeRequest(("hold",)))
        with anyio.CancelScope() as scope:
            async with anyio.create_task_group() as leaving:
                leaving.start_soon(engine.encode, EncodeRequest(("unwanted",)))
                await wait_all_tasks_blocked()
                scope.cancel()
        await engine.models()
        await engine.encode(EncodeRequest(("wanted",)))
    assert set(lines()) == {"started", "hold", "wanted"}


async def test_a_stray_print_in_the_child_does_no_harm(command: Command) -> None:
    async with private(command) as engine:
        assert (await engine.encode(EncodeRequest(("print this",)))).tokens == (10,)
        assert (await engine.encode(EncodeRequest(("next",)))).tokens == (4,)


async def test_a_failure_in_the_child_fails_that_call_alone(command: Command, lines: Lines) -> None:
    async with private(command) as engine:
        with pytest.raises(EngineError, match="does not fit into memory"):
            await engine.encode(EncodeRequest(("fail",)))
        assert (await engine.encode(EncodeRequest(("next",)))).tokens == (4,)
    assert lines().count("started") == 1


async def test_errors_of_the_child_keep_their_kind_and_words(command: Command) -> None:
    async with private(command) as engine:
        with pytest.raises(ModelNotFound, match="Did you mean 'all-MiniLM-L6-v2'"):
            await engine.encode(EncodeRequest(("a",), model="MiniLM-L6-v2"))


async def test_an_oversized_request_never_reaches_the_child(command: Command) -> None:
    async with private(command) as engine:
        with pytest.raises(RequestInvalid, match="at most 4,096"):
            await engine.encode(EncodeRequest(("a",) * 5000))
        assert engine.pid is None


async def test_calls_open_when_the_child_died_are_asked_again_once(command: Command, lines: Lines) -> None:
    async with private(command) as engine, anyio.create_task_group() as tasks:
        for text in ("die once", "a", "b", "c"):
            tasks.start_soon(engine.encode, EncodeRequest((text,)))
    assert lines().count("started") == 2
    assert {"a", "b", "c"} <= set(lines())


async def test_a_child_that_dies_twice_is_reported_with_its_last_words(command: Command, lines: Lines) -> None:
    async with private(command) as engine:
        with pytest.raises(EngineUnavailable, match="ended with code 3; its last words: out of luck"):
            await engine.encode(EncodeRequest(("die always",)))
    assert lines().count("started") == 2


async def test_children_that_die_at_birth_are_not_started_in_a_loop(log: Path, lines: Lines) -> None:
    code = f"open({str(log)!r}, 'a').write('started\\n'); raise SystemExit('no torch here')"
    clock = Clock()
    async with private((sys.executable, "-c", code), clock) as engine:
        for _ in range(3):
            with pytest.raises(EngineUnavailable, match="no torch here"):
                await engine.ready()
        assert len(lines()) == 2
        clock.now += COOL_DOWN_SECONDS
        with pytest.raises(EngineUnavailable, match="no torch here"):
            await engine.ready()
        assert len(lines()) == 3


async def test_a_command_that_does_not_exist_is_reported(tmp_path: Path) -> None:
    async with private((str(tmp_path / "nowhere"),)) as engine:
        with pytest.raises(EngineUnavailable, match="could not be started"):
            await engine.ready()


async def test_a_child_that_sends_nonsense_is_reported() -> None:
    async with private((sys.executable, "-c", "print('hello, I am not a worker')")) as engine:
        with pytest.raises(EngineUnavailable, match="made no sense"):
            await engine.ready()


async def test_stop_kills_the_child_and_the_next_call_starts_another(command: Command) -> None:
    async with private(command) as engine:
        await engine.ready()
        first = engine.pid
        engine.stop()
        await engine.ready()
        assert engine.pid not in (None, first)


async def test_leaving_ends_the_calls_that_are_open(command: Command) -> None:
    outcomes: list[str] = []

    async def ask(engine: LocalEngine) -> None:
        try:
            await engine.encode(EncodeRequest(("hold",)))
        except EngineUnavailable as error:
            outcomes.append(str(error))

    async with anyio.create_task_group() as tasks, private(command) as engine:
        tasks.start_soon(ask, engine)
        await wait_all_tasks_blocked()
    assert len(outcomes) == 1
    assert "not open" in outcomes[0]


async def test_an_engine_that_is_not_open_says_so(command: Command) -> None:
    with pytest.raises(EngineUnavailable, match="async with"):
        await private(command).ready()
