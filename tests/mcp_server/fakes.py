"""Stand-ins with knobs and recorders. Run as a script, this serves the fake operations over stdio."""

from __future__ import annotations

import sys
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, cast

import anyio

from tamis_engine.errors import ModelNotFound
from tamis_engine.protocol import (
    DEFAULT_MODEL,
    EncodeRequest,
    EncodeResult,
    ExtractRequest,
    ExtractResult,
    ModelStatus,
    ScoreRequest,
    ScoreResult,
)
from tamis_tools.errors import SourceNotFound
from tamis_tools.results import Answer, Compressed, Omitted, Scored
from tamis_tools.scope import Scope, open_scope
from tamis_tools.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from contextlib import AbstractAsyncContextManager

    from mcp.server import Server

    from tamis_mcp_server.tools import Operation, Tool
    from tamis_tools.pace import Pace
    from tamis_tools.requests import CompressRequest

DIMENSIONS = 32


@dataclass
class FakeEngine:
    """An engine whose vectors are hashed words: texts that share words are near. Records its requests."""

    failure: Exception | None = None
    requests: list[object] = field(default_factory=list)
    entered: int = 0
    closed: int = 0
    stopped: int = 0

    async def __aenter__(self) -> Self:
        self.entered += 1
        return self

    async def __aexit__(self, *exc: object) -> None:
        self.closed += 1

    def stop(self) -> None:
        self.stopped += 1

    async def encode(self, request: EncodeRequest) -> EncodeResult:
        import numpy as np

        self._record(request)
        rows = [_vector(text) for text in request.texts]
        vectors = np.asarray(rows, dtype=np.float32).reshape(len(rows), DIMENSIONS)
        counts = tuple(len(text.split()) for text in request.texts)
        return EncodeResult(vectors, counts, (False,) * len(rows), request.model)

    async def score(self, request: ScoreRequest) -> ScoreResult:
        import numpy as np

        self._record(request)
        query = _vector(request.query)
        scores = [sum(map(float.__mul__, query, _vector(passage))) for passage in request.passages]
        return ScoreResult(np.clip(np.asarray(scores, dtype=np.float32), 0, 1), (False,) * len(scores), request.model)

    async def extract(self, request: ExtractRequest) -> ExtractResult:
        self._record(request)
        return ExtractResult((), request.model)

    async def models(self) -> tuple[ModelStatus, ...]:
        return (ModelStatus(DEFAULT_MODEL, "absent", DIMENSIONS, 256, 0, "Apache-2.0"),)

    async def ready(self) -> None:
        if self.failure:
            raise self.failure

    def _record(self, request: object) -> None:
        self.requests.append(request)
        if self.failure:
            raise self.failure


def _vector(text: str) -> list[float]:
    counts = [0.0] * DIMENSIONS
    for word in text.lower().split() or [""]:
        counts[blake2b(word.encode("utf-8", "replace"), digest_size=1).digest()[0] % DIMENSIONS] += 1.0
    length = sum(count * count for count in counts) ** 0.5
    return [count / length for count in counts]


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
    requests: list[object] = field(default_factory=list)

    def __call__(self, tool: Tool) -> Operation:
        return {"score": self._score}.get(tool.name, self._obey)

    async def _score(self, workspace: Workspace, _request: object, _pace: Pace) -> Answer[Scored]:
        with anyio.fail_after(5):
            await self.cancelled.wait()
        return Answer("cancelled", Scored(scores=[], model="", notes=[]))

    async def _obey(self, workspace: Workspace, request: Any, pace: Pace) -> Answer[Any]:
        self.requests.append(request)
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


def main() -> None:
    """Serve over stdio as `tamis mcp` does; on a signal say so on stderr."""
    from tamis_mcp_server.stdio import exit_on_signals, serve

    exit_on_signals(lambda: sys.stderr.write("cleaned up\n"))
    anyio.run(serve, fake_server(Path(sys.argv[1]), structured="--structured" in sys.argv))


if __name__ == "__main__":
    main()
