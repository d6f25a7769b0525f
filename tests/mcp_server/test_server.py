"""What any client sees of the server: in memory and over stdio, by both generations of the protocol."""

from __future__ import annotations

import dataclasses
import inspect
import json
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import anyio
import pytest
from mcp import Client, MCPError

from tamis_mcp_server import __version__
from tamis_mcp_server.instructions import INSTRUCTIONS
from tamis_mcp_server.tools import TOOLS, listing
from tamis_tools.operations import load
from tamis_tools.scope import open_scope
from tamis_tools.tokens import count
from tests.fakes import FakeEngine
from tests.mcp_server.fakes import FakeOperations, fake_server, opener

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from mcp.types import CallToolResult

    Connect = Callable[..., Client]

pytestmark = pytest.mark.anyio
NAMES = ["compress", "rerank", "filter", "extract", "score", "encode", "expand"]


def text(result: CallToolResult) -> str:
    (block,) = result.content
    assert block.type == "text"
    return block.text


async def call(client: Client, query: str, **more: Any) -> CallToolResult:
    with anyio.fail_after(20):
        return await client.call_tool("compress", {"sources": ["."], "query": query, **more})


async def test_both_generations_are_told_who_serves_and_when_to_use_it(connect: Connect) -> None:
    async with connect() as client:
        assert client.server_info is not None
        assert (client.server_info.name, client.server_info.version) == ("tamis", __version__)
        assert client.instructions == INSTRUCTIONS


async def test_the_seven_tools_are_listed_in_one_order(connect: Connect) -> None:
    async with connect() as client:
        tools = (await client.list_tools()).tools
    assert [tool.name for tool in tools] == NAMES
    assert all(tool.output_schema is None and tool.description for tool in tools)


def test_names_descriptions_and_schemas_stay_under_1500_tokens() -> None:
    tools = [listing(tool, structured=False, open_world=True) for tool in TOOLS]
    sent = [tool.model_dump(mode="json", by_alias=True, exclude_none=True) for tool in tools]
    assert count(json.dumps({"tools": sent}, ensure_ascii=False, separators=(",", ":"))) < 1_500


def test_instructions_stay_under_2048_characters_and_begin_with_when_to_use_them() -> None:
    assert len(INSTRUCTIONS) < 2_048
    assert INSTRUCTIONS.splitlines()[0].startswith("Use Tamis before")


@pytest.mark.parametrize("open_world", [False, True])
def test_annotations_say_what_the_tools_do_to_the_world(open_world: bool) -> None:
    for tool in TOOLS:
        hints = listing(tool, structured=False, open_world=open_world).annotations
        assert hints is not None
        assert hints.read_only_hint is (tool.name != "encode")
        assert hints.idempotent_hint is True
        assert hints.destructive_hint is False
        assert hints.open_world_hint is open_world


@pytest.mark.parametrize("tool", TOOLS, ids=NAMES)
def test_arguments_are_the_fields_of_the_request_with_the_same_defaults(tool: Any) -> None:
    wanted = {
        field.name: ... if field.default is dataclasses.MISSING else field.default
        for field in dataclasses.fields(tool.request)
    }
    given = {name: ... if field.is_required() else field.default for name, field in tool.arguments.model_fields.items()}
    assert given == wanted


@pytest.mark.parametrize("tool", TOOLS, ids=NAMES)
def test_every_tool_has_its_operation(tool: Any) -> None:
    operation = load(tool.name)
    assert inspect.iscoroutinefunction(operation)
    assert len(inspect.signature(operation).parameters) == 3


async def test_the_answer_is_the_text_of_the_operation_and_nothing_else(connect: Connect, tmp_path: Path) -> None:
    async with connect() as client:
        result = await call(client, "root")
    assert text(result) == str(tmp_path)
    assert result.structured_content is None
    assert not result.is_error


