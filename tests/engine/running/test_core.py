"""Requests from many threads, one that computes: what is shared, dropped, refused, waited for."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import ExitStack
from typing import Any

import numpy as np
import pytest

from tamis_engine import limits
from tamis_engine.errors import (
    EngineBusy,
    EngineError,
    EngineUnavailable,
    ModelInvalid,
    ModelNotFound,
    OutOfMemory,
    RequestInvalid,
)
from tamis_engine.protocol import DEFAULT_MODEL, EncodeRequest, Loading, ScoreRequest
from tamis_engine.running.core import Core
from tamis_engine.running.eviction import Policy
from tests.engine.fake_models import FakeModel, FakeOperation, FakeRegistry, core, percent, spec

Open = Callable[..., Core]
TWO = {name: spec(name, 6) for name in ("a", "b")}


@pytest.fixture
def opened() -> Iterator[Open]:
    with ExitStack() as stack:
        yield lambda *args, **options: stack.enter_context(core(*args, **options))


class Gate:
    """Holds the thread that computes at the text `gate`, and says when it is there."""

    def __init__(self) -> None:
        self.reached, self.open = threading.Event(), threading.Event()

    def __call__(self, text: str) -> None:
        if text == "gate":
            self.reached.set()
            assert self.open.wait(20)


@pytest.fixture
def gate() -> Iterator[Gate]:
    gate = Gate()
    yield gate
    gate.open.set()


def encoded(core: Core, *texts: str, model: str = DEFAULT_MODEL) -> list[int]:
    """Which number each text's vector stands for: its length."""
    return answer(core.submit(EncodeRequest(texts, model))).vectors.argmax(axis=1).tolist()


def until(core: Core, there: Callable[[], bool]) -> None:
    changed = core._residency.changed
    with changed:
        assert changed.wait_for(there, 20)


def answer(future: Future[Any]) -> Any:
    return future.result(20)


def test_answers_are_in_the_order_of_the_texts(opened: Open) -> None:
    assert encoded(opened(), "aaa", "a", "aa") == [3, 1, 2]


def test_no_texts_are_no_vectors_and_load_nothing(opened: Open) -> None:
    engine = opened()
    assert answer(engine.submit(EncodeRequest(()))).vectors.shape == (0, 384)
    assert engine.models()[0].state == "absent"


def test_nothing_is_computed_twice(opened: Open) -> None:
    operation = FakeOperation()
    engine = opened(FakeModel(operation))
    encoded(engine, "a", "bb", "a")
    assert encoded(engine, "bb", "a", "ccc") == [2, 1, 3]
    assert operation.batches == [["a", "bb"], ["ccc"]]


def test_a_query_is_not_mistaken_for_the_same_words_as_a_passage(opened: Open) -> None:
    operation = FakeOperation()
    engine = opened(FakeModel(operation))
    encoded(engine, "a")
    answer(engine.submit(EncodeRequest(("a",), role="query")))
    assert operation.batches == [["a"], ["a"]]


def test_clients_that_ask_at_once_share_a_batch_and_equal_texts_are_computed_once(opened: Open, gate: Gate) -> None:
    operation = FakeOperation(gate)
    engine = opened(FakeModel(operation))
    first = engine.submit(EncodeRequest(("gate",)), "one")
    assert gate.reached.wait(20)
    others = [engine.submit(EncodeRequest(("same", text)), client) for client, text in (("two", "x"), ("three", "yy"))]
    gate.open.set()
    assert [answer(other).tokens for other in others] == [(4, 1), (4, 2)]
    assert answer(first).tokens == (4,)
    assert operation.batches == [["gate"], ["x", "yy", "same"]]


def test_a_short_request_waits_for_one_batch_of_a_long_one_and_no_more(opened: Open, gate: Gate) -> None:
    operation = FakeOperation(gate)
    engine = opened(FakeModel(operation, batch_tokens=4))
    long = engine.submit(EncodeRequest(("gate", *(f"{number:05}" for number in range(20)))), "long")
    assert gate.reached.wait(20)
    short = engine.submit(EncodeRequest(("short",)), "short")
    gate.open.set()
    answer(short)
    answer(long)
    assert ["short"] in operation.batches[1:3]


def test_work_whose_caller_left_is_dropped_before_it_runs(opened: Open, gate: Gate) -> None:
    operation = FakeOperation(gate)
    engine = opened(FakeModel(operation, batch_tokens=1))
    engine.submit(EncodeRequest(("gate",)), "one")
    assert gate.reached.wait(20)
    leaving, staying = (engine.submit(EncodeRequest((text, "both")), text) for text in ("leaving", "staying"))
    leaving.cancel()
    gate.open.set()
    assert answer(staying).tokens == (7, 4)
    assert ["leaving"] not in operation.batches
    assert engine.status()["waiting_tokens"] == 0


