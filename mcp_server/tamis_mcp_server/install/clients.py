"""The clients that Tamis can be added to, as data: to support one more, add a row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from tamis_mcp_server.install.errors import InstallError

if TYPE_CHECKING:
    from pathlib import Path

    from tamis_mcp_server.install.machine import Machine


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """Where a client keeps its servers and what an entry looks like.

    The user's file is `base`/`folder`/`file`, or `file` in the folder that the environment variable
    `moved_by` names. `project_file` is relative to the project, empty where the client knows no such file.
    `servers` is the key of the table of servers; `before` and `after` are what an entry holds around command
    and args. `default_root` is a variable that the client replaces by the project's folder; a client without
    one starts servers in the project's folder, unless it `needs_root`.
    """

    name: str
    title: str
    base: Literal["home", "config"]
    folder: str = ""
    file: str
    moved_by: str = ""
    project_file: str = ""
    format: Literal["json", "toml"] = "json"
    servers: str = "mcpServers"
    before: Mapping[str, object] = field(default_factory=dict[str, object])
    after: Mapping[str, object] = field(default_factory=dict[str, object])
    default_root: str = ""
    needs_root: bool = False
    restart: str

    def config_file(self, machine: Machine, *, project: bool) -> Path:
        """The file to edit: the user's, or that of the project in the working directory."""
        if not project:
            return machine.place(self.base, self.folder, self.moved_by) / self.file
        if not self.project_file:
            raise InstallError(f"{self.title} has no settings for a project. Leave out --project.")
        return machine.cwd / self.project_file

    def entry(self, command: tuple[str, ...], roots: tuple[str, ...]) -> dict[str, object]:
        """What is written under the name `tamis`."""
        if self.needs_root and not roots:
            raise InstallError(
                f"{self.title} starts servers outside of any project, so Tamis can't know what it may read. "
                f"Say which folders: tamis install {self.name} --root FOLDER."
            )
        chosen = roots or ((self.default_root,) if self.default_root else ())
        arguments = [*command[1:], *(part for root in chosen for part in ("--root", root))]
        return {**self.before, "command": command[0], "args": arguments, **self.after}


CLIENTS: dict[str, Client] = {
    client.name: client
    for client in (
        Client(
            name="claude-code",
            title="Claude Code",
            base="home",
            file=".claude.json",
            moved_by="CLAUDE_CONFIG_DIR",
            project_file=".mcp.json",
            restart="Start Claude Code again; /mcp lists the server.",
        ),
        Client(
            name="claude-desktop",
            title="Claude Desktop",
            base="config",
            folder="Claude",
            file="claude_desktop_config.json",
            needs_root=True,
            restart="Quit Claude Desktop completely and open it again.",
        ),
        Client(
            name="cursor",
            title="Cursor",
            base="home",
            folder=".cursor",
            file="mcp.json",
            project_file=".cursor/mcp.json",
            default_root="${workspaceFolder}",
            restart="Restart Cursor, or switch the server on in its MCP settings.",
        ),
        Client(
            name="vscode",
            title="VS Code",
            base="config",
            folder="Code/User",
            file="mcp.json",
            project_file=".vscode/mcp.json",
            servers="servers",
            before={"type": "stdio"},
            default_root="${workspaceFolder}",
            restart="Run 'MCP: List Servers' in VS Code and start tamis.",
        ),
        Client(
            name="codex",
            title="Codex",
            base="home",
            folder=".codex",
            file="config.toml",
            moved_by="CODEX_HOME",
            project_file=".codex/config.toml",
            format="toml",
            servers="mcp_servers",
            # Codex gives a server 10 s to start and 60 s to answer unless told otherwise
            after={"startup_timeout_sec": 30, "tool_timeout_sec": 120},
            restart="Start Codex again; /mcp lists the server.",
        ),
        Client(
            name="gemini",
            title="Gemini CLI",
            base="home",
            folder=".gemini",
            file="settings.json",
            project_file=".gemini/settings.json",
            after={"timeout": 120_000},
            restart="Start Gemini CLI again; /mcp lists the server.",
        ),
    )
}