async def test_structured_results_keep_to_their_schema_and_hold_everything(connect: Connect) -> None:
    async with connect(structured=True) as client:
        tools = (await client.list_tools()).tools
        result = await call(client, "how is it kept?")
        asked = await client.call_tool("expand", {"ref": "@h_1", "question": "how?"})
    assert all(tool.output_schema and tool.output_schema["type"] == "object" for tool in tools)
    assert result.structured_content is not None
    assert "how is it kept?" in result.structured_content["query"]
    assert len(text(result)) < 40
    assert asked.structured_content is not None


async def test_free_text_that_happens_to_be_json_arrives_as_it_is(connect: Connect) -> None:
    async with connect() as client:
        for query in ('{"a": 1}', "null", "123", "[1]"):
            assert f"query={query!r}" in text(await call(client, query))


@pytest.mark.parametrize(
    ("given", "received"),
    [
        (["a", "b"], "('a', 'b')"),
        ("src/", "('src/',)"),
        ('["a", "b"]', "('a', 'b')"),
        ("[ab].py", "('[ab].py',)"),
        ("", "()"),
        (None, "()"),
    ],
)
async def test_sources_arrive_as_a_list_however_a_client_sends_them(
    tmp_path: Path, given: object, received: str
) -> None:
    async with Client(fake_server(tmp_path), mode="legacy") as client:
        result = await client.call_tool("compress", {"sources": given, "query": "q"})
    assert f"sources={received}" in text(result)


@pytest.mark.parametrize(
    ("tool", "arguments", "sentence"),
    [
        ("rerank", {"sources": ["."]}, "rerank needs query: What you look for, as a sentence."),
        (
            "compress",
            {"budget": 3},
            "compress has no argument 'budget'. Did you mean budget_tokens? "
            "Possible: sources, query, budget_tokens, detail, cursor.",
        ),
        (
            "compress",
            {"detail": "outlines"},
            'detail can\'t be "outlines". Did you mean outline? Possible: verbatim, outline, locations.',
        ),
        ("compress", {"budget_tokens": "many"}, 'budget_tokens must be a whole number, not "many".'),
        ("compress", {"query": ["a"]}, 'query must be text, not ["a"].'),
        (
            "compress",
            {"sources": 5},
            'sources must be a list of strings, as in ["src/", "app.log:1-200"], not 5.',
        ),
        ("compress", {"sources": ["a", 7]}, "sources must be text, not 7."),
        ("compres", {}, f"There is no tool 'compres'. Did you mean compress? Possible: {', '.join(NAMES)}."),
    ],
)
async def test_wrong_arguments_are_answered_with_what_to_do(
    tmp_path: Path, tool: str, arguments: dict[str, Any], sentence: str
) -> None:
    async with Client(fake_server(tmp_path), mode="legacy") as client:
        result = await client.call_tool(tool, arguments)
    assert result.is_error
    assert text(result) == sentence


async def test_several_mistakes_are_told_at_once_and_long_values_are_cut(tmp_path: Path) -> None:
    async with Client(fake_server(tmp_path), mode="legacy") as client:
        result = await client.call_tool("rerank", {"sources": ["."], "top_k": "x" * 5_000})
    assert "needs query" in text(result)
    assert "whole number" in text(result)
    assert len(text(result)) < 300


async def test_an_error_that_repeats_a_huge_value_stays_short(tmp_path: Path) -> None:
    async with Client(fake_server(tmp_path), mode="legacy") as client:
        result = await client.call_tool("x" * 100_000, {})
    assert result.is_error
    assert len(text(result)) < 2_100


async def test_expected_failures_reach_the_model_in_their_own_words(connect: Connect) -> None:
    async with connect() as client:
        missing, model, group = [await call(client, query) for query in ("missing", "model", "group")]
    assert missing.is_error
    assert text(missing) == "No file matches 'srk/'. Similar: src/ (41 files)."
    assert text(model) == "No model named 'bge-smal'. Did you mean 'bge-small'?"
    assert text(group) == "No file matches 'srk/'."


async def test_a_bug_is_called_one_and_its_details_stay_in_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with Client(fake_server(tmp_path), mode="legacy") as client:
        result = await call(client, "bug")
    assert result.is_error
    assert "bug in Tamis" in text(result)
    assert "Nothing was lost" in text(result)
    assert "secret" not in text(result)
    assert "Traceback" not in text(result)
    assert "secret detail" in caplog.text


