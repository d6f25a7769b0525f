"""What `tamis doctor` reports and how it ends."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tamis_mcp_server.doctor import Check, Status, checks, trials
from tamis_mcp_server.install import Machine
from tests.mcp_server.cli.fakes import Desk


def finds(status: Status, *, engine: bool = False) -> Check:
    return Check(f"a-{status}", lambda _machine: (status, "seen"), "do this", engine)


def breaks(_machine: Machine) -> tuple[Status, str]:
    raise OSError("no such thing")


@pytest.mark.parametrize(
    ("found", "code"),
    [
        ((finds("ok"), finds("warn")), 0),
        ((finds("ok"), finds("fail")), 1),
        ((finds("fail"), finds("fail", engine=True)), 4),
        ((Check("broken", breaks, "mend it", engine=True), finds("ok")), 4),
    ],
)
def test_the_exit_code_says_whether_something_failed(desk: Desk, found: tuple[Check, ...], code: int) -> None:
    desk.checks = found
    assert desk.types("doctor").code == code
    said = desk.types("doctor", "--json")
    assert said.code == code
    assert json.loads(said.out)["ok"] is (code == 0)


def test_each_line_says_what_to_do_unless_all_is_well(desk: Desk) -> None:
    desk.checks = (finds("ok"), finds("warn"), Check("broken", breaks, "mend it"))
    assert [line.split() for line in desk.types("doctor").out.splitlines()] == [
        ["ok", "a-ok", "seen"],
        ["warn", "a-warn", "seen"],
        ["->", "do", "this"],
        ["fail", "broken", "OSError:", "no", "such", "thing"],
        ["->", "mend", "it"],
    ]


@pytest.mark.parametrize("check", [checks.python, checks.packages, checks.model, checks.tokens, checks.languages])
def test_what_is_installed_here_is_found_well(check: object) -> None:
    assert callable(check)
    status, _ = check(Machine.here())
    assert status == "ok"


def test_a_configured_client_is_named_and_a_command_that_is_gone_is_told(tmp_path: Path) -> None:
    machine = Machine(tmp_path, tmp_path / "project", "linux", {}, "/x/python", "/x/tamis")
    assert checks.clients(machine) == ("warn", "none is configured")
    (tmp_path / ".gemini").mkdir()
    settings = tmp_path / ".gemini" / "settings.json"
    settings.write_text('{"mcpServers": {"tamis": {"command": "uvx"}}}', encoding="utf-8")
    assert checks.clients(machine) == ("ok", f"Gemini CLI ({settings})")
    gone = str(tmp_path / "gone" / "tamis")
    settings.write_text(json.dumps({"mcpServers": {"tamis": {"command": gone}}}), encoding="utf-8")
    status, detail = checks.clients(machine)
    assert status == "warn"
    assert gone in detail


def test_an_engine_elsewhere_is_named(tmp_path: Path) -> None:
    env = {"TAMIS_ENGINE": "http://box:8080"}
    machine = Machine(tmp_path, tmp_path, "linux", env, "/x/python", "/x/tamis")
    assert trials.sharing(machine) == ("ok", "the engine at http://box:8080, as TAMIS_ENGINE says")
