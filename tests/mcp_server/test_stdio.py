"""The process itself: what it imports before it answers, what it writes, and how it ends."""

from __future__ import annotations

import json
import os
import signal
import sys
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import anyio
import pytest
from anyio.streams.buffered import BufferedByteReceiveStream

from tests.mcp_server import fakes

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from anyio.abc import Process

pytestmark = pytest.mark.anyio

INITIALIZE = {
    "protocolVersion": "2025-11-25",
    "capabilities": {},
    "clientInfo": {"name": "test", "version": "0"},
}
REAL = """
import atexit, sys
atexit.register(lambda: sys.stderr.write(chr(10).join(["", *sys.modules])))
sys.argv[0] = "tamis"
from tamis_mcp_server.__main__ import main
main()
"""


@dataclass
class Wire:
    """A server process and every line that it wrote to stdout."""

    process: Process
    lines: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        assert self.process.stdout is not None
        self._received = BufferedByteReceiveStream(self.process.stdout)

    async def send(self, line: str) -> None:
        assert self.process.stdin is not None
        await self.process.stdin.send(line.encode() + b"\n")

    async def request(self, number: int, method: str, params: dict[str, Any]) -> dict[str, Any]:
        """Send a request and return the message that answers it."""
        await self.send(json.dumps({"jsonrpc": "2.0", "id": number, "method": method, "params": params}))
        while True:
            self.lines.append(await self._received.receive_until(b"\n", 1 << 24))
            message = json.loads(self.lines[-1])
            if message.get("id") == number:
                return message

    async def handshake(self) -> dict[str, Any]:
        answer = await self.request(0, "initialize", INITIALIZE)
        await self.send('{"jsonrpc":"2.0","method":"notifications/initialized"}')
        return answer["result"]

    async def call(self, number: int, arguments: object) -> dict[str, Any]:
        return await self.request(number, "tools/call", {"name": "compress", "arguments": arguments})

    async def end(self) -> tuple[int, bytes]:
        """Close stdin; the exit code, and all of stderr. What is left of stdout joins the lines."""
        assert self.process.stdin is not None
        await self.process.stdin.aclose()
        return await self.ended()

    async def ended(self) -> tuple[int, bytes]:
        """Wait for the process to end by itself."""
        assert self.process.stderr is not None
        written = b"".join([chunk async for chunk in self.process.stderr])
        rest = b"".join([chunk async for chunk in self._received])
        self.lines += rest.splitlines()
        return await self.process.wait(), written


@asynccontextmanager
async def started(*command: str, cwd: Path | None = None) -> AsyncIterator[Wire]:
    """A server process; every wait inside is bounded."""
    environment = {**os.environ, "PYTHONWARNINGS": "default"}
    with anyio.fail_after(60):
        async with await anyio.open_process([sys.executable, *command], cwd=cwd, env=environment) as process:
            yield Wire(process)


async def test_nothing_heavy_is_imported_before_the_server_answers(tmp_path: Path) -> None:
    async with started("-c", REAL, "mcp", "--root", str(tmp_path)) as wire:
        answer = await wire.handshake()
        listed = await wire.request(1, "tools/list", {})
        code, written = await wire.end()
    assert answer["serverInfo"]["name"] == "tamis"
    assert len(listed["result"]["tools"]) == 7
    assert code == 0
    imported = {name.split(".")[0] for name in written.decode().splitlines()}
    assert "mcp" in imported
    heavy = {"torch", "transformers", "numpy", "tiktoken", "tokenizers", "bm25s", "tree_sitter", "rich"}
    assert not imported & heavy
    assert "tamis_mcp_server.cli" not in written.decode()


