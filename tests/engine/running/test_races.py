"""What goes wrong at the worst moment: nobody waits for ever, and what fails takes no others with it."""

from __future__ import annotations

import sys
import threading
import traceback
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tamis_engine.errors import EngineError, EngineUnavailable, ModelInvalid, ModelNotFound, OutOfMemory
from tamis_engine.operation import Input, Piece, Tokenised
from tamis_engine.protocol import DEFAULT_MODEL, EncodeRequest, ExtractRequest, Loading, ModelStatus, OnProgress
from tamis_engine.running import queues
from tamis_engine.running.core import AT_ONCE_TOKENS, PREPARING_THREADS, TOKENISED_AT_ONCE, Core
from tamis_engine.running.eviction import Policy
from tests.engine.fake_models import DIMENSIONS, FakeLibrary, FakeModel, FakeOperation, core, spec

Open = Callable[..., Core]
TWO = {name: spec(name, 6) for name in ("a", "b")}


class PanicException(BaseException):
    """What a library in Rust raises."""


class Held:
    """Holds whoever comes first at a text, and says when it is there; may fail then."""

    def __init__(self, text: str, error: Exception | None = None) -> None:
        self.reached, self.go_on = threading.Event(), threading.Event()
        self._text, self._error = text, error

    def __call__(self, text: str) -> None:
        if text == self._text and not self.reached.is_set():
            self.reached.set()
            assert self.go_on.wait(20)
            if self._error:
                raise self._error


@pytest.fixture
def opened() -> Iterator[Open]:
    with ExitStack() as stack:
        yield lambda *args, **options: stack.enter_context(core(*args, **options))


def ask(core: Core, *texts: str, model: str = DEFAULT_MODEL, client: object = None) -> Any:
    return core.submit(EncodeRequest(texts, model), client).result(20)


def failure(core: Core, *texts: str, model: str = DEFAULT_MODEL) -> str:
    with pytest.raises(EngineError) as raised:
        ask(core, *texts, model=model)
    return str(raised.value)


def two(opened: Open, **options: Any) -> Core:
    """Two models, of which one fits."""
    options = {"load": lambda _spec: FakeModel(footprint_bytes=6), "policy": Policy(10, 0, 0), **options}
    return opened(library=FakeLibrary(dict(TWO)), **options)


def state(core: Core, name: str = DEFAULT_MODEL) -> str:
    return next(model.state for model in core.models() if model.name == name)


def gone(core: Core, name: str = DEFAULT_MODEL) -> None:
    changed = core._residency.changed
    with changed:
        assert changed.wait_for(lambda: state(core, name) == "absent", 20)


def test_a_text_that_another_has_in_the_works_is_waited_for_and_makes_no_empty_batch(opened: Open) -> None:
    held = Held("same")
    operation = FakeOperation(held)
    engine = opened(FakeModel(operation))
    first = engine.submit(EncodeRequest(("same",)), "one")
    assert held.reached.wait(20)
    second = engine.submit(EncodeRequest(("same",)), "two")
    held.go_on.set()
    assert first.result(20).tokens == second.result(20).tokens == (4,)
    ask(engine, "later")
    assert operation.batches == [["same"], ["later"]]


def test_what_fails_after_its_caller_left_leaves_alone_whoever_asks_for_it_again(opened: Open) -> None:
    held = Held("text", ValueError("once"))
    engine = opened(FakeModel(FakeOperation(held)))
    leaving = engine.submit(EncodeRequest(("text",)))
    assert held.reached.wait(20)
    leaving.cancel()
    again = engine.submit(EncodeRequest(("text",)))
    held.go_on.set()
    assert again.result(20).tokens == (4,)


def test_what_was_computed_before_its_caller_left_is_kept_and_the_rest_is_not_computed(opened: Open) -> None:
    held = Held("a")
    operation = FakeOperation(held)
    engine = opened(FakeModel(operation, batch_tokens=1))
    leaving = engine.submit(EncodeRequest(("a", "bb")))
    assert held.reached.wait(20)
    leaving.cancel()
    held.go_on.set()
    ask(engine, "a", "ccc")
    assert operation.batches == [["a"], ["ccc"]]