async def test_the_session_goes_on_after_an_answer_that_is_no_unicode(connect: Connect) -> None:
    async with connect() as client:
        assert text(await call(client, "surrogate")) == "caf?.txt"
        assert not (await call(client, "root")).is_error
    async with connect(structured=True) as client:
        result = await call(client, "surrogate")
    assert result.structured_content is not None
    assert result.structured_content["query"] == "caf?.txt"


async def test_no_answer_passes_8000_tokens_and_none_is_cut_silently(connect: Connect) -> None:
    async with connect() as client:
        full, large = await call(client, "full"), await call(client, "large")
    assert count(text(full)) > 7_900
    assert large.is_error
    assert "8,000" in text(large)
    assert "smaller budget" in text(large)


async def test_progress_only_grows_and_ends_before_the_answer(connect: Connect) -> None:
    seen: list[float] = []

    async def note(done: float, _total: float | None, _message: str | None) -> None:
        seen.append(done)

    async with connect() as client:
        with anyio.fail_after(20):
            result = await client.call_tool("compress", {"query": "steps"}, progress_callback=note)
    assert [round(done, 1) for done in seen] == [0.2, 0.5, 0.9]
    assert all(before < after for before, after in pairwise(seen))
    assert text(result) == "45 seconds"


async def test_a_cancelled_call_stops_the_operation(connect: Connect) -> None:
    async with connect() as client, anyio.create_task_group() as group:
        hanging = anyio.Event()

        async def note(*_: object) -> None:
            hanging.set()

        async def hang() -> None:
            await client.call_tool("compress", {"query": "hang"}, progress_callback=note)

        group.start_soon(hang)
        with anyio.fail_after(20):
            await hanging.wait()
        group.cancel_scope.cancel()
        with anyio.CancelScope(shield=True), anyio.fail_after(20):
            result = await client.call_tool("score", {"sources": ["."], "query": "q"})
            assert text(result) == "cancelled"


async def test_calls_of_one_client_run_side_by_side(tmp_path: Path) -> None:
    operations = FakeOperations()
    server = fake_server(tmp_path, operations=operations)
    async with Client(server, mode="legacy") as client, anyio.create_task_group() as group:
        group.start_soon(call, client, "hang")
        with anyio.fail_after(20):
            await operations.started.wait()
        assert text(await call(client, "root")) == str(tmp_path)
        group.cancel_scope.cancel()


async def test_two_servers_in_one_process_do_not_see_each_other(tmp_path: Path) -> None:
    roots = [tmp_path / "one", tmp_path / "two"]
    for root in roots:
        root.mkdir()
    async with Client(fake_server(roots[0])) as one, Client(fake_server(roots[1]), mode="legacy") as two:
        assert text(await call(one, "root")) == str(roots[0])
        assert text(await call(two, "root")) == str(roots[1])


async def test_the_engine_is_closed_with_the_connection(tmp_path: Path) -> None:
    from tamis_mcp_server.server import build_server

    engine = FakeEngine()
    scope = open_scope((str(tmp_path),))
    async with Client(build_server(opener(scope, engine), operations=FakeOperations()), mode="legacy") as client:
        await call(client, "root")
        assert (engine.entered, engine.closed) == (1, 0)
    assert engine.closed == 1


async def test_the_models_are_a_resource(connect: Connect) -> None:
    async with connect() as client:
        (resource,) = (await client.list_resources()).resources
        (content,) = (await client.read_resource("tamis://models")).contents
        with pytest.raises(MCPError, match="tamis://models"):
            await client.read_resource("tamis://model")
    assert str(resource.uri) == "tamis://models"
    assert content.mime_type == resource.mime_type == "text/plain"
    _, header, model, other = content.text.splitlines()
    assert header.split()[:2] == ["model", "abilities"]
    assert model.split()[:3] == ["all-MiniLM-L6-v2", "dense", "512"]
    assert other.split()[0] == "other"
