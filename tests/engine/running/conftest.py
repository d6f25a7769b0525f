"""Cores that end with the test."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.engine.fake_models import core
from tests.engine.running.racing import Open


@pytest.fixture
def opened() -> Iterator[Open]:
    with ExitStack() as stack:
        yield lambda *args, **options: stack.enter_context(core(*args, **options))
