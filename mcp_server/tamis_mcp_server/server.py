"""The MCP server: lists the tools, runs one operation a call, and answers in plain text.

It stands on the SDK's `Server` rather than on `MCPServer`, because every word of a schema, of a result and
of an error is ours to choose here, and because nothing but protocol is imported before the first answer.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mcp.server import Server
from mcp.types import (
    CallToolRequestParams,
    CallToolResult,
    ListToolsResult,
    PaginatedRequestParams,
    TextContent,
)

from tamis_mcp_server import __version__, resources
from tamis_mcp_server.failures import explained
from tamis_mcp_server.instructions import INSTRUCTIONS
from tamis_mcp_server.mistakes import checked, near
from tamis_mcp_server.progress import Progress
from tamis_mcp_server.resources import Context
from tamis_mcp_server.tools import TOOLS, Tool, listing
from tamis_tools import tokens
from tamis_tools.errors import BadArgument
from tamis_tools.operations import Operation, load
from tamis_tools.pace import Pace
from tamis_tools.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractAsyncContextManager

    from tamis_tools.results import Answer


def build_server(
    open_workspace: Callable[[], AbstractAsyncContextManager[Workspace]],
    *,
    operations: Callable[[str], Operation] = load,
    structured: bool = False,
    open_world: bool = False,
) -> Server[Workspace]:
    """A server whose connections each get a workspace of their own; servers share nothing.

    `operations` finds what runs behind a tool. With `structured`, results are JSON after a schema instead
    of text. `open_world` tells clients that sources may lie outside this machine.
    """
    tools = [listing(tool, structured=structured, open_world=open_world) for tool in TOOLS]
    calls = _Calls(operations, structured)

    async def list_tools(_context: Context, _page: PaginatedRequestParams | None) -> ListToolsResult:
        return ListToolsResult(tools=tools)

    return Server(
        "tamis",
        version=__version__,
        instructions=INSTRUCTIONS,
        lifespan=lambda _server: open_workspace(),
        on_list_tools=list_tools,
        on_call_tool=calls.call,
        on_list_resources=resources.listed,
        on_list_resource_templates=resources.templates,
        on_read_resource=resources.read,
    )


@dataclass(frozen=True, slots=True)
class _Calls:
    operations: Callable[[str], Operation]
    structured: bool

    async def call(self, context: Context, params: CallToolRequestParams) -> CallToolResult:
        progress = Progress(context.session.report_progress)
        workspace = context.lifespan_context
        pace = Pace(workspace.scope.limits.call_seconds, progress.report)
        async with progress.alive():
            try:
                tool = _tool(params.name)
                answer = await self._run(tool, params.arguments or {}, workspace, pace)
                return self._result(tool, answer, workspace.scope.limits.max_result_tokens)
            except Exception as error:  # noqa: BLE001 - the outer edge: whatever happened becomes an answer
                return _text(_sendable(explained(params.name, error)), is_error=True)

    async def _run(self, tool: Tool, given: Mapping[str, object], workspace: Workspace, pace: Pace) -> Answer[Any]:
        request = tool.request(**dict(checked(tool.name, tool.arguments, given)))
        return await self.operations(tool.name)(workspace, request, pace)

    def _result(self, tool: Tool, answer: Answer[Any], limit: int) -> CallToolResult:
        if not self.structured:
            return _text(_fitting(tool, answer.text, limit))
        # clients show a model either this or the text: whatever it must know is in the data
        data = json.dumps(answer.data.model_dump(mode="json"), ensure_ascii=False)
        pointer = TextContent(type="text", text="See structuredContent.")
        return CallToolResult(content=[pointer], structured_content=json.loads(_fitting(tool, data, limit)))


def _tool(name: str) -> Tool:
    known = {tool.name: tool for tool in TOOLS}
    if name not in known:
        raise BadArgument(f"There is no tool {name!r}. {near(name, known)}")
    return known[name]


def _fitting(tool: Tool, answer: str, limit: int) -> str:
    text = _sendable(answer)
    # a token is at least one byte, so most answers need no counting
    if len(text.encode()) > limit and (size := tokens.count(text)) > limit:
        raise BadArgument(
            f"{tool.name} has an answer of {size:,} tokens, over the {limit:,} that one may have. "
            "Ask for less: a smaller budget or top_k, or fewer sources in one call."
        )
    return text


def _text(text: str, *, is_error: bool = False) -> CallToolResult:
    return CallToolResult(content=[TextContent(type="text", text=text)], is_error=is_error)


def _sendable(text: str) -> str:
    # names of files can hold what is no Unicode, and one such character would end the connection
    return text.encode("utf-8", "replace").decode()
