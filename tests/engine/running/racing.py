"""What tests of races share: a place to hold a thread, and short ways to ask."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from tamis_engine.errors import EngineError
from tamis_engine.protocol import DEFAULT_MODEL, EncodeRequest
from tamis_engine.running.core import Core
from tamis_engine.running.eviction import Policy
from tests.engine.fake_models import FakeModel, FakeRegistry, spec

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


def ask(core: Core, *texts: str, model: str = DEFAULT_MODEL, client: object = None) -> Any:
    return core.submit(EncodeRequest(texts, model), client).result(20)


def failure(core: Core, *texts: str, model: str = DEFAULT_MODEL) -> str:
    with pytest.raises(EngineError) as raised:
        ask(core, *texts, model=model)
    return str(raised.value)


def two(opened: Open, **options: Any) -> Core:
    """Two models, of which one fits."""
    options = {"load": lambda _spec: FakeModel(footprint_bytes=6), "policy": Policy(10, 0, 0), **options}
    return opened(registry=FakeRegistry(dict(TWO)), **options)


def state(core: Core, name: str = DEFAULT_MODEL) -> str:
    return next(model.state for model in core.models() if model.name == name)


def gone(core: Core, name: str = DEFAULT_MODEL) -> None:
    changed = core._residency.changed
    with changed:
        assert changed.wait_for(lambda: state(core, name) == "absent", 20)
