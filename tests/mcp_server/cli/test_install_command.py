"""`tamis install` as it is typed: what lies on the disk afterwards."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest

from tamis_mcp_server.install import CLIENTS
from tests.mcp_server.cli.fakes import Desk

PLACES = {
    "linux": {
        "claude-code": ".claude.json",
        "claude-desktop": ".config/Claude/claude_desktop_config.json",
        "cursor": ".cursor/mcp.json",
        "vscode": ".config/Code/User/mcp.json",
        "codex": ".codex/config.toml",
        "gemini": ".gemini/settings.json",
    },
    "darwin": {
        "claude-code": ".claude.json",
        "claude-desktop": "Library/Application Support/Claude/claude_desktop_config.json",
        "cursor": ".cursor/mcp.json",
        "vscode": "Library/Application Support/Code/User/mcp.json",
        "codex": ".codex/config.toml",
        "gemini": ".gemini/settings.json",
    },
    "win32": {
        "claude-code": ".claude.json",
        "claude-desktop": "AppData/Roaming/Claude/claude_desktop_config.json",
        "cursor": ".cursor/mcp.json",
        "vscode": "AppData/Roaming/Code/User/mcp.json",
        "codex": ".codex/config.toml",
        "gemini": ".gemini/settings.json",
    },
}
PROJECT = {
    "claude-code": ".mcp.json",
    "cursor": ".cursor/mcp.json",
    "vscode": ".vscode/mcp.json",
    "codex": ".codex/config.toml",
    "gemini": ".gemini/settings.json",
}


@pytest.fixture
def command(desk: Desk) -> str:
    """The `tamis` beside the interpreter that runs."""
    for name in ("tamis", "tamis.exe"):
        path = desk.folder / "env" / "bin" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return str(desk.folder / "env" / "bin" / "tamis")


def entry(path: Path, client: str) -> dict[str, object]:
    text = path.read_text(encoding="utf-8")
    content = tomllib.loads(text) if path.suffix == ".toml" else json.loads(text)
    return content[CLIENTS[client].servers]["tamis"]


def everything(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and "env" not in path.parts
    }


@pytest.mark.parametrize(
    ("platform", "client", "place"),
    [(platform, client, place) for platform, places in PLACES.items() for client, place in places.items()],
)
def test_each_client_finds_the_entry_where_it_looks_on_each_system(
    desk: Desk, command: str, platform: str, client: str, place: str
) -> None:
    desk.platform = platform
    said = desk.types("install", client, "--root", ".")
    assert said.code == 0, said.err
    path = desk.home / place
    found = entry(path, client)
    assert found["command"] == command + (".exe" if platform == "win32" else "")
    assert found["args"] == ["mcp", "--root", str(desk.cwd)]
    assert str(path) in said.out
    assert CLIENTS[client].restart in said.out


@pytest.mark.parametrize("client", PROJECT)
def test_a_project_has_its_own_file(desk: Desk, command: str, client: str) -> None:
    said = desk.types("install", client, "--project")
    assert entry(desk.cwd / PROJECT[client], client)["command"] == command
    assert "uvx" in said.out


def test_uvx_is_written_plainly_into_a_file_that_others_share(desk: Desk, command: str) -> None:
    said = desk.types("install", "claude-code", "--project", "--command", "uvx")
    assert entry(desk.cwd / ".mcp.json", "claude-code") == {"command": "uvx", "args": ["tamis", "mcp"]}
    assert "path of this machine" not in said.out


def test_what_runs_from_a_cache_of_uv_is_started_through_uvx(desk: Desk) -> None:
    cached = desk.folder / "uv" / "archive-v0" / "abc" / "bin" / "tamis"
    cached.parent.mkdir(parents=True)
    cached.touch()
    (desk.folder / "env").symlink_to(cached.parents[1])
    desk.folder = desk.folder / "uv" / "archive-v0" / "abc"
    home = desk.home
    home.mkdir()
    (desk.folder / "env").mkdir()
    (desk.folder / "env" / "bin").symlink_to(cached.parent)
    assert desk.types("install", "cursor").code == 0
    assert entry(home / ".cursor/mcp.json", "cursor")["command"] == "uvx"


def test_the_folder_of_the_open_project_is_the_root_where_a_client_can_tell_it(desk: Desk, command: str) -> None:
    for client, root in (("cursor", "${workspaceFolder}"), ("vscode", "${workspaceFolder}")):
        desk.types("install", client, "--project")
        assert entry(desk.cwd / PROJECT[client], client)["args"] == ["mcp", "--root", root]
    desk.types("install", "codex")
    assert entry(desk.home / ".codex/config.toml", "codex") == {
        "command": command,
        "args": ["mcp"],
        "startup_timeout_sec": 30,
        "tool_timeout_sec": 120,
    }


@pytest.mark.parametrize(
    ("client", "variable", "file"),
    [("claude-code", "CLAUDE_CONFIG_DIR", ".claude.json"), ("codex", "CODEX_HOME", "config.toml")],
)
def test_a_client_that_was_moved_is_found(desk: Desk, command: str, client: str, variable: str, file: str) -> None:
    desk.env[variable] = str(desk.folder / "moved")
    desk.types("install", client)
    assert entry(desk.folder / "moved" / file, client)["command"] == command


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("claude-desktop", "--root"),
        ("claude-desktop --project --root .", "--project"),
        ("cursor --root missing", "not a folder"),
        ("cursor --root /", "too wide"),
        ("emacs", "emacs"),
    ],
)
def test_what_would_not_work_is_refused_and_nothing_is_written(desk: Desk, line: str, words: str) -> None:
    before = everything(desk.folder)
    said = desk.types("install", *line.split())
    assert said.code == 2
    assert words in said.err
    assert everything(desk.folder) == before


def test_a_broken_file_is_left_as_it_is(desk: Desk, command: str) -> None:
    path = desk.home / ".claude.json"
    path.write_bytes(b'{"mcpServers": {')
    said = desk.types("install", "claude-code")
    assert said.code == 2
    assert str(path) in said.err
    assert everything(desk.home / ".claude.json") == {}
    assert path.read_bytes() == b'{"mcpServers": {'


def test_the_file_as_it_was_is_kept_beside_it_with_its_mode(desk: Desk, command: str) -> None:
    path = desk.home / ".claude.json"
    path.write_bytes(b'{"secret": 1}')
    path.chmod(0o600)
    said = desk.types("install", "claude-code")
    (backup,) = desk.home.glob(".claude.json.tamis-backup-*")
    assert backup.read_bytes() == b'{"secret": 1}'
    assert str(backup) in said.out
    assert {found.stat().st_mode & 0o777 for found in (path, backup)} == {0o600}


def test_a_dry_run_shows_the_change_and_writes_nothing(desk: Desk, command: str) -> None:
    (desk.home / ".claude.json").write_bytes(b'{\n  "a": 1\n}\n')
    before = everything(desk.folder)
    said = desk.types("install", "claude-code", "--dry-run")
    assert '+    "tamis": {' in said.out
    assert everything(desk.folder) == before


def test_a_second_time_changes_nothing_and_says_so(desk: Desk, command: str) -> None:
    desk.types("install", "gemini")
    before = everything(desk.folder)
    assert "already installed" in desk.types("install", "gemini").out
    assert everything(desk.folder) == before


@pytest.mark.parametrize("client", PLACES["linux"])
def test_undo_leaves_the_disk_as_if_nothing_had_been(desk: Desk, command: str, client: str) -> None:
    before = everything(desk.folder)
    desk.types("install", client, "--root", ".")
    assert everything(desk.folder) != before
    assert desk.types("install", client, "--undo").code == 0
    assert everything(desk.folder) == before
    assert "nothing to undo" in desk.types("install", client, "--undo").out


def test_undo_gives_an_older_file_its_bytes_back(desk: Desk, command: str) -> None:
    path = desk.home / ".claude.json"
    path.write_bytes(b'// mine\r\n{"a": [1,2], }')
    desk.types("install", "claude-code")
    desk.types("install", "claude-code", "--root", ".")
    desk.types("install", "claude-code", "--undo")
    assert path.read_bytes() == b'// mine\r\n{"a": [1,2], }'


def test_a_link_into_someones_dotfiles_stays_a_link(desk: Desk, command: str) -> None:
    kept = desk.folder / "dotfiles.json"
    kept.write_bytes(b"{}")
    (desk.home / ".claude.json").symlink_to(kept)
    desk.types("install", "claude-code")
    assert (desk.home / ".claude.json").is_symlink()
    assert entry(kept, "claude-code")["command"] == command


def test_a_file_that_another_program_changes_meanwhile_is_not_overwritten(tmp_path: Path) -> None:
    from datetime import datetime

    from tamis_mcp_server.install import files, plan
    from tamis_mcp_server.install.errors import Contended

    path = tmp_path / "settings.json"
    path.write_bytes(b"{}")
    change = plan.install(CLIENTS["gemini"], path, b"{}", {"command": "x"})
    path.write_bytes(b'{"new": 1}')
    with pytest.raises(Contended, match="another program"):
        files.apply(change, datetime(2027, 1, 1))
    assert path.read_bytes() == b'{"new": 1}'