def test_one_who_joins_a_text_whose_first_asker_leaves_while_it_becomes_tokens_gets_it(opened: Open) -> None:
    held = Held("text")

    class Slow(FakeOperation):
        def tokenise(self, inputs: Sequence[Input]) -> list[Tokenised]:
            held("text")
            return super().tokenise(inputs)

    engine = opened(FakeModel(Slow()))
    engine.ready().result(20)
    leaving: list[Any] = []
    asking = threading.Thread(target=lambda: leaving.append(engine.submit(EncodeRequest(("text",)))))
    asking.start()
    assert held.reached.wait(20)
    staying = engine.submit(EncodeRequest(("text",)))
    next(job for job in engine._jobs if job is not staying).cancel()
    held.go_on.set()
    asking.join(20)
    assert leaving[0].cancelled()
    assert staying.result(20).tokens == (4,)


def test_large_requests_take_turns_at_becoming_tokens(opened: Open) -> None:
    held, third = Held("large"), threading.Event()

    class Slow(FakeOperation):
        calls = 0

        def tokenise(self, inputs: Sequence[Input]) -> list[Tokenised]:
            self.calls += 1
            if self.calls <= PREPARING_THREADS:
                started[self.calls - 1].set()
                assert held.go_on.wait(20)
            elif len(inputs) == 1:
                third.set()
            else:
                assert third.wait(20)
            return super().tokenise(inputs)

    started = [threading.Event() for _ in range(PREPARING_THREADS)]
    engine = opened(FakeModel(Slow()))
    engine.ready().result(20)
    large = [
        engine.submit(EncodeRequest(tuple(f"{client} {text}" for text in range(4 * TOKENISED_AT_ONCE))), client)
        for client in range(PREPARING_THREADS)
    ]
    assert all(event.wait(20) for event in started)
    short = engine.submit(EncodeRequest(("x" * (4 * AT_ONCE_TOKENS + 4),)), "short")
    held.go_on.set()
    for future in (short, *large):
        future.result(20)


class WrongCount(FakeOperation):
    def forward(self, pieces: Sequence[Piece]) -> list[NDArray[np.float32]]:
        return super().forward(pieces)[1:]


class NoNumbers(FakeOperation):
    def forward(self, pieces: Sequence[Piece]) -> list[NDArray[np.float32]]:
        return [np.full(DIMENSIONS, np.nan, np.float32) for _ in pieces]


class Panicking(FakeOperation):
    def tokenise(self, inputs: Sequence[Input]) -> list[Tokenised]:
        raise PanicException("index out of bounds")


class Short(FakeOperation):
    def tokenise(self, inputs: Sequence[Input]) -> list[Tokenised]:
        return []


@pytest.mark.parametrize(
    ("operation", "sentence"),
    [
        (WrongCount(), "ValueError"),
        (NoNumbers(), "no numbers"),
        (Panicking(), "index out of bounds"),
        (Short(), "ValueError"),
    ],
)
def test_a_model_that_does_what_it_must_not_fails_its_requests_and_no_others(
    opened: Open, operation: FakeOperation, sentence: str
) -> None:
    good = FakeModel()
    library = FakeLibrary(dict(TWO))
    engine = opened(library=library, load=lambda spec: FakeModel(operation) if spec.name == "a" else good)
    for _ in range(2):
        assert sentence in failure(engine, "x", model="a")
    assert ask(engine, "x", model="b").tokens == (1,)
    assert engine.status()["open"] == 0


