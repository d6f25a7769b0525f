"""Which command a client must run to start this very Tamis."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from tamis_mcp_server.install.machine import Machine

Choice = Literal["auto", "uvx", "path"]


def server_command(machine: Machine, choice: Choice, *, project: bool) -> tuple[str, ...]:
    """The command and its arguments: by path, or through uvx, which `auto` takes if uvx is what runs us."""
    found = _installed(machine)
    if choice == "uvx" or (choice == "auto" and _fleeting(found[0])):
        return (_uvx(machine, project=project), "tamis", "mcp")
    return (*found, "mcp")


def _installed(machine: Machine) -> tuple[str, ...]:
    name = "tamis.exe" if machine.platform == "win32" else "tamis"
    called = Path(machine.argv0)
    beside = Path(machine.executable).with_name(name)
    for candidate in (called if called.name in ("tamis", name) else beside, beside):
        at = machine.cwd / candidate
        if at.is_file():
            return (str(at),)
    on_path = shutil.which("tamis", path=machine.env.get("PATH", ""))
    return (on_path,) if on_path else (machine.executable, "-m", "tamis_mcp_server")


def _fleeting(command: str) -> bool:
    """True for uv's cache, whose folders are cleaned away."""
    return any(part.startswith(("archive-v", "environments-v")) for part in Path(command).parts)


def _uvx(machine: Machine, *, project: bool) -> str:
    """A path for the user's own file: desktop applications know a short PATH. A project's file is shared."""
    return "uvx" if project else shutil.which("uvx", path=machine.env.get("PATH", "")) or "uvx"
