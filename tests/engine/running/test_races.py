"""What goes wrong at the worst moment: nobody waits for ever, and what fails takes no others with it."""

from __future__ import annotations

import sys
import threading
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tamis_engine.operation import Input, Piece, Tokenised
from tamis_engine.protocol import DEFAULT_MODEL, EncodeRequest, Loading
from tamis_engine.running import queues
from tamis_engine.running.core import AT_ONCE_TOKENS, PREPARING_THREADS, TOKENISED_AT_ONCE
from tests.engine.fake_models import DIMENSIONS, FakeModel, FakeOperation, FakeRegistry
from tests.engine.running.racing import TWO, Held, Open, PanicException, ask, failure, state, two


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

    class Halves(FakeOperation):
        def tokenise(self, inputs: Sequence[Input]) -> list[Tokenised]:
            whole = super().tokenise(inputs)
            return [Tokenised(each.pieces * 2, each.tokens, each.truncated) for each in whole]

    engine = opened(FakeModel(Halves(held), batch_tokens=1))
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
    again = engine.submit(EncodeRequest(("a", "ccc")))
    held.go_on.set()
    again.result(20)
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


def test_a_short_request_does_not_wait_for_all_of_a_long_one_that_asks_for_the_same_text(opened: Open) -> None:
    held = Held("gate")
    operation = FakeOperation(held)
    engine = opened(FakeModel(operation, batch_tokens=4))
    long = engine.submit(EncodeRequest(("gate", *(f"{number:05}" for number in range(20)), "the last")), "long")
    assert held.reached.wait(20)
    short = engine.submit(EncodeRequest(("the last",)), "short")
    held.go_on.set()
    assert short.result(20).tokens == (8,)
    assert len(long.result(20).tokens) == 22
    assert ["the last"] in operation.batches[1:3]
    assert len(operation.batches) == 22


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
    registry = FakeRegistry(dict(TWO))
    engine = opened(registry=registry, load=lambda spec: FakeModel(operation) if spec.name == "a" else good)
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
    assert "has failed" in failure(engine, "y")


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