def test_a_cache_that_fails_fails_a_batch_and_not_the_engine(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = opened()

    def full(_rows: object) -> None:
        raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr(engine._cache, "put_many", full)
        assert "MemoryError" in failure(engine, "x")
    assert ask(engine, "x").tokens == (1,)


def test_a_model_that_cannot_be_parked_is_let_go(opened: Open) -> None:
    class Stuck(FakeModel):
        def park(self) -> None:
            raise RuntimeError("no pinned memory left")

    engine = two(opened, load=lambda _spec: Stuck(footprint_bytes=6), host_budget_bytes=6)
    for name in ("a", "b", "a"):
        engine.ready(name).result(20)
    assert engine.status()["loads"] == 3


@pytest.mark.parametrize("error", [PanicException("index out of bounds"), MemoryError()])
def test_a_load_that_panics_is_told(opened: Open, error: BaseException) -> None:
    def load(_spec: object) -> FakeModel:
        raise error

    engine = opened(load=load)
    assert DEFAULT_MODEL in failure(engine, "x")
    assert state(engine) == "absent"


def test_a_caller_whose_report_of_progress_fails_hurts_nobody(opened: Open) -> None:
    def tell(_loading: Loading) -> None:
        raise RuntimeError("Event loop is closed")

    engine = opened()
    engine.ready(on_progress=tell).result(20)
    assert ask(engine, "x").tokens == (1,)


def test_where_there_is_no_thread_left_callers_are_told_and_later_ones_served(
    opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    engine = opened(clock=lambda: now[0])

    def start(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", start)
        assert "can't start new thread" in failure(engine, "x")
    now[0] = 20
    assert ask(engine, "x").tokens == (1,)


def test_a_thread_that_computes_and_fails_leaves_nobody_waiting(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = opened()
    engine.ready().result(20)

    def broken(_slots: object, _number: int) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(queues, "next_batch", broken)
    assert "has failed" in failure(engine, "x")
    assert engine.closed
    assert "not available" in failure(engine, "y")


def test_a_log_that_cannot_be_written_costs_no_answer(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    class Full:
        def write(self, _text: str) -> None:
            raise OSError("No space left on device")

    def react(text: str) -> None:
        if text == "bad":
            raise ValueError("a bug")

    engine = opened(FakeModel(FakeOperation(react)))
    monkeypatch.setattr(sys, "stderr", Full())
    assert "a bug" in failure(engine, "bad")
    assert ask(engine, "x").tokens == (1,)


def test_closing_loads_nothing_for_those_who_wait(opened: Open) -> None:
    loads: list[str] = []
    held = Held("gate")

    def load(spec: Any) -> FakeModel:
        loads.append(spec.name)
        return FakeModel(FakeOperation(held), footprint_bytes=6)

    library = FakeLibrary(dict(TWO))
    with core(library=library, load=load, policy=Policy(10, 0, 0)) as engine:
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
    class Hub(FakeLibrary):
        def facts(self, name: str) -> ModelStatus:
            return ModelStatus(name, "absent", 0, 0, 0, "")

        def spec(self, name: str, on_progress: OnProgress) -> Any:
            raise ModelNotFound(name, ())

    now = [0.0]
    engine = opened(library=Hub(), clock=lambda: now[0])
    for number in range(20):
        assert "No model named" in failure(engine, "x", model=f"org/{number}")
        now[0] += 60
    assert len(engine.models()) == 2


def test_a_model_whose_folder_was_removed_is_still_listed_while_it_is_in_memory(opened: Open) -> None:
    library = FakeLibrary(dict(TWO))
    engine = opened(library=library)
    engine.ready("b").result(20)
    library.specs = {"a": TWO["a"]}
    engine.models()
    library.known = lambda: ("a", "b")  # type: ignore[method-assign]
    assert state(engine, "b") == "resident"


def test_a_model_whose_files_changed_while_it_was_away_is_not_answered_for_by_the_old_rows(opened: Open) -> None:
    operation = FakeOperation()
    library = FakeLibrary()
    engine = opened(FakeModel(operation), library=library)
    ask(engine, "x")
    engine.unload(DEFAULT_MODEL)
    gone(engine)
    library.specs = {DEFAULT_MODEL: replace(spec(), revision="2")}
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
