"""How fast and how large: handshake, cold and warm calls, a million tokens, memory. Prints a table, writes JSON.

Every figure is taken from outside, over stdio, as a client sees it. Wall times of one machine mean little on
another: the limits stand beside them.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

import anyio
from mcp import Client, StdioServerParameters
from rich.console import Console
from rich.table import Table

from tamis_evals import material
from tamis_tools import tokens

HANDSHAKES = 15
REPEATS = 5
MILLION = 1_000_000
SERVER = (sys.executable, "-m", "tamis_mcp_server", "mcp")
INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "bench", "version": "1"}},
}


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured value beside what it should be under."""

    name: str
    value: float
    unit: str
    limit: float | None = None

    @property
    def verdict(self) -> str:
        """Whether it keeps the limit."""
        if self.limit is None:
            return ""
        return "kept" if self.value <= self.limit else "missed"


async def measure(folder: Path) -> list[Figure]:
    """All figures, in order."""
    asyncio_sources = material.standard_library() / "asyncio"
    figures = [Figure("handshake, median of 15", _handshake(folder), "s", 0.6)]
    async with _client(material.standard_library(), folder) as client:
        await client.list_tools()
        figures.append(Figure("memory after the handshake", _server_megabytes(), "MB", 120))
        cold = await _compress(client, asyncio_sources, "How is a callback from another thread scheduled?")
        figures.append(Figure("first compress of a cold process, asyncio", cold, "s", 6.0))
        figures.append(Figure("compress, warm, new question, asyncio", await _new_questions(client), "s", 1.0))
        again = [await _compress(client, asyncio_sources, QUESTIONS[0]) for _ in range(REPEATS)]
        figures.append(Figure("compress, warm, same question, asyncio", median(again), "s", 1.0))
        figures.append(Figure("memory of the server after that", _server_megabytes(), "MB", 120))
        figures.append(Figure("memory of the engine", _engine_megabytes(folder), "MB"))
        async with _client(material.standard_library(), folder) as second:
            first = await _compress(second, asyncio_sources, "Which loop does a subprocess watcher belong to?")
            figures.append(Figure("first compress of a second client, asyncio", first, "s"))
    return [*figures, *await _million(folder)]


QUESTIONS = (
    "How does a task notice that it was cancelled?",
    "Where is the selector polled, and with which timeout?",
    "What happens when the write buffer of a transport is full?",
    "How are subprocess pipes connected to protocols?",
    "When does a stream reader pause reading?",
)


async def _new_questions(client: Client) -> float:
    sources = material.standard_library() / "asyncio"
    return median([await _compress(client, sources, question) for question in QUESTIONS])


async def _million(folder: Path) -> list[Figure]:
    size = _copy_sources(folder / "million", MILLION)
    async with _client(folder, folder) as client:
        await _compress(client, folder / "million" / "0", "warm the engine")
        times = [await _compress(client, folder / "million", question) for question in QUESTIONS]
        return [
            Figure("tokens in the large folder", size, "tokens"),
            Figure("that folder to 2,000 tokens, first time", times[0], "s", 5.0),
            Figure("that folder to 2,000 tokens, median", median(times), "s", 5.0),
            Figure("memory of the server after that", _server_megabytes(), "MB"),
        ]


def _copy_sources(folder: Path, goal: int) -> int:
    """Sources of the standard library, in folders of 50 files, until they come to `goal` tokens."""
    size = 0
    for number, path in enumerate(sorted(material.standard_library().rglob("*.py"))):
        text = path.read_text(encoding="utf-8", errors="replace")
        if size >= goal or "site-packages" in path.parts or len(text) > 400_000:
            continue
        target = folder / str(number // 50) / f"{number}_{path.name}"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
        size += tokens.count(text)
    return size


def _handshake(folder: Path) -> float:
    """Seconds from process start to the answer of `initialize`."""
    return median([_one_handshake(folder) for _ in range(HANDSHAKES)])


def _one_handshake(folder: Path) -> float:
    started = time.perf_counter()
    with subprocess.Popen([*SERVER, "--root", str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        server.stdin.write(json.dumps(INITIALIZE).encode() + b"\n")
        server.stdin.flush()
        server.stdout.readline()
        return time.perf_counter() - started


@asynccontextmanager
async def _client(root: Path, folder: Path) -> AsyncGenerator[Client]:
    command, *arguments = SERVER
    server = StdioServerParameters(command=command, args=[*arguments, "--root", str(root)], env=_environment(folder))
    async with Client(server) as client:
        yield client


def _environment(folder: Path) -> dict[str, str]:
    """Ours, with an engine that only this bench uses: it starts cold."""
    return {**os.environ, "TAMIS_ENGINE_FOLDER": str(folder / "engine")}


def _engine(command: str, folder: Path) -> dict[str, Any]:
    argv = [sys.executable, "-m", "tamis_mcp_server", "engine", *command.split()]
    done = subprocess.run(argv, env=_environment(folder), capture_output=True, check=True)
    return json.loads(done.stdout) if "--json" in command else {}


async def _compress(client: Client, source: Path, query: str) -> float:
    started = time.perf_counter()
    result = await client.call_tool("compress", {"sources": [str(source)], "query": query, "budget_tokens": 2000})
    seconds = time.perf_counter() - started
    if result.is_error:
        raise RuntimeError(str(result.content))
    return seconds


def _server_megabytes() -> float:
    """Resident memory of our own descendant that is the server."""
    listing = subprocess.run(
        ["ps", "-A", "-o", "pid=,ppid=,rss=,args="], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    rows = [line.split(None, 3) for line in listing]
    ours, grown = {str(os.getpid())}, True
    while grown:
        found = {pid for pid, parent, *_ in rows if parent in ours} | ours
        grown, ours = found != ours, found
    return max(
        (int(rss) / 1024 for pid, _, rss, args in rows if pid in ours and "tamis_mcp_server" in args), default=0.0
    )


def _engine_megabytes(folder: Path) -> float:
    return _engine("status --json", folder)["resident_bytes"] / 2**20


def _table(figures: list[Figure]) -> Table:
    table = Table("what", "measured", "limit", "", title=f"Tamis on {platform.machine()}, {os.cpu_count()} cores")
    for figure in figures:
        value = f"{figure.value:,.0f}" if figure.unit in ("tokens", "MB") else f"{figure.value:.2f}"
        limit = "" if figure.limit is None else f"{figure.limit:g} {figure.unit}"
        table.add_row(figure.name, f"{value} {figure.unit}", limit, figure.verdict)
    return table


def main() -> None:
    """Measure, print, write `bench/results.json`."""
    with tempfile.TemporaryDirectory() as folder:
        figures = anyio.run(measure, Path(folder).resolve())
        _engine("stop", Path(folder).resolve())
    Console().print(_table(figures))
    results = Path("bench/results.json")
    results.parent.mkdir(exist_ok=True)
    rows = [{**asdict(figure), "verdict": figure.verdict} for figure in figures]
    record = {"machine": platform.platform(), "cores": os.cpu_count(), "python": platform.python_version()}
    results.write_text(json.dumps({**record, "figures": rows}, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
