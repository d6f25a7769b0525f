"""Where a connection's engine and workspace begin and end."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from tamis_tools.handles import HandleStore, default_folder
from tamis_tools.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from tamis_engine.protocol import Engine
    from tamis_tools.scope import Scope
    from tamis_tools.stages import Stage


@asynccontextmanager
async def open_workspace(
    scope: Scope, engine: Engine, *, any_handle: bool = False, without: frozenset[Stage] = frozenset()
) -> AsyncGenerator[Workspace]:
    """A workspace over the user's own handle store; `engine` is closed with it.

    Handles give back what was read inside the scope's roots; with `any_handle` (a person at a terminal) all of it.
    """
    async with engine as running:
        handles = HandleStore(default_folder(), within=None if any_handle else scope.roots)
        yield Workspace(scope, running, handles, without)
