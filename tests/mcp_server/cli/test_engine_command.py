"""What `tamis engine` says of an engine that runs, and of none."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from filelock import FileLock

from tamis_engine.process.address import Address, here
from tamis_engine.process.daemon import LISTENING
from tamis_engine.process.shared import Place, launch
from tests.mcp_server.cli.fakes import Desk

PROGRAM = Path(__file__).parents[2] / "engine" / "fake_worker.py"


@pytest.fixture
def address(desk: Desk) -> Iterator[Address]:
    """Where the desk's engine is met; none is there when the test ends."""
    with tempfile.TemporaryDirectory(prefix="tamis-") as folder:
        desk.env["TAMIS_ENGINE_FOLDER"] = folder
        address = here(Path(folder))
        yield address
        desk.types("engine", "stop")
        wait_until_gone(address)


def wait_until_gone(address: Address) -> None:
    with FileLock(address.life_lock).acquire(timeout=20):
        pass


def start(address: Address, log: Path) -> None:
    """Returns once it listens."""
    log.touch()
    assert launch(Place(address, 20, (sys.executable, "-P", str(PROGRAM), str(log)))) == LISTENING


def test_where_none_runs_both_commands_say_so(desk: Desk, address: Address) -> None:
    for command in ("status", "stop"):
        said = desk.types("engine", command)
        assert (said.code, said.err) == (0, "")
        assert said.out.startswith("No engine runs.")
    assert json.loads(desk.types("engine", "status", "--json").out) == {"running": False}


def test_status_says_what_runs_and_stop_ends_it(desk: Desk, address: Address) -> None:
    start(address, desk.folder / "log")
    told = json.loads(desk.types("engine", "status", "--json").out)
    assert told["running"] is True
    assert (told["clients"], told["calls"], told["address"]) == (0, 0, str(address.meeting_point))
    assert told["models"][0]["state"] == "absent"
    text = desk.types("engine", "status").out
    assert f"process  {told['pid']}, up 0 min" in text
    assert str(address.meeting_point) in text
    stopped = desk.types("engine", "stop")
    assert f"Stopped process {told['pid']}." in stopped.out
    wait_until_gone(address)
    assert not address.meeting_point.exists()


def test_an_engine_that_does_not_let_us_in_is_code_4_and_one_line(desk: Desk, address: Address) -> None:
    other = Address(address.folder, "other")
    start(other, desk.folder / "log")
    address.meeting_point.symlink_to(other.meeting_point)
    said = desk.types("engine", "status")
    assert said.code == 4
    assert "another version" in said.err
    assert said.err.count("\n") == 1
    address.meeting_point.unlink()
    other.meeting_point.rename(address.meeting_point)


def test_a_setting_that_makes_no_sense_is_wrong_use(desk: Desk) -> None:
    desk.env["TAMIS_ENGINE_IDLE_SECONDS"] = "soon"
    said = desk.types("engine", "status")
    assert said.code == 2
    assert "'soon'" in said.err
