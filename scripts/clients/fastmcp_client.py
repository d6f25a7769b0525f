"""The client of fastmcp. Prints a report that conformance.py judges."""

import asyncio
import json
import re
import sys
from typing import Any

from fastmcp import Client
from fastmcp.client.transports import StdioTransport


async def main(job: dict[str, Any]) -> None:
    """Do what every client is asked to do."""
    mode = "legacy" if job["legacy"] else "auto"
    async with Client(StdioTransport(job["command"], job["args"]), mode=mode) as client:
        tools = [tool.name for tool in await client.list_tools()]
        compressed = (await client.call_tool("compress", job["compress"])).content[0].text
        handle = re.findall(r"@h_\w+", compressed)[0]
        expanded = (await client.call_tool("expand", {"ref": f"{handle}/{job['rest']}"})).content[0].text
        report = {"revision": client.protocol_version, "tools": tools}
    print(json.dumps({**report, "compressed": compressed, "expanded": expanded}))


if __name__ == "__main__":
    asyncio.run(main(json.loads(sys.argv[1])))
