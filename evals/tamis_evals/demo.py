"""The main job on real material: `tamis mcp` as a subprocess, a real MCP client, three questions."""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import anyio
from mcp import Client, StdioServerParameters
from rich.console import Console

from tamis_evals import material
from tamis_tools import tokens


@dataclass(frozen=True, slots=True)
class Question:
    """What an agent wants to know, and where it would otherwise read."""

    about: str
    sources: list[str]
    query: str
    budget_tokens: int = 1_500


def questions(folder: Path) -> list[Question]:
    """Three kinds of material: a folder of code, a log, a long text."""
    asyncio_sources = str(material.standard_library() / "asyncio")
    return [
        Question("code", [asyncio_sources], "How does the event loop run a callback from another thread, and wake up?"),
        Question("a log", [str(material.server_log(folder))], "Which order failed, and what exactly went wrong?", 600),
        Question(
            "a long text",
            [str(material.language_reference(folder))],
            "In which order does Python look up an attribute: instance, data descriptor or class?",
        ),
    ]


async def main() -> None:
    """Ask, and show what went in, what came out, what it saved and how long it took."""
    console = Console(highlight=False, soft_wrap=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve()
        console.print("[bold]Preparing material[/]: a server writes a log, the Python reference becomes one text …")
        asked = questions(folder)
        started = time.perf_counter()
        async with Client(_server(folder)) as client:
            console.print(f"Handshake with `tamis mcp` over stdio: {time.perf_counter() - started:.2f} s")
            schemas = await _schema_tokens(client)
            console.print(f"Seven tools, {schemas:,} tokens of names, descriptions and schemas")
            for question in asked:
                await _ask(client, question, schemas, console)


def _server(folder: Path) -> StdioServerParameters:
    roots = ["--root", str(material.standard_library()), "--root", str(folder)]
    return StdioServerParameters(command=sys.executable, args=["-m", "tamis_mcp_server", "mcp", *roots])


async def _schema_tokens(client: Client) -> int:
    listed = (await client.list_tools()).tools
    shown = [{"name": tool.name, "description": tool.description, "schema": tool.input_schema} for tool in listed]
    return tokens.count(json.dumps(shown, separators=(",", ":")))


async def _ask(client: Client, question: Question, schemas: int, console: Console) -> None:
    arguments = {"sources": question.sources, "query": question.query, "budget_tokens": question.budget_tokens}
    console.rule(f"[bold]{question.about}")
    console.print(f"[bold]sources[/]  {', '.join(question.sources)}", f"[bold]query[/]    {question.query}", sep="\n")
    text, first = await _call(client, arguments)
    again, second = await _call(client, arguments)
    console.print(text, markup=False)
    went_in = sum(_tokens_of(Path(source)) for source in question.sources)
    cost = tokens.count(text) + tokens.count(json.dumps(arguments)) + schemas
    console.print(
        f"[bold]{went_in:,} tokens went in; answer, call and the tools' own schemas took {cost:,}: "
        f"{1 - cost / went_in:.1%} saved. First call {first:.2f} s, the same again {second:.2f} s"
        f"{'' if again == text else ' (with another answer!)'}.[/]"
    )


async def _call(client: Client, arguments: Mapping[str, object]) -> tuple[str, float]:
    started = time.perf_counter()
    result = await client.call_tool("compress", dict(arguments))
    return "\n".join(getattr(block, "text", "") for block in result.content), time.perf_counter() - started


def _tokens_of(source: Path) -> int:
    files = sorted(source.rglob("*.py")) if source.is_dir() else [source]
    return sum(tokens.count(path.read_text(encoding="utf-8")) for path in files)


if __name__ == "__main__":
    anyio.run(main)
