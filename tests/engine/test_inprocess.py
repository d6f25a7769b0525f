import threading
from collections.abc import Iterator, Sequence

import anyio
import numpy as np
import pytest
from anyio import from_thread

from tamis_engine.inprocess import InProcessEngine
from tamis_engine.protocol import EncodeRequest, ExtractRequest, ScoreRequest
from tamis_engine.running.model import Batch
from tamis_engine.running.service import Service

pytestmark = pytest.mark.anyio


class Stepwise:
    """A batch a text; with `held`, the first batch tells and waits."""

    footprint_bytes = 1

    def __init__(self) -> None:
        self.computed: list[str] = []
        self.loads = 0
        self.started = anyio.Event()
        self.go_on = threading.Event()
        self.go_on.set()

    def load(self) -> "Stepwise":
        self.loads += 1
        return self

    def encode(self, texts: Sequence[str]) -> Iterator[Batch]:
        for row, text in enumerate(texts):
            self.computed.append(text)
            from_thread.run_sync(self.started.set)
            self.go_on.wait(20)
            yield Batch((row,), np.eye(384, dtype=np.float32)[:1], (1,))


async def test_the_model_is_loaded_once_however_many_ask() -> None:
    model = Stepwise()
    async with InProcessEngine(Service(model.load)) as engine, anyio.create_task_group() as tasks:
        for number in range(5):
            tasks.start_soon(engine.encode, EncodeRequest((str(number),)))
        tasks.start_soon(engine.ready)
    assert model.loads == 1
    assert sorted(model.computed) == list("01234")


async def test_a_cancelled_call_stops_at_its_next_batch() -> None:
    model = Stepwise()
    model.go_on.clear()
    async with InProcessEngine(Service(model.load)) as engine, anyio.create_task_group() as tasks:
        tasks.start_soon(engine.encode, EncodeRequest(("a", "b", "c")))
        await model.started.wait()
        assert (await engine.models())[0].state == "resident"
        tasks.cancel_scope.cancel()
        model.go_on.set()
    assert model.computed == ["a"]


async def test_score_and_extract_answer_too() -> None:
    async with InProcessEngine(Service(Stepwise().load)) as engine:
        assert (await engine.score(ScoreRequest("q", ("p", "r")))).scores.shape == (2,)
        assert len((await engine.extract(ExtractRequest(("l",), ("p", "r")))).extractions) == 2
