"""LangChain's adapters, on the first generation of the Python SDK. Prints a report that conformance.py judges."""

import asyncio
import json
import re
import sys
from typing import Any

from langchain_mcp_adapters.client import MultiServerMCPClient
from langchain_mcp_adapters.tools import load_mcp_tools


async def main(job: dict[str, Any]) -> None:
    """Do what every client is asked to do."""
    client = MultiServerMCPClient({"tamis": {"transport": "stdio", "command": job["command"], "args": job["args"]}})
    async with client.session("tamis", auto_initialize=False) as session:
        started = await session.initialize()
        tools = {tool.name: tool for tool in await load_mcp_tools(session)}
        compressed = text(await tools["compress"].ainvoke(job["compress"]))
        handle = re.findall(r"@h_\w+", compressed)[0]
        expanded = text(await tools["expand"].ainvoke({"ref": f"{handle}/{job['rest']}"}))
    report = {"revision": started.protocolVersion, "tools": list(tools)}
    print(json.dumps({**report, "compressed": compressed, "expanded": expanded}))


def text(answer: str | list[dict[str, str]]) -> str:
    """The text of a tool's answer, which the adapters give bare or as blocks."""
    return answer if isinstance(answer, str) else "".join(block["text"] for block in answer)


if __name__ == "__main__":
    asyncio.run(main(json.loads(sys.argv[1])))
