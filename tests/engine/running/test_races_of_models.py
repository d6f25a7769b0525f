"""What goes wrong while models come and go."""

from __future__ import annotations

import traceback
import weakref
from dataclasses import replace
from typing import Any

import pytest

from tamis_engine.errors import EngineError, EngineUnavailable, ModelInvalid, ModelNotFound, OutOfMemory
from tamis_engine.protocol import DEFAULT_MODEL, EncodeRequest, ExtractRequest, ModelStatus, OnProgress
from tamis_engine.running.eviction import Policy
from tests.engine.fake_models import FakeModel, FakeOperation, FakeRegistry, core, spec
from tests.engine.running.racing import TWO, Held, Open, ask, failure, gone, state, two


def test_closing_loads_nothing_for_those_who_wait(opened: Open) -> None:
    loads: list[str] = []
    held = Held("gate")

    def load(spec: Any) -> FakeModel:
        loads.append(spec.name)
        return FakeModel(FakeOperation(held), footprint_bytes=6)

    registry = FakeRegistry(dict(TWO))
    with core(registry=registry, load=load, policy=Policy(10, 0, 0)) as engine:
        waiting = [engine.submit(EncodeRequest(("gate",), "a"))]
        assert held.reached.wait(20)
        waiting += [engine.submit(EncodeRequest((text,), "b")) for text in ("x", "y")]
        waiting[0].add_done_callback(lambda _future: held.go_on.set())
    for future in waiting:
        with pytest.raises(EngineUnavailable):
            future.result(20)
    assert loads == ["a"]


def test_a_model_that_is_unloaded_while_it_loads_goes_once_it_is_there(opened: Open) -> None:
    held = Held("load")

    def load(_spec: object) -> FakeModel:
        held("load")
        return FakeModel()

    engine = opened(load=load)
    asked = engine.submit(EncodeRequest(("x",)))
    assert held.reached.wait(20)
    engine.unload(DEFAULT_MODEL)
    held.go_on.set()
    assert asked.result(20).tokens == (1,)
    gone(engine)


def test_a_refusal_for_want_of_room_ends_when_room_is_made(opened: Open) -> None:
    engine = two(opened)
    engine.ready("a", pin=True).result(20)
    with pytest.raises(OutOfMemory, match="unpin"):
        engine.ready("b", pin=True).result(20)
    assert not engine.models()[1].pinned
    engine.unpin("a")
    engine.ready("b").result(20)


def test_only_models_that_there_are_can_be_unloaded_or_unpinned(opened: Open) -> None:
    engine = opened()
    for change in (engine.unload, engine.unpin):
        change(DEFAULT_MODEL)
        with pytest.raises(ModelNotFound):
            change("unheard-of")


def test_names_that_never_were_are_forgotten(opened: Open) -> None:
    class Hub(FakeRegistry):
        def facts(self, name: str) -> ModelStatus:
            return ModelStatus(name, "absent", 0, 0, 0, "")

        def spec(self, name: str, on_progress: OnProgress) -> Any:
            raise ModelNotFound(name, ())

    now = [0.0]
    engine = opened(registry=Hub(), clock=lambda: now[0])
    for number in range(20):
        assert "No model named" in failure(engine, "x", model=f"org/{number}")
        now[0] += 60
    assert len(engine.models()) == 2


def test_a_model_whose_folder_was_removed_is_still_listed_while_it_is_in_memory(opened: Open) -> None:
    registry = FakeRegistry(dict(TWO))
    engine = opened(registry=registry)
    engine.ready("b").result(20)
    registry.specs = {"a": TWO["a"]}
    engine.models()
    registry.known = lambda: ("a", "b")  # type: ignore[method-assign]
    assert state(engine, "b") == "resident"


def test_a_model_whose_files_changed_while_it_was_away_is_not_answered_for_by_the_old_rows(opened: Open) -> None:
    operation = FakeOperation()
    registry = FakeRegistry()
    engine = opened(FakeModel(operation), registry=registry)
    ask(engine, "x")
    engine.unload(DEFAULT_MODEL)
    gone(engine)
    registry.specs = {DEFAULT_MODEL: replace(spec(), revision="2")}
    ask(engine, "x")
    assert operation.batches == [["x"], ["x"]]


def test_ready_is_not_refused_beside_a_request_that_is_all_that_may_wait(opened: Open) -> None:
    held = Held("gate")
    engine = core(FakeModel(FakeOperation(held)), max_waiting_tokens=1)
    with engine:
        waiting = engine.submit(EncodeRequest(("gate",)))
        assert held.reached.wait(20)
        engine.ready().result(20)
        held.go_on.set()
        waiting.result(20)


def test_a_request_is_out_of_memory_once_it_is_answered(opened: Open) -> None:
    engine = opened()
    engine.ready().result(20)
    future = engine.submit(EncodeRequest(("x",)))
    future.result(20)
    there = weakref.ref(future)
    del future
    ask(engine, "y")
    assert there() is None


def test_an_error_that_many_get_does_not_grow(opened: Open) -> None:
    def load(spec: Any) -> FakeModel:
        try:
            raise OSError
        except OSError as error:
            raise ModelInvalid(spec.name, "broken") from error

    engine = opened(load=load)
    lengths: list[int] = []
    for _ in range(4):
        with pytest.raises(ModelInvalid) as raised:
            ask(engine, "x")
        lengths.append(len(traceback.extract_tb(raised.value.__traceback__)))
    assert lengths[1] == lengths[3]
    assert raised.value.__cause__ is None


def test_odd_values_are_told_as_what_they_are(opened: Open) -> None:
    engine = opened()
    odd: list[Any] = [ExtractRequest(("l",), ("p",), threshold="high"), EncodeRequest(("x",), 5)]  # type: ignore[arg-type]
    for request in odd:
        with pytest.raises(EngineError, match="failed on this request"):
            engine.submit(request).result(20)
    with pytest.raises(EngineError, match="failed on this request"):
        engine.ready(5).result(20)  # type: ignore[arg-type]
