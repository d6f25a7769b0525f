"""What `tamis engine` says of an engine that runs, and of none."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest
from filelock import FileLock

from tamis_engine.errors import EngineUnavailable
from tamis_engine.process.address import Address, here
from tamis_engine.process.daemon import LISTENING
from tamis_engine.process.shared import Place, launch
from tamis_mcp_server.settings import engine
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


def test_a_socket_that_the_environment_names_is_used_and_never_started(desk: Desk, address: Address) -> None:
    async def asked() -> None:
        async with engine({"TAMIS_ENGINE": str(address.meeting_point)}) as running:
            await running.ready()

    with pytest.raises(EngineUnavailable, match=address.meeting_point.name):
        anyio.run(asked)
    assert not address.meeting_point.exists()
    start(address, desk.folder / "log")
    anyio.run(asked)


def test_over_http_it_serves_whoever_bears_the_token_until_a_signal_comes(desk: Desk, address: Address) -> None:
    token_file = desk.folder / "token"
    token_file.write_text("s3cret\n", encoding="utf-8")
    command = ("-m", "tamis_mcp_server", "engine", "--http", "127.0.0.1:0", "--token-file", str(token_file))
    env = {**os.environ, **desk.env}

    async def models(url: str, token: str) -> int:
        async with engine({"TAMIS_ENGINE": url, "TAMIS_TOKEN": token}) as far:
            return len(await far.models())

    with subprocess.Popen([sys.executable, *command], stdout=subprocess.PIPE, env=env, text=True) as process:
        assert process.stdout
        url = process.stdout.readline().removeprefix("Listening at ").strip()
        assert anyio.run(models, url, "s3cret") > 0
        with pytest.raises(EngineUnavailable, match="Send the token"):
            anyio.run(models, url, "wrong")
        process.send_signal(signal.SIGTERM)
    assert process.returncode == 0


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--http", "0.0.0.0:0"), "needs a token there"),
        (("--http", "8080"), "no HOST:PORT"),
        (("--http", "127.0.0.1:0", "--token-file", "empty"), "is empty"),
        (("--http", "127.0.0.1:0", "status"), "does not go with status"),
    ],
)
def test_a_service_that_makes_no_sense_is_wrong_use(
    desk: Desk, words: tuple[str, ...], sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(desk.folder)
    (desk.folder / "empty").touch()
    said = desk.types("engine", *words)
    assert (said.code, said.err.count("\n")) == (2, 1)
    assert sentence in said.err


def test_without_a_word_the_commands_are_listed(desk: Desk) -> None:
    said = desk.types("engine")
    assert said.code == 2
    assert "--http HOST:PORT" in said.err
