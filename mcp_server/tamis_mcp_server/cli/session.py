"""One command's work: opens a workspace, runs one operation in it, closes everything."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Any

import anyio

from tamis_mcp_server.cli.output import progress
from tamis_mcp_server.cli.roots import opened
from tamis_mcp_server.install import Machine
from tamis_mcp_server.settings import engine
from tamis_tools.limits import Limits
from tamis_tools.operations import Operation, load
from tamis_tools.pace import Pace
from tamis_tools.results import Answer, Data
from tamis_tools.scope import Scope, open_scope
from tamis_tools.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from tamis_engine.protocol import Engine
    from tamis_mcp_server.doctor import Check

PATIENT = Limits(engine_wait_seconds=60.0, call_seconds=3_600.0)
"""A person waits for the full ranking, where an agent would rather have the lexical one at once."""

STDIN = "-"


def open_default(scope: Scope) -> AbstractAsyncContextManager[Workspace]:
    """A workspace with the engine that the environment names and the user's own handle store."""
    # late: `tamis --help` and `tamis install` need none of it
    from tamis_mcp_server.workspaces import open_workspace

    return open_workspace(scope, engine(os.environ), any_handle=True)


def all_checks() -> tuple[Check, ...]:
    """What `tamis doctor` looks at; imported late."""
    from tamis_mcp_server.doctor.checks import CHECKS

    return CHECKS


@dataclass(frozen=True, slots=True)
class Wiring:
    """All that commands reach outside of themselves for."""

    machine: Machine = field(default_factory=Machine.here)
    open_workspace: Callable[[Scope], AbstractAsyncContextManager[Workspace]] = open_default
    operations: Callable[[str], Operation] = load
    engine: Callable[[Mapping[str, str]], Engine] = engine
    checks: Callable[[], tuple[Check, ...]] = all_checks


@dataclass(frozen=True, slots=True)
class Allowed:
    """What the common options say."""

    roots: tuple[str, ...] = ()
    allow_url: bool = False
    allow_secrets: bool = False


def perform(
    wiring: Wiring, name: str, request: Callable[[tuple[str, ...]], Any], named: Sequence[str], allowed: Allowed
) -> Answer[Data]:
    """Run the operation `name` on the request that `request` makes of the sources `named`."""
    machine = wiring.machine
    with _spooled(named) as (folder, sources):
        found = opened(sources, allowed.roots, machine.cwd, machine.home)
        scope = open_scope(
            _with_spool(folder, found.roots, named),
            allow_urls=allowed.allow_url,
            allow_secrets=allowed.allow_secrets,
            limits=PATIENT,
        )
        return anyio.run(_call, wiring, name, request(found.sources), scope)


def _with_spool(folder: str, roots: tuple[str, ...], named: Sequence[str]) -> tuple[str, ...]:
    """The roots, and our own folder where it is needed; first where nothing else is read, for the shortest address."""
    others = tuple(root for root in roots if root != folder)
    if others and STDIN not in named:
        return others
    return (folder, *others) if set(named) <= {STDIN} else (*others, folder)


async def _call(wiring: Wiring, name: str, request: Any, scope: Scope) -> Answer[Data]:
    operation = wiring.operations(name)
    with progress() as report:
        seconds = scope.limits.call_seconds
        pace = Pace(seconds, report) if report else Pace(seconds)
        async with wiring.open_workspace(scope) as workspace:
            return await operation(workspace, request, pace)


@contextmanager
def _spooled(named: Sequence[str]) -> Generator[tuple[str, tuple[str, ...]]]:
    """A folder of our own, and the sources with `-` replaced by a file in it that holds what stdin gave."""
    folder = Path(mkdtemp(prefix="tamis-")).resolve()
    try:
        spool = folder / "stdin.txt"
        if STDIN in named:
            # one byte more than may be read, so that what is too large is refused like any other file
            spool.write_bytes(sys.stdin.buffer.read(PATIENT.max_file_bytes + 1))
        yield str(folder), tuple(str(spool) if source == STDIN else source for source in named)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
