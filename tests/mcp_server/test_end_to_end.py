"""The real command with the real engine, through a real client."""

from __future__ import annotations

import os
import re
import sys
from typing import TYPE_CHECKING, Any

import anyio
import pytest
from mcp import Client, StdioServerParameters

if TYPE_CHECKING:
    from pathlib import Path

    from mcp.types import CallToolResult

pytestmark = pytest.mark.anyio

NEEDLE = "def remove_expired_sessions(store, now):"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    for number in range(30):
        body = "\n\n".join(f"def helper_{number}_{k}(value):\n    return value * {k}" for k in range(20))
        (folder / f"part_{number}.py").write_text(body + "\n", encoding="utf-8")
    (folder / "sessions.py").write_text(
        f'"""Sessions of users."""\n\n\n{NEEDLE}\n    """Delete every session whose time is over."""\n'
        "    store.delete_where(lambda session: session.ends < now)\n",
        encoding="utf-8",
    )
    return folder


def serving(project: Path, *options: str) -> StdioServerParameters:
    """`tamis mcp` over the project, with a cache of its own."""
    environment = {**os.environ, "XDG_CACHE_HOME": str(project.parent / "cache")}
    arguments = ["-m", "tamis_mcp_server", "mcp", "--root", str(project), *options]
    return StdioServerParameters(command=sys.executable, args=arguments, env=environment)


async def called(client: Client, tool: str, **arguments: Any) -> tuple[str, CallToolResult]:
    with anyio.fail_after(90):
        result = await client.call_tool(tool, arguments)
    (block,) = result.content
    assert block.type == "text"
    return block.text, result


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_an_agent_gets_the_lines_that_matter_and_the_rest_by_handle(project: Path, mode: str) -> None:
    question = "where are expired sessions removed?"
    async with Client(serving(project), mode=mode) as client:
        answer, result = await called(client, "compress", sources=["."], query=question, budget_tokens=400)
        assert not result.is_error
        assert NEEDLE in answer
        assert "sessions.py:" in answer
        handle = re.search(r"@h_\w+", answer)
        assert handle is not None
        original, result = await called(client, "expand", ref=f"{handle[0]}/part_7.py")
        assert not result.is_error
        assert "helper_7_19" in original


async def test_every_tool_answers_over_real_files(project: Path) -> None:
    calls: dict[str, dict[str, Any]] = {
        "compress": {"query": "expired sessions"},
        "rerank": {"query": "expired sessions", "top_k": 3},
        "filter": {"query": "expired sessions", "keep": 2},
        "extract": {"fields": ["deletion: how sessions are deleted"]},
        "score": {"query": "expired sessions"},
        "encode": {},
    }
    async with Client(serving(project), mode="legacy") as client:
        for tool, arguments in calls.items():
            answer, result = await called(client, tool, sources=["sessions.py", "part_1.py"], **arguments)
            assert not result.is_error, answer
            assert "sessions.py" in answer or tool == "encode"


async def test_structured_answers_keep_to_their_schemas(project: Path) -> None:
    async with Client(serving(project, "--structured"), mode="auto") as client:
        for tool in ("compress", "rerank", "filter", "score"):
            _, result = await called(client, tool, sources=["sessions.py"], query="expired sessions")
            assert result.structured_content is not None
        for question in ("", "how are sessions deleted?"):
            _, result = await called(client, "expand", ref="sessions.py", question=question)
            assert result.structured_content is not None


async def test_what_lies_outside_the_root_is_refused_with_what_to_do(project: Path) -> None:
    outside = project.parent / "outside.txt"
    outside.write_text("not for you", encoding="utf-8")
    async with Client(serving(project), mode="auto") as client:
        answer, result = await called(client, "compress", sources=["../outside.txt"], query="what is there?")
    assert result.is_error
    assert "--root" in answer
    assert "not for you" not in answer
