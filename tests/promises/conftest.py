"""A workspace over a folder of the test's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.tools.fakes import workspace

if TYPE_CHECKING:
    from pathlib import Path

    from tamis_tools.workspace import Workspace


@pytest.fixture
def place(tmp_path: Path) -> Workspace:
    return workspace(tmp_path)
