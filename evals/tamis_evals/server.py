"""The real server, met as an agent's client meets it: `tamis mcp` as a process, over stdio."""

from __future__ import annotations

import hashlib
import json
import os
import sys
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import psutil
from mcp import Client, StdioServerParameters

from tamis_evals.sample import Passage, Sample, Source
from tamis_tools import tokens


class CallFailed(Exception):
    """A tool answered with an error; the message is the tool's own."""


class Reply(NamedTuple):
    """A tool's answer as data, the tokens of the arguments, and the seconds that it took."""

    data: Mapping[str, Any]
    argument_tokens: int
    seconds: float


@dataclass(slots=True)
class Server:
    """A connection. Sources are written to `folder` once, under names that tell them apart."""

    client: Client
    folder: Path
    schema_tokens: int = 0
    _written: dict[int, tuple[Sequence[Source], Path]] = field(default_factory=dict[int, tuple[Sequence[Source], Path]])

    async def call(self, tool: str, arguments: Mapping[str, object]) -> Reply:
        """Call a tool; raises `CallFailed`."""
        started = time.perf_counter()
        result = await self.client.call_tool(tool, dict(arguments))
        seconds = time.perf_counter() - started
        if result.is_error or result.structured_content is None:
            raise CallFailed(" ".join(getattr(block, "text", "") for block in result.content)[:500])
        return Reply(result.structured_content, tokens.count(json.dumps(arguments)), seconds)

    def write(self, sample: Sample) -> Path:
        """The folder that holds the sample's sources as files."""
        kept = self._written.get(id(sample.sources))
        if kept and kept[0] is sample.sources:
            return kept[1]
        digest = hashlib.sha256("\0".join(part for source in sample.sources for part in source).encode()).hexdigest()
        place = self.folder / digest[:8]
        for source in sample.sources if not place.exists() else ():
            path = place / source.name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(source.text, encoding="utf-8", newline="")
        self._written = {id(sample.sources): (sample.sources, place)}
        return place

    def addresses(self, sample: Sample) -> list[str]:
        """What an agent passes as sources: the file, or the folder of several."""
        place = self.write(sample)
        return [str(place / sample.sources[0].name)] if len(sample.sources) == 1 else [str(place)]

    def number(self, sample: Sample, address: str) -> int:
        """Which source of the sample an address of an answer names."""
        place = self.write(sample)
        inside = (self.folder / address).relative_to(place).as_posix()
        return next(number for number, source in enumerate(sample.sources) if source.name == inside)

    def passages(self, sample: Sample, slices: Sequence[Mapping[str, Any]]) -> tuple[Passage, ...]:
        """The slices of an answer as passages of the sample."""
        return tuple(Passage(self.number(sample, each["source"]), each["start"], each["end"]) for each in slices)


@asynccontextmanager
async def opened(folder: Path, without: Sequence[str] = ()) -> AsyncGenerator[Server]:
    """A server that may read `folder`, with an engine and a cache of its own there; `without` leaves stages out."""
    files = folder / "sources"
    files.mkdir(parents=True, exist_ok=True)
    left_out = [argument for stage in without for argument in ("--without", stage)]
    arguments = ["-m", "tamis_mcp_server", "mcp", "--structured", "--root", str(files.resolve()), *left_out]
    async with Client(StdioServerParameters(command=sys.executable, args=arguments, env=environment(folder))) as client:
        yield Server(client, files.resolve(), await _schema_tokens(client))


def environment(folder: Path) -> dict[str, str]:
    """Ours, with everything that Tamis keeps under `folder`."""
    return {
        **os.environ,
        "TAMIS_ENGINE_FOLDER": str(folder / "engine"),
        "TAMIS_ENGINE_IDLE_SECONDS": "60",
        "XDG_CACHE_HOME": str(folder / "cache"),
    }


def megabytes(*words: str) -> float | None:
    """Resident memory of the largest process with these words in its command line; None where there is none."""
    found: list[float] = []
    for process in psutil.process_iter(["cmdline", "memory_info"]):
        line = process.info["cmdline"] or []
        if set(words) <= set(line) and process.info["memory_info"]:
            found.append(process.info["memory_info"].rss / 1e6)
    return max(found, default=None)


async def _schema_tokens(client: Client) -> int:
    listed = (await client.list_tools()).tools
    shown = [{"name": tool.name, "description": tool.description, "schema": tool.input_schema} for tool in listed]
    return tokens.count(json.dumps(shown, separators=(",", ":")))
