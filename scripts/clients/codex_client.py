"""Talks to Codex's app server, which calls our tools without a login. Prints a report that conformance.py judges.

Codex finds the server in its own configuration, where `tamis install codex` put it.
"""

import json
import re
import subprocess
import sys
from typing import Any


class AppServer:
    """One app server over stdin and stdout, a request at a time."""

    def __init__(self, command: list[str]) -> None:
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8")
        self._asked = 0

    def send(self, **message: Any) -> None:
        """A message that wants no answer."""
        assert self._process.stdin
        self._process.stdin.write(json.dumps(message) + "\n")
        self._process.stdin.flush()

    def ask(self, method: str, **params: Any) -> dict[str, Any]:
        """The result of a request; what Codex says meanwhile is passed over."""
        self._asked += 1
        self.send(id=self._asked, method=method, params=params)
        assert self._process.stdout
        for line in self._process.stdout:
            message = json.loads(line)
            if message.get("id") == self._asked and "method" not in message:
                return message["result"]
        raise EOFError(method)

    def close(self) -> None:
        """End it in order."""
        self._process.communicate(timeout=20)


def main(job: dict[str, Any], command: list[str]) -> None:
    """Do what every client is asked to do."""
    codex = AppServer(command)
    codex.ask("initialize", clientInfo={"name": "conformance", "title": "Conformance", "version": "1"})
    codex.send(method="initialized")
    (server,) = codex.ask("mcpServerStatus/list")["data"]
    thread = codex.ask("thread/start")["thread"]["id"]

    def call(tool: str, **arguments: Any) -> str:
        result = codex.ask("mcpServer/tool/call", threadId=thread, server="tamis", tool=tool, arguments=arguments)
        return result["content"][0]["text"]

    compressed = call("compress", **job["compress"])
    handle = re.findall(r"@h_\w+", compressed)[0]
    expanded = call("expand", ref=f"{handle}/{job['rest']}")
    codex.close()
    print(json.dumps({"tools": list(server["tools"]), "compressed": compressed, "expanded": expanded}))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]), sys.argv[2:])