def test_a_text_that_fails_fails_its_request_alone(opened: Open, gate: Gate) -> None:
    def react(text: str) -> None:
        gate(text)
        if text == "bad":
            raise RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 9 bytes")
        if text == "worse":
            raise ValueError("a bug")

    engine = opened(FakeModel(FakeOperation(react)))
    engine.submit(EncodeRequest(("gate",)))
    assert gate.reached.wait(20)
    bad, worse, good = (engine.submit(EncodeRequest((text,)), text) for text in ("bad", "worse", "good"))
    gate.open.set()
    assert answer(good).tokens == (4,)
    with pytest.raises(OutOfMemory, match="3 tokens does not fit"):
        answer(bad)
    with pytest.raises(EngineError, match="ValueError: a bug"):
        answer(worse)
    assert encoded(engine, "fine") == [4]


def test_the_model_is_loaded_once_however_many_ask_and_those_who_wait_see_progress(opened: Open, gate: Gate) -> None:
    loads: list[str] = []
    told: list[Loading] = []
    told_of_the_load = threading.Event()

    def load(spec: Any) -> FakeModel:
        loads.append(spec.name)
        assert told_of_the_load.wait(20)
        return FakeModel()

    def tell(loading: Loading) -> None:
        told.append(loading)
        if loading.step == "loading":
            told_of_the_load.set()

    registry = FakeRegistry(before_spec=lambda _name, tell: (gate("gate"), tell(percent(50))))
    engine = opened(registry=registry, load=load)
    asked = [engine.submit(EncodeRequest((str(number),))) for number in range(5)]
    ready = engine.ready(on_progress=tell)
    assert engine.models()[0].state == "loading"
    gate.open.set()
    for future in (*asked, ready):
        answer(future)
    assert loads == [DEFAULT_MODEL]
    assert told[0] == percent(50)
    assert engine.models()[0].state == "resident"


def test_a_load_that_fails_is_told_to_all_and_not_tried_again_at_once(opened: Open) -> None:
    now = [0.0]
    loads: list[str] = []

    def load(spec: Any) -> FakeModel:
        loads.append(spec.name)
        if len(loads) == 1:
            raise ModelInvalid(spec.name, "broken.")
        return FakeModel()

    engine = opened(load=load, clock=lambda: now[0])
    for _ in range(3):
        with pytest.raises(ModelInvalid, match="broken"):
            encoded(engine, "a")
    assert "broken" in engine.models()[0].failure
    now[0] = 31
    assert encoded(engine, "a") == [1]
    assert len(loads) == 2
    assert engine.models()[0].failure == ""


def test_a_model_leaves_for_another_only_when_nobody_uses_it(opened: Open, gate: Gate) -> None:
    moments: list[str] = []
    now = [0.0]

    def load(spec: Any) -> FakeModel:
        moments.append(f"load {spec.name}")
        return FakeModel(FakeOperation(lambda text: (moments.append(text), gate(text))), footprint_bytes=6)

    engine = opened(registry=FakeRegistry(TWO), load=load, policy=Policy(10, 0, 0), clock=lambda: now[0])
    first = engine.submit(EncodeRequest(("gate",), "a"))
    assert gate.reached.wait(20)
    second = engine.submit(EncodeRequest(("other",), "b"))
    until(engine, lambda: [model.state for model in engine.models()] == ["draining", "loading"])
    now[0] += 1
    third = engine.submit(EncodeRequest(("late",), "a"))
    gate.open.set()
    for future in (first, second, third):
        answer(future)
    assert moments == ["load a", "gate", "load b", "other", "load a", "late"]
    assert engine.status()["evictions"] == 2


def test_a_model_that_can_never_fit_is_refused_and_nothing_leaves_for_it(opened: Open) -> None:
    registry = FakeRegistry(TWO | {"huge": spec("huge", 11)})
    engine = opened(registry=registry, policy=Policy(10, 0, 0), load=lambda spec: FakeModel(footprint_bytes=6))
    encoded(engine, "x", model="a")
    with pytest.raises(OutOfMemory, match="'huge' needs"):
        encoded(engine, "x", model="huge")
    assert [model.state for model in engine.models()] == ["resident", "absent", "absent"]