async def test_stdout_carries_nothing_but_protocol_and_closing_stdin_ends_the_process(tmp_path: Path) -> None:
    async with started(*fakes.command(tmp_path), cwd=fakes.FOLDER) as wire:
        await wire.handshake()
        await wire.send("this is no JSON")
        await wire.send('[{"jsonrpc":"2.0"}]')
        for number, query in enumerate(("noise", "bug", "missing", "surrogate", "large", "steps"), 1):
            answer = await wire.call(number, {"query": query})
            assert answer["result"]["content"]
        assert "error" in await wire.call(10, "no object")
        assert "error" in await wire.request(11, "no/method", {})
        code, written = await wire.end()
    assert code == 0
    assert all(json.loads(line)["jsonrpc"] == "2.0" for line in wire.lines)
    assert b"printed by an operation" in written
    assert b"secret detail" in written


@pytest.mark.parametrize("text", [r"cut \ud83d", r"\udc80 and a pair \ud83d\ude00", r"\\ud83d is five letters"])
async def test_a_message_with_half_a_surrogate_pair_is_answered(tmp_path: Path, text: str) -> None:
    async with started(*fakes.command(tmp_path), cwd=fakes.FOLDER) as wire:
        await wire.handshake()
        call = '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"compress","arguments":{"query":"%s"}}}'
        await wire.send(call % text)
        await wire.call(2, {"query": "root"})
        code, _ = await wire.end()
    assert code == 0
    assert any(json.loads(line).get("id") == 1 for line in wire.lines)


async def test_closing_stdin_ends_the_process_while_a_call_is_running(tmp_path: Path) -> None:
    async with started(*fakes.command(tmp_path), cwd=fakes.FOLDER) as wire:
        await wire.handshake()
        hang = {"name": "compress", "arguments": {"query": "hang"}}
        await wire.send(json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": hang}))
        await wire.call(2, {"query": "root"})
        code, _ = await wire.end()
    assert code == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_signal_cleans_up_and_ends_the_process_though_stdin_stays_open(
    tmp_path: Path, number: signal.Signals
) -> None:
    async with started(*fakes.command(tmp_path), cwd=fakes.FOLDER) as wire:
        await wire.handshake()
        wire.process.send_signal(number)
        code, written = await wire.ended()
    assert code == 128 + number
    assert b"cleaned up" in written


async def test_a_root_that_is_too_wide_ends_the_start_with_a_sentence() -> None:
    async with started("-m", "tamis_mcp_server", "mcp", "--root", os.sep) as wire:
        code, written = await wire.end()
    assert code == 2
    assert b"too wide" in written
    assert b"Traceback" not in written
    assert wire.lines == []


@pytest.mark.parametrize("root", [".", "~nobody-of-that-name/code"])
async def test_a_root_that_leads_nowhere_ends_the_start_with_a_sentence(tmp_path: Path, root: str) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    start = "import os, sys; os.rmdir(os.getcwd()); from tamis_mcp_server.__main__ import main; main()"
    async with started("-c", start, "mcp", "--root", root, cwd=gone) as wire:
        code, written = await wire.end()
    assert code == 2
    assert b"--root" in written
    assert b"Traceback" not in written


async def test_a_setting_of_the_engine_that_makes_no_sense_ends_the_start_with_a_sentence(tmp_path: Path) -> None:
    set_wrongly = "import os; os.environ['TAMIS_ENGINE_IDLE_SECONDS'] = 'soon'"
    start = f"{set_wrongly}; from tamis_mcp_server.__main__ import main; main()"
    async with started("-c", start, "mcp", "--root", str(tmp_path)) as wire:
        code, written = await wire.end()
    assert code == 2
    assert b"'soon'" in written
    assert b"Traceback" not in written


async def test_a_misspelt_option_ends_the_start_with_a_sentence() -> None:
    async with started("-m", "tamis_mcp_server", "mcp", "--rot", ".") as wire:
        code, written = await wire.end()
    assert code == 2
    assert b"--rot" in written


async def test_help_is_printed_without_the_server() -> None:
    async with started("-m", "tamis_mcp_server", "mcp", "--help") as wire:
        code, _ = await wire.end()
    assert code == 0
    assert b"--allow-url" in b"\n".join(wire.lines)
