"""Ready at once, safe by default, honest in its numbers: promises 6, 8 and 9."""

from __future__ import annotations

import json
import re
import sys
from functools import partial
from io import StringIO
from typing import TYPE_CHECKING, Any, cast

import anyio
import pytest
from mcp import Client, StdioServerParameters
from rich.console import Console

from tamis_evals import bench, demo
from tamis_mcp_server.cli.session import open_default
from tamis_mcp_server.install import CLIENTS
from tamis_mcp_server.server import build_server
from tamis_mcp_server.settings import parse
from tamis_mcp_server.stdio import _scope
from tamis_mcp_server.tools import TOOLS
from tamis_mcp_server.workspaces import open_workspace
from tamis_tools import tokens
from tamis_tools.limits import Limits
from tamis_tools.operations.compress import compress
from tamis_tools.pace import Pace
from tamis_tools.requests import CompressRequest
from tamis_tools.scope import open_scope
from tests.fakes import FakeEngine
from tests.mcp_server.fakes import fake_server
from tests.promises.asking import QUERY, ask, paragraph, word
from tests.tools.fakes import workspace, write

if TYPE_CHECKING:
    from pathlib import Path

    from tamis_tools.results import Answer, Compressed
    from tamis_tools.workspace import Workspace


class Loading(FakeEngine):
    """An engine whose model never comes."""

    async def ready(self, model: str = "", on_progress: object = None) -> None:
        self.requests.append("ready")
        await anyio.Event().wait()


def test_while_the_model_loads_words_decide_and_the_answer_says_so(tmp_path: Path) -> None:
    place = workspace(tmp_path, Loading(), Limits(engine_wait_seconds=0.0))
    write(tmp_path, {"a.md": "".join(map(paragraph, range(40))) + "The falcon eats pigeons.\n"})

    async def asked() -> Answer[Compressed]:
        with anyio.fail_after(30):
            return await compress(place, CompressRequest(sources=("a.md",), query=QUERY, budget_tokens=300), Pace())

    answer = anyio.run(asked)
    assert "the model is still loading" in answer.text
    assert any("pigeons" in piece.text for piece in answer.data.slices)


def test_the_model_begins_to_load_while_sources_are_read(tmp_path: Path) -> None:
    engine = Loading()
    place = workspace(tmp_path, engine, Limits(engine_wait_seconds=0.0))
    write(tmp_path, {f"{number:02}.md": f"falcon {word(number)}\n" for number in range(40)})
    said: list[object] = []

    async def report(_done: float, _total: float, message: str) -> None:
        said.append((message, list(engine.requests)))

    ask(place, "*.md", budget_tokens=100, pace=Pace(report=report))
    assert said[0] == ("Reading 16.md", ["ready"])


def test_all_that_a_user_may_allow_is_off_until_it_is_typed(tmp_path: Path) -> None:
    root = ["--root", str(tmp_path)]
    shut, opened = _scope(parse(root)), _scope(parse([*root, "--allow-url", "--allow-secrets"]))
    assert shut.roots == opened.roots == (tmp_path.resolve(),)
    assert (shut.allow_urls, shut.allow_secrets) == (False, False)
    assert (opened.allow_urls, opened.allow_secrets) == (True, True)


@pytest.mark.anyio
async def test_an_agent_gets_back_what_its_folders_hold_and_a_person_all_that_was_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    scope = open_scope((str(tmp_path),))
    async with open_workspace(scope, FakeEngine()) as agents, open_default(scope) as persons:
        assert agents.handles.within == scope.roots
        assert persons.handles.within is None


def test_a_caller_that_leaves_stops_the_reading(place: Workspace, tmp_path: Path) -> None:
    write(tmp_path, {f"{number:03}.md": paragraph(number) for number in range(200)})
    said: list[str] = []

    async def leave() -> None:
        with anyio.CancelScope() as scope:

            async def report(_done: float, _total: float, message: str) -> None:
                said.append(message)
                scope.cancel()

            request = CompressRequest(sources=("*.md",), query=QUERY)
            await compress(place, request, Pace(report=report))

    anyio.run(leave)
    assert said == ["Reading 016.md"]


@pytest.mark.anyio
async def test_a_server_that_may_reach_the_network_says_so_of_its_tools(tmp_path: Path) -> None:
    arguments = ["-m", "tamis_mcp_server", "mcp", "--root", str(tmp_path), "--allow-url"]
    with anyio.fail_after(60):
        async with Client(StdioServerParameters(command=sys.executable, args=arguments)) as client:
            tools = (await client.list_tools()).tools
    assert len(tools) == len(TOOLS)
    assert all(tool.annotations and tool.annotations.open_world_hint for tool in tools)


