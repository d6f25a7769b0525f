"""A stand-in for all that the command line reaches for: it answers as told and writes down what it was asked."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from tamis_mcp_server.cli.app import run
from tamis_mcp_server.cli.session import Wiring
from tamis_mcp_server.doctor import Check
from tamis_mcp_server.install import Machine
from tamis_tools.handles import HandleStore
from tamis_tools.pace import Pace
from tamis_tools.results import Answer, Data, Ranked, Reranked
from tamis_tools.scope import Scope
from tamis_tools.workspace import Workspace
from tests.fakes import FakeEngine

ANSWER = Answer(
    "app.py:1\nanswer\x1b[2J\r\nend",
    Reranked(
        results=[Ranked(source="app.py", start_line=1, end_line=2, score=0.5, preview="ü")],
        answered=True,
        notes=[],
    ),
)


@dataclass(frozen=True)
class Said:
    """What a command line printed and how it ended."""

    code: int
    out: str
    err: str


@dataclass
class Desk:
    """Where a person types: every operation gives `ANSWER`, or what `act` does."""

    folder: Path
    cwd: Path
    act: Callable[[Workspace], Answer[Data]] = lambda _workspace: ANSWER
    checks: tuple[Check, ...] = ()
    env: dict[str, str] = field(default_factory=dict[str, str])
    platform: str = "linux"
    engine: FakeEngine = field(default_factory=FakeEngine)
    asked: list[tuple[str, Any]] = field(default_factory=list[tuple[str, Any]])
    scopes: list[Scope] = field(default_factory=list[Scope])

    @property
    def home(self) -> Path:
        return self.folder / "home"

    def types(self, *argv: str, stdin: bytes = b"") -> Said:
        """Run `tamis` with these words."""
        with CliRunner().isolation(input=stdin) as (out, err, _):
            code = run(argv, self._wiring())
        return Said(code, out.getvalue().decode(), err.getvalue().decode())

    def _wiring(self) -> Wiring:
        executable = str(self.folder / "env" / "bin" / "python")
        machine = Machine(self.home, self.cwd, self.platform, self.env, executable, executable)
        return Wiring(machine, self._open, self._find, lambda _env: self.engine, lambda: self.checks)

    @asynccontextmanager
    async def _open(self, scope: Scope) -> AsyncGenerator[Workspace]:
        self.scopes.append(scope)
        async with self.engine:
            yield Workspace(scope, self.engine, HandleStore(self.folder / "handles"))

    def _find(self, name: str) -> Callable[..., Any]:
        async def operation(workspace: Workspace, request: Any, pace: Pace) -> Answer[Data]:
            self.asked.append((name, request))
            await pace.step(0.5, "half")
            return self.act(workspace)

        return operation
