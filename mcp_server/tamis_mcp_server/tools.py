"""The seven tools: what each takes and gives, as data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mcp.types import Tool as Listing
from mcp.types import ToolAnnotations
from pydantic import TypeAdapter

from tamis_mcp_server import arguments
from tamis_tools import requests, results


@dataclass(frozen=True, slots=True)
class Tool:
    """One tool, which bears the name of its operation. `result` is a model or a union."""

    name: str
    arguments: type[arguments.Arguments]
    request: type[Any]
    result: Any
    read_only: bool = True


# with a question, expand answers as compress does
_EXPANDED = results.Expanded | results.Compressed

TOOLS = (
    Tool("compress", arguments.Compress, requests.CompressRequest, results.Compressed),
    Tool("rerank", arguments.Rerank, requests.RerankRequest, results.Reranked),
    Tool("filter", arguments.Filter, requests.FilterRequest, results.Filtered),
    Tool("extract", arguments.Extract, requests.ExtractRequest, results.Extracted),
    Tool("score", arguments.Score, requests.ScoreRequest, results.Scored),
    # the others only remember what they read; a file of vectors is made to be used by others
    Tool("encode", arguments.Encode, requests.EncodeRequest, results.Encoded, read_only=False),
    Tool("expand", arguments.Expand, requests.ExpandRequest, _EXPANDED),
)
"""In the order in which they are listed, which never changes: clients cache prompts."""


def listing(tool: Tool, *, structured: bool, open_world: bool) -> Listing:
    """The tool as a client sees it; with `structured` it announces the shape of its result."""
    schema = _plain(tool.arguments.model_json_schema())
    description = " ".join(schema.pop("description").split())
    return Listing(
        name=tool.name,
        description=description,
        input_schema=schema,
        output_schema=_output_schema(tool) if structured else None,
        annotations=ToolAnnotations(
            read_only_hint=tool.read_only,
            destructive_hint=False,
            idempotent_hint=True,
            open_world_hint=open_world,
        ),
    )


def _output_schema(tool: Tool) -> dict[str, Any]:
    # the protocol wants an object at the root, which the schema of a union does not say
    return {"type": "object", **_plain(TypeAdapter(tool.result).json_schema())}


def _plain(schema: Any) -> Any:
    """A schema without what says nothing, since a model pays for every word: titles and empty defaults."""
    if isinstance(schema, list):
        return [_plain(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: _plain(value)
        for key, value in schema.items()
        if not (key == "title" and isinstance(value, str)) and not (key == "default" and not value)
    }
