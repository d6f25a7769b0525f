"""Operations that do as they are told. Run as a module, this serves them over stdio."""

from __future__ import annotations

import sys
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import anyio

from tamis_engine.errors import ModelNotFound
from tamis_tools.errors import SourceNotFound
from tamis_tools.results import Answer, Compressed, Omitted, Scored
from tamis_tools.scope import Scope, open_scope
from tamis_tools.workspace import Workspace
from tests.fakes import FakeEngine

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from contextlib import AbstractAsyncContextManager

    from mcp.server import Server

    from tamis_tools.operations import Operation
    from tamis_tools.pace import Pace
    from tamis_tools.requests import CompressRequest


FOLDER = Path(__file__).parents[2]
"""Of the repository."""


def compressed(text: str) -> Answer[Compressed]:
    """An answer of `compress` that says `text`, with the query as its data."""
    data = Compressed(
        query=text,
        budget_tokens=2_000,
        tokens=1,
        slices=[],
        omitted=Omitted(segments=0, tokens=0),
        answered=True,
        handle="",
        cursor="",
        notes=[],
        timings={},
    )
    return Answer(text, data)


@dataclass
class FakeOperations:
    """`compress` does what its query says; `score` reports what became of a call that was cancelled."""

    started: anyio.Event = field(default_factory=anyio.Event)
    cancelled: anyio.Event = field(default_factory=anyio.Event)

    def __call__(self, name: str) -> Operation:
        return self._score if name == "score" else self._obey

    async def _score(self, workspace: Workspace, _request: object, _pace: Pace) -> Answer[Scored]:
        with anyio.fail_after(5):
            await self.cancelled.wait()
        return Answer("cancelled", Scored(scores=[], model="", notes=[]))

    async def _obey(self, workspace: Workspace, request: Any, pace: Pace) -> Answer[Any]:
        query = getattr(request, "query", "")
        action = getattr(self, f"_{query.split()[0]}", None) if query else None
        return compressed(str(request)) if action is None else await action(workspace, request, pace)

    async def _root(self, workspace: Workspace, _request: CompressRequest, _pace: Pace) -> Answer[Any]:
        return compressed(str(workspace.scope.roots[0]))

    async def _missing(self, *_: object) -> Answer[Any]:
        raise SourceNotFound("No file matches 'srk/'. Similar: src/ (41 files).")

    async def _model(self, *_: object) -> Answer[Any]:
        raise ModelNotFound("bge-smal", ("bge-small",))

    async def _group(self, *_: object) -> Answer[Any]:
        raise ExceptionGroup("tasks", [SourceNotFound("No file matches 'srk/'.")])

    async def _bug(self, *_: object) -> Answer[Any]:
        raise RuntimeError("secret detail")

    async def _surrogate(self, *_: object) -> Answer[Any]:
        return compressed("caf\udce9.txt")

    async def _noise(self, *_: object) -> Answer[Any]:
        print("printed by an operation", flush=True)  # noqa: T201
        sys.__stdout__.write("written by an operation\n")  # type: ignore[union-attr]
        return compressed("quiet")

    async def _large(self, *_: object) -> Answer[Any]:
        return compressed("word " * 8_001)

    async def _full(self, *_: object) -> Answer[Any]:
        return compressed("word " * 7_990)

    async def _steps(self, _workspace: object, _request: object, pace: Pace) -> Answer[Any]:
        for fraction in (0.2, 0.5, 0.5, 0.4, 0.9):
            await pace.step(fraction, f"step {fraction}")
        return compressed(f"{pace.seconds:g} seconds")

    async def _hang(self, _workspace: object, _request: object, pace: Pace) -> Answer[Any]:
        await pace.step(0.1, "hanging")
        self.started.set()
        try:
            await anyio.sleep_forever()
        finally:
            self.cancelled.set()
        raise AssertionError


def opener(scope: Scope, engine: FakeEngine | None = None) -> Callable[[], AbstractAsyncContextManager[Workspace]]:
    """Opens a workspace with a fake engine and no handle store."""

    @asynccontextmanager
    async def open_workspace() -> AsyncIterator[Workspace]:
        async with engine or FakeEngine() as running:
            yield Workspace(scope, running, cast("Any", None))

    return open_workspace


def fake_server(root: Path, **options: Any) -> Server[Workspace]:
    """The real server over the fake operations."""
    from tamis_mcp_server.server import build_server

    options.setdefault("operations", FakeOperations())
    return build_server(opener(open_scope((str(root),))), **options)


def command(root: Path, *options: str) -> list[str]:
    """What Python runs, in `FOLDER`, to serve the fake operations over stdio."""
    return ["-m", "tests.mcp_server.fakes", str(root), *options]


def main() -> None:
    """Serve over stdio as `tamis mcp` does; on a signal say so on stderr."""
    from tamis_mcp_server.stdio import exit_on_signals, serve

    exit_on_signals(lambda: sys.stderr.write("cleaned up\n"))
    anyio.run(serve, fake_server(Path(sys.argv[1]), structured="--structured" in sys.argv))


if __name__ == "__main__":
    main()
