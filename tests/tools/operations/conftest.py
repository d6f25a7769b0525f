"""A workspace over a folder of the test's own, with the fake engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.fakes import FakeEngine
from tests.tools import fakes

if TYPE_CHECKING:
    from pathlib import Path

    from tamis_tools.workspace import Workspace


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine()


@pytest.fixture
def workspace(tmp_path: Path, engine: FakeEngine) -> Workspace:
    return fakes.workspace(tmp_path, engine)
