"""Checks of `tamis doctor` that run a part of Tamis for real: the engine, a reader of PDF, the server.

What a check needs is imported inside it, so that what is broken fails that check and no other.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Timer
from time import perf_counter
from typing import TYPE_CHECKING

import anyio
from anyio import to_thread

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tamis_mcp_server.doctor.finding import Status
    from tamis_mcp_server.install import Machine
    from tamis_tools.document import Document

_PATIENCE_SECONDS = 60.0

_TORCH = """
import json, torch
can = getattr(torch.cpu, "get_capabilities", dict)()
print(json.dumps({
    "version": torch.__version__,
    "threads": torch.get_num_threads(),
    "bf16": bool(can.get("avx512_bf16") or can.get("amx_bf16") or can.get("bf16") or can.get("sve_bf16")),
    "int8": bool(can.get("avx512_vnni") or can.get("avx_vnni") or can.get("amx_int8") or can.get("dotprod")),
    "cuda": torch.cuda.is_available(),
}))
"""

_PDF = b"""%PDF-1.4
1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj
2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj
3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 200]/Contents 4 0 R/Resources<</Font<</F 5 0 R>>>>>>endobj
4 0 obj<</Length 38>>stream
BT /F 12 Tf 20 100 Td (sieved) Tj ET
endstream endobj
5 0 obj<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>endobj
trailer<</Root 1 0 R>>
"""
"""One page that says `sieved`; readers rebuild the table of offsets that it leaves out."""

_INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-11-25",
        "capabilities": {},
        "clientInfo": {"name": "tamis doctor", "version": "1"},
    },
}


def torch(machine: Machine) -> tuple[Status, str]:
    """Whether torch loads, in a process of its own, and what the processor can do fast."""
    done = subprocess.run(
        [machine.executable, "-c", _TORCH],
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        timeout=_PATIENCE_SECONDS,
    )
    if done.returncode:
        return "fail", (done.stderr.strip().splitlines() or ["it ends without a word"])[-1]
    can = json.loads(done.stdout.splitlines()[-1])
    fast = [name for name in ("bf16", "int8", "cuda") if can[name]]
    return "ok", f"{can['version']}, {can['threads']} threads, fast: {', '.join(fast) or 'float32 only'}"


def engine(machine: Machine) -> tuple[Status, str]:
    """Whether the engine answers, started if need be, and gives a vector."""
    return "ok", anyio.run(_embed, machine.env)


async def _embed(env: Mapping[str, str]) -> str:
    from tamis_engine.protocol import EncodeRequest
    from tamis_mcp_server.settings import engine

    began = perf_counter()
    with anyio.fail_after(_PATIENCE_SECONDS):
        async with engine(env) as running:
            await running.ready()
            ready = perf_counter()
            result = await running.encode(EncodeRequest(("what matters passes the sieve",)))
            done = perf_counter()
    size = result.vectors.shape[1]
    return (
        f"{result.model}, {size} dimensions; ready in {ready - began:.1f} s, one text in {1e3 * (done - ready):.0f} ms"
    )


def sharing(machine: Machine) -> tuple[Status, str]:
    """Where the engine is, and whether all clients of this machine can use one."""
    from tamis_mcp_server.settings import ENGINE

    if where := machine.env.get(ENGINE):
        return "ok", f"the engine at {where}, as {ENGINE} says"
    return anyio.run(_share, machine.env)


async def _share(env: Mapping[str, str]) -> tuple[Status, str]:
    from tamis_mcp_server.settings import local_engine

    with anyio.fail_after(_PATIENCE_SECONDS):
        async with local_engine(env) as running:
            await running.ready()
            if running.private:
                return "warn", f"each client has an engine of its own: {running.private}"
            return "ok", f"one engine for all clients, process {running.pid}; `tamis engine status` says more"


def pdf(_machine: Machine) -> tuple[Status, str]:
    """Whether a PDF is read."""
    text = anyio.run(_read_pdf)
    return ("ok", "a page was read") if "sieved" in text else ("fail", f"a page came out as {text!r}")


async def _read_pdf() -> str:
    from tamis_tools.pace import Pace
    from tamis_tools.scope import open_scope
    from tamis_tools.sources import read

    with TemporaryDirectory(prefix="tamis-") as folder:
        path = Path(folder).resolve() / "page.pdf"
        path.write_bytes(_PDF)
        scope = open_scope((str(path.parent),))
        reading = await to_thread.run_sync(read, [str(path)], scope, Pace(_PATIENCE_SECONDS), _no_handles)
    return reading.documents[0].text


def _no_handles(_ref: str) -> tuple[Document, ...]:
    return ()


def server(machine: Machine) -> tuple[Status, str]:
    """Whether `tamis mcp` answers a client, and how soon."""
    with TemporaryDirectory(prefix="tamis-") as folder:
        began = perf_counter()
        with subprocess.Popen(
            [machine.executable, "-m", "tamis_mcp_server", "mcp", "--root", folder],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        ) as process:
            line = _ask(process)
            seconds = perf_counter() - began
    if not line:
        return "fail", f"no answer; it ended with code {process.returncode}"
    info = json.loads(line)["result"]["serverInfo"]
    return "ok", f"{info['name']} {info['version']} answered in {seconds:.2f} s"


def _ask(process: subprocess.Popen[bytes]) -> bytes:
    """The first line of the answer to `initialize`; empty where none comes in time."""
    assert process.stdin
    assert process.stdout
    limit = Timer(_PATIENCE_SECONDS, process.kill)
    limit.start()
    try:
        process.stdin.write(json.dumps(_INITIALIZE).encode() + b"\n")
        process.stdin.flush()
        return process.stdout.readline()
    except BrokenPipeError:
        return b""
    finally:
        limit.cancel()
