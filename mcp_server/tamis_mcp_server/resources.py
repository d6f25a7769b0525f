"""The one resource, `tamis://models`: which names a tool's `model` may take, and how each of them is."""

from __future__ import annotations

from mcp import MCPError
from mcp.server import ServerRequestContext
from mcp.types import (
    INTERNAL_ERROR,
    INVALID_PARAMS,
    ListResourcesResult,
    ListResourceTemplatesResult,
    PaginatedRequestParams,
    ReadResourceRequestParams,
    ReadResourceResult,
    Resource,
    TextResourceContents,
)

from tamis_engine.errors import EngineError
from tamis_mcp_server.models import table
from tamis_tools.workspace import Workspace

Context = ServerRequestContext[Workspace]

MODELS = Resource(
    uri="tamis://models",
    name="models",
    description="The models that the engine knows: state, abilities, dimensions, limits, memory, licence.",
    mime_type="text/plain",
)


async def listed(_context: Context, _page: PaginatedRequestParams | None) -> ListResourcesResult:
    """All there are."""
    return ListResourcesResult(resources=[MODELS])


async def templates(_context: Context, _page: PaginatedRequestParams | None) -> ListResourceTemplatesResult:
    """None; but who offers resources answers this too."""
    return ListResourceTemplatesResult(resource_templates=[])


async def read(context: Context, params: ReadResourceRequestParams) -> ReadResourceResult:
    """A line a model. Starts and loads nothing."""
    if str(params.uri) != MODELS.uri:
        message = f"There is no resource {params.uri}. There is {MODELS.uri}."
        raise MCPError(code=INVALID_PARAMS, message=message, data={"uri": str(params.uri)})
    try:
        models = await context.lifespan_context.engine.models()
    except EngineError as error:
        raise MCPError(code=INTERNAL_ERROR, message=str(error)) from error
    contents = TextResourceContents(uri=MODELS.uri, text=table(models), mime_type=MODELS.mime_type)
    return ReadResourceResult(contents=[contents])
