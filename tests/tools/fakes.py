"""A workspace over the fake engine, and the operations as plain functions."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import anyio

from tamis_tools.handles import HandleStore
from tamis_tools.limits import Limits
from tamis_tools.pace import Pace
from tamis_tools.scope import Scope
from tamis_tools.workspace import Workspace
from tests.fakes import FakeEngine

if TYPE_CHECKING:
    from pathlib import Path

    from tamis_tools.results import Answer

COSTLY = "\u0416\u03c9"
"""Two letters that are two tokens."""


def workspace(folder: Path, engine: FakeEngine | None = None, limits: Limits | None = None) -> Workspace:
    """A workspace over `folder`/root, which is made if need be; handles lie beside it."""
    root = folder / "root"
    root.mkdir(exist_ok=True)
    scope = Scope((root.resolve(),), limits=limits or Limits())
    return Workspace(scope, engine or FakeEngine(), HandleStore(folder / "handles"))


def write(folder: Path, files: dict[str, str]) -> None:
    """Files below `folder`/root, as they are given, line ends included."""
    for name, text in files.items():
        path = folder / "root" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())


def call(operation: Any, workspace: Workspace, request: object, pace: Pace | None = None) -> Answer[Any]:
    """Run an operation to its end."""
    return anyio.run(partial(operation, workspace, request, pace or Pace()))
