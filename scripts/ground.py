"""What every client is given: a folder of sources, a clean home, the server; and how its report is judged."""

from __future__ import annotations

import json
import os
import re
import socket
import sysconfig
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import Any

import installed
from installed import Failed

LEGACY, MODERN = "2025-11-25", "2026-07-28"
TOOLS = {"compress", "rerank", "filter", "extract", "score", "encode", "expand"}
SECONDS = 180
"""What any one command may take: a first call loads a model, and the machine may be busy."""

NEEDLE = "def remove_expired_sessions(store, now):"
"""A line of sessions.py."""
REST, LAST_IN_REST = "part_7.py", "helper_7_19"
"""A file that holds no answer, and what stands at its end."""
QUESTION = {"sources": ["."], "query": "Where are expired sessions removed?", "budget_tokens": 600}

TAMIS = Path(sysconfig.get_path("scripts")) / ("tamis.exe" if os.name == "nt" else "tamis")


@dataclass(frozen=True, slots=True)
class Ground:
    """A temporary `folder`, in which everything happens, and the npm packages in `npm`."""

    folder: Path
    npm: Path

    @property
    def project(self) -> Path:
        """The only folder that the server may read."""
        return self.folder / "project"

    @property
    def server(self) -> list[str]:
        """The command that serves over stdio."""
        return [str(TAMIS), "mcp", "--root", str(self.project)]

    def package(self, name: str) -> Path:
        """The folder of an npm package."""
        return self.npm / "node_modules" / name

    def job(self, revision: str = LEGACY) -> str:
        """What a client program is to do, as its argument."""
        command, *arguments = self.server
        server = {"command": command, "args": arguments}
        return json.dumps({**server, "legacy": revision == LEGACY, "compress": QUESTION, "rest": REST})

    def run(self, name: str, *command: str | Path) -> str:
        """What a command printed. Raises `Failed`."""
        if code := installed.run(command, name, SECONDS, self.project, self._environment()):
            raise Failed(f"exit code {code}; see {installed.log(name)}")
        return installed.output(name)

    def _environment(self) -> dict[str, str]:
        """Nothing of the user's own but where programs are; agents are told to send nothing and trust the folder."""
        kept = ("PATH", "LANG", "SYSTEMROOT", "COMSPEC", "PATHEXT")
        return {
            **{name: os.environ[name] for name in kept if name in os.environ},
            **dict.fromkeys(("HOME", "USERPROFILE", "APPDATA", "LOCALAPPDATA"), str(self.folder / "home")),
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
            "GEMINI_CLI_TRUST_WORKSPACE": "true",
        }


def lay(folder: Path) -> None:
    """Make the home, and a project of thirty files that fit no budget and one that holds the answer."""
    (folder / "home").mkdir()
    project = folder / "project"
    project.mkdir()
    for number in range(30):
        body = "\n\n".join(f"def helper_{number}_{k}(value):\n    return value * {k}" for k in range(20))
        (project / f"part_{number}.py").write_text(body + "\n", encoding="utf-8")
    (project / "sessions.py").write_text(
        f'"""Sessions of users."""\n\n\n{NEEDLE}\n    """Delete every session whose time is over."""\n'
        "    store.delete_where(lambda session: session.ends < now)\n",
        encoding="utf-8",
    )


def judged(report: dict[str, Any], revision: str) -> str:
    """What is right about a client's report. Raises `Failed` with what is not."""
    if (spoken := report.get("revision", revision)) != revision:
        raise Failed(f"it spoke {spoken}")
    if set(report["tools"]) != TOOLS:
        raise Failed(f"it listed {report['tools']}")
    compressed, expanded = report["compressed"], report["expanded"]
    if not re.search(rf"sessions\.py:\d+(?s:.)*^{re.escape(NEEDLE)}$", compressed, re.MULTILINE):
        raise Failed(f"compress did not show {NEEDLE!r} of sessions.py: {compressed[:300]!r}")
    if LAST_IN_REST not in expanded:
        raise Failed(f"expand did not show {REST}: {expanded[:300]!r}")
    return "7 tools; compress gives path:line; expand gives the rest"


@contextmanager
def serving(ground: Ground) -> Generator[str]:
    """The URL of the same server over HTTP: the suite speaks no stdio. The server logs beside the others."""
    import logging

    import uvicorn

    from tamis_mcp_server.server import build_server
    from tamis_mcp_server.settings import local_engine
    from tamis_tools.handles import HandleStore
    from tamis_tools.scope import open_scope
    from tamis_tools.workspace import Workspace

    @asynccontextmanager
    async def open_workspace() -> AsyncGenerator[Workspace]:
        async with local_engine(os.environ) as engine:
            yield Workspace(open_scope((str(ground.project),)), engine, HandleStore(ground.folder / "handles"))

    logging.basicConfig(filename=installed.LOGS / "server-over-http.log")
    app = build_server(open_workspace).streamable_http_app()
    server = uvicorn.Server(uvicorn.Config(app, log_level="critical", timeout_graceful_shutdown=2))
    # it listens before the thread runs, so whoever comes early waits in the queue
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = Thread(target=server.run, args=([listener],), daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}/mcp"
        finally:
            server.should_exit = True
            thread.join(20)
