"""What an agent asks for: one module for each operation, whose function bears the same name."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from importlib import import_module
from typing import Any

from tamis_tools.pace import Pace
from tamis_tools.results import Answer
from tamis_tools.workspace import Workspace

Operation = Callable[[Workspace, Any, Pace], Awaitable[Answer[Any]]]
"""Takes the workspace, the operation's request and the call's pace."""


def load(name: str) -> Operation:
    """The operation of that name, imported at its first call: parsers and numpy come with it."""
    return getattr(import_module(f"tamis_tools.operations.{name}"), name)
