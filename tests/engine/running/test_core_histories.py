"""Any history of asking, leaving, loading, pinning and unloading: everybody is answered, and rightly."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from tamis_engine.errors import EngineError, ModelInvalid
from tamis_engine.models.spec import Spec
from tamis_engine.operation import Input, Piece, Row, Tokenised
from tamis_engine.protocol import EncodeRequest
from tamis_engine.running.core import Core
from tamis_engine.running.eviction import Policy
from tests.engine.fake_models import DIMENSIONS, FakeModel, FakeOperation, FakeRegistry, core, spec

SIZES = {"a": 2, "b": 3, "c": 4}
FIRST = {"a": 0, "b": 100, "c": 200}
"""A model's vectors are its own: the number of characters, counted from here."""
NAMES = st.sampled_from(sorted(SIZES))
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("ask"), NAMES, st.lists(st.sampled_from(["x", "yy", "zzz", "bad"]), max_size=3)),
        st.tuples(st.sampled_from(["ready", "pin", "unpin", "unload", "leave", "leave", "answer"]), NAMES, st.none()),
    ),
    max_size=30,
)
WORLDS = st.builds(
    dict,
    budget_bytes=st.sampled_from([4, 5, 7]),
    host_budget_bytes=st.sampled_from([0, 4]),
    seconds=st.sampled_from([0, 0.002]),
    broken=st.booleans(),
)
Step = tuple[str, str, "list[str] | None"]


@dataclass
class Watched(FakeOperation):
    """Computes, and looks whether its model is where it must be meanwhile."""

    world: Any = None
    name: str = ""

    def tokenise(self, inputs: Sequence[Input]) -> list[Tokenised]:
        self.world.check_usable(self.name)
        return super().tokenise(inputs)

    def forward(self, pieces: Sequence[Piece]) -> list[NDArray[np.float32]]:
        self.world.check_usable(self.name)
        for piece in pieces:
            if piece.notes == "bad":
                raise ValueError("a bug")
        self.world.check_usable(self.name)
        return [np.eye(1, DIMENSIONS, FIRST[self.name] + len(piece.ids), np.float32)[0] for piece in pieces]

    def join(self, asked: Input, tokenised: Tokenised, outputs: Sequence[NDArray[np.float32]]) -> Row:
        self.world.check_usable(self.name)
        return super().join(asked, tokenised, outputs)


@dataclass
class World:
    """One core, all who asked it, and what was wrong."""

    budget_bytes: int
    host_budget_bytes: int
    seconds: float
    broken: bool
    wrong: list[str] = field(default_factory=list[str])
    asked: list[tuple[str, Sequence[str], Future[Any]]] = field(default_factory=list[Any])

    def __post_init__(self) -> None:
        policy = Policy(self.budget_bytes, self.seconds, 2 * self.seconds)
        registry = FakeRegistry({name: spec(name, size) for name, size in SIZES.items()})
        self.core: Core = core(
            registry=registry, load=self.load, policy=policy, host_budget_bytes=self.host_budget_bytes
        )
        self._residency = self.core._residency  # type: ignore[reportPrivateUsage]

    def load(self, spec: Spec) -> FakeModel:
        if (held := self.core.status()["held_bytes"]) > self.budget_bytes:
            self.wrong.append(f"{held} bytes are held when {spec.name} is loaded")
        if self.broken and spec.name == "c":
            raise ModelInvalid(spec.name, "it was to be broken.")
        return FakeModel(Watched(world=self, name=spec.name), SIZES[spec.name], batch_tokens=4)

    def check_usable(self, name: str) -> None:
        """Nothing is parked or unloaded that computes."""
        slot = self._residency.slots[name]
        if not slot.usable or not isinstance(slot.model, FakeModel) or slot.model.moves[-1:] == ["park"]:
            self.wrong.append(f"{name} is {slot.state} while it computes")

    def do(self, step: Step) -> None:
        kind, name, texts = step
        match kind:
            case "ask":
                future = self.core.submit(EncodeRequest(tuple(texts or ()), name), client=len(self.asked) % 3)
                self.asked.append((name, tuple(texts or ()), future))
            case "leave" if self.asked:
                self.asked[len(self.asked) // 2][2].cancel()
            case "answer" if self.asked:
                self.check(*self.asked[-1])
            case "ready" | "pin":
                pinned = True if kind == "pin" else None
                self.asked.append((name, (), self.core.ready(name, pin=pinned)))
            case "unpin" | "unload":
                getattr(self.core, kind)(name)
            case _:
                pass

    def check(self, name: str, texts: Sequence[str], future: Future[Any]) -> None:
        """It ends; with the right vectors, if with any."""
        if future.cancelled():
            return
        with suppress(EngineError):
            result = future.result(20)
            if result is not None:
                found = result.vectors.argmax(axis=1).tolist() if texts else []
                assert found == [FIRST[name] + len(text) for text in texts]
                assert "bad" not in texts

    def unfinished(self) -> list[str]:
        """Models that somebody still waits for, holds or computes with; requests that are open."""
        busy = [slot.name for slot in self._residency.slots.values() if slot.leases or slot.waiting or slot.units]
        busy += [slot.name for slot in self._residency.slots.values() if any(slot.lanes.values())]
        moving = [each.name for each in self._residency.slots.values() if each.state in ("loading", "draining")]
        return [*busy, *moving, *(["a request"] if self.core.status()["open"] else [])]

    def finish(self) -> None:
        """All end, and nobody is left waiting, holding or counted."""
        for asked in self.asked:
            self.check(*asked)
        changed, end = self._residency.changed, time.monotonic() + 20
        with changed:
            while self.unfinished() and time.monotonic() < end:
                changed.wait(0.005)  # not all that is looked at is told
        assert not self.unfinished()
        assert self.core.status()["waiting_tokens"] == 0
        assert self.wrong == []


@settings(max_examples=150)
@given(WORLDS, STEPS)
def test_everybody_is_answered_rightly_within_the_budget_and_nothing_is_left_behind(
    world: dict[str, Any], steps: list[Step]
) -> None:
    made = World(**world)
    with made.core:
        for step in steps:
            made.do(step)
        made.finish()