def text_of(result: Any) -> str:
    (block,) = result.content
    return block.text


@pytest.mark.anyio
async def test_connections_in_one_process_share_neither_roots_nor_handles_nor_engines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    engines, servers = [FakeEngine(), FakeEngine()], []
    for name, engine in zip("ab", engines, strict=True):
        folder = tmp_path / name
        folder.mkdir()
        (folder / f"{name}.md").write_text(f"The falcon of {name} eats.\n", encoding="utf-8")
        servers.append(build_server(partial(open_workspace, open_scope((str(folder),)), engine)))
    async with Client(servers[0], mode="legacy") as one, Client(servers[1]) as two:
        first = await one.call_tool("compress", {"sources": ["a.md"], "query": QUERY})
        second = await two.call_tool("rerank", {"sources": ["b.md"], "query": QUERY})
        handle = re.search(r"@h_\w+", text_of(first))
        assert handle
        stolen = await two.call_tool("expand", {"ref": handle[0]})
        beside = await two.call_tool("expand", {"ref": "../a/a.md"})
        again = await one.call_tool("expand", {"ref": handle[0]})
    assert "falcon of b" in text_of(second)
    assert stolen.is_error
    assert "--root" in text_of(stolen)
    assert beside.is_error
    assert "falcon of a" in text_of(again)
    assert "falcon of a" not in text_of(stolen) + text_of(beside)
    assert [(engine.entered, engine.closed) for engine in engines] == [(1, 1), (1, 1)]
    assert engines[0].requests == []
    assert engines[1].requests


@pytest.mark.anyio
@pytest.mark.parametrize(("mode", "version"), [("auto", "2026-07-28"), ("legacy", "2025-11-25")])
async def test_each_generation_of_the_protocol_is_spoken_as_such(tmp_path: Path, mode: Any, version: str) -> None:
    async with Client(fake_server(tmp_path), mode=mode) as client:
        assert client.protocol_version == version


@pytest.mark.anyio
async def test_the_demo_counts_answer_call_and_schemas_against_the_saving(tmp_path: Path) -> None:
    source = tmp_path / "a.py"
    source.write_text("".join(map(paragraph, range(40))), encoding="utf-8")
    question = demo.Question("code", [str(source)], QUERY, 700)
    out = StringIO()
    async with Client(fake_server(tmp_path)) as client:
        schemas = await demo._schema_tokens(client)
        await demo._ask(client, question, schemas, Console(file=out, width=500, highlight=False))
        arguments = {"sources": [str(source)], "query": QUERY, "budget_tokens": 700}
        text = text_of(await client.call_tool("compress", arguments))
        listed = (await client.list_tools()).tools
    read = tokens.count(source.read_text(encoding="utf-8"))
    cost = tokens.count(text) + tokens.count(json.dumps(arguments)) + schemas
    assert (
        f"{read:,} tokens went in; answer, call and the tools' own schemas took {cost:,}: {1 - cost / read:.1%} saved."
        in out.getvalue()
    )
    assert schemas > sum(tokens.count(f"{tool.description}") for tool in listed) > 100


def test_the_demo_counts_what_a_folder_holds_and_not_more(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "a.py").write_text("x = 1\n", encoding="utf-8")
    (tmp_path / "deep" / "b.py").write_text("yy = 22\n", encoding="utf-8")
    (tmp_path / "c.bin").write_text("never read", encoding="utf-8")
    assert demo._tokens_of(tmp_path) == tokens.count("x = 1\n") + tokens.count("yy = 22\n")
    assert demo._tokens_of(tmp_path / "a.py") == tokens.count("x = 1\n")


def test_the_bench_says_which_limits_it_missed() -> None:
    verdicts = [bench.Figure("f", value, "s", limit).verdict for value, limit in ((1.0, 1.0), (1.01, 1.0), (9.0, None))]
    assert verdicts == ["kept", "missed", ""]


def test_clients_that_give_up_early_are_told_to_wait_for_the_answer_that_time_cuts_short() -> None:
    seconds = Limits().call_seconds
    codex, gemini = (CLIENTS[name].entry(("tamis", "mcp"), ()) for name in ("codex", "gemini"))
    assert cast("int", codex["tool_timeout_sec"]) > seconds
    assert cast("int", gemini["timeout"]) > seconds * 1_000
