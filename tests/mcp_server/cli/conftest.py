"""A desk in a folder of its own: a home folder with a project in it, where the person stands."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.mcp_server.cli.fakes import Desk


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    folder = tmp_path.resolve()
    project = folder / "home" / "project"
    project.mkdir(parents=True)
    (project / "app.py").write_text("x = 1\n", encoding="utf-8")
    return Desk(folder, project)