def test_a_pinned_model_stays_and_an_unloaded_one_goes(opened: Open) -> None:
    engine = opened(
        registry=FakeRegistry(TWO), policy=Policy(10, 0, 0), load=lambda _spec: FakeModel(footprint_bytes=6)
    )
    answer(engine.ready("a", pin=True))
    with pytest.raises(OutOfMemory, match="pinned"):
        encoded(engine, "x", model="b")
    engine.unload("a")
    answer(engine.ready("a"))
    assert (engine.models()[0].pinned, engine.status()["loads"]) == (False, 2)


def test_memory_that_runs_out_takes_idle_models_before_it_halves_a_batch(opened: Open) -> None:
    full = [True]

    def react(text: str) -> None:
        if text == "large" and full[0]:
            raise MemoryError

    def load(spec: Any) -> FakeModel:
        return FakeModel(FakeOperation(react))

    engine = opened(registry=FakeRegistry(TWO), load=load, policy=Policy(100))
    answer(engine.ready("b"))
    with pytest.raises(OutOfMemory):
        encoded(engine, "large", model="a")
    assert [model.state for model in engine.models()] == ["resident", "absent"]


def test_a_model_leaves_an_accelerator_for_host_memory_and_comes_back_from_there(opened: Open) -> None:
    loaded: dict[str, FakeModel] = {}

    def load(spec: Any) -> FakeModel:
        assert spec.name not in loaded
        return loaded.setdefault(spec.name, FakeModel(footprint_bytes=6))

    registry = FakeRegistry(TWO)
    engine = opened(registry=registry, policy=Policy(10, 0, 0), load=load, host_budget_bytes=6)
    for name in ("a", "b", "a"):
        encoded(engine, "x" + name, name, model=name)
        encoded(engine, name * len(loaded), model=name)
    assert [model.state for model in engine.models()] == ["resident", "parked"]
    assert loaded["a"].moves == ["unpark", "park", "unpark"]
    engine.unload("b")
    assert [model.state for model in engine.models()] == ["resident", "absent"]


def test_host_memory_takes_the_last_that_left_and_lets_the_first_go(opened: Open) -> None:
    registry = FakeRegistry({name: spec(name, 6) for name in "abc"})
    engine = opened(
        registry=registry, policy=Policy(10, 0, 0), load=lambda _spec: FakeModel(footprint_bytes=6), host_budget_bytes=6
    )
    for name in "abc":
        answer(engine.ready(name))
    until(engine, lambda: [model.state for model in engine.models()] == ["absent", "parked", "resident"])


def test_too_much_waiting_is_refused_with_the_time_to_come_back(gate: Gate) -> None:
    made = core(FakeModel(FakeOperation(gate)))
    made._max_waiting_tokens = 100
    with made:
        first = made.submit(EncodeRequest(("gate",)))
        with pytest.raises(EngineBusy, match="Ask again in") as refused:
            answer(made.submit(EncodeRequest(("x" * 4000,))))
        assert refused.value.retry_after_seconds >= 1
        gate.open.set()
        answer(first)
        assert answer(made.submit(EncodeRequest(("x" * 380,)))).tokens == (380,)


@pytest.mark.parametrize(
    ("request_", "kind"),
    [
        (EncodeRequest(("a",), "unheard-of"), ModelNotFound),
        (EncodeRequest(("a",), kind="sparse"), RequestInvalid),
        (EncodeRequest(("a",) * (limits.MAX_TEXTS + 1)), RequestInvalid),
        (EncodeRequest((1,)), EngineError),  # type: ignore[arg-type]
    ],
)
def test_what_makes_no_sense_fails_alone(opened: Open, request_: EncodeRequest, kind: type[EngineError]) -> None:
    engine = opened()
    with pytest.raises(kind):
        answer(engine.submit(request_))
    assert encoded(engine, "a") == [1]


def test_score_goes_through_the_same_batches(opened: Open) -> None:
    engine = opened(registry=FakeRegistry({DEFAULT_MODEL: spec(abilities=("score",))}))
    result = answer(engine.submit(ScoreRequest("q", ("p", "r"))))
    assert result.scores == pytest.approx(np.array([0.5, 0.5]))


def test_closing_tells_whoever_waits(gate: Gate) -> None:
    made = core(FakeModel(FakeOperation(gate)))
    with made:
        waiting = made.submit(EncodeRequest(("gate",)))
        assert gate.reached.wait(20)
        waiting.add_done_callback(lambda _future: gate.open.set())
    with pytest.raises(EngineUnavailable, match="closed"):
        answer(waiting)
    with pytest.raises(EngineUnavailable):
        answer(made.submit(EncodeRequest(("a",))))
