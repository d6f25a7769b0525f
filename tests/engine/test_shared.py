"""One engine for all clients: how it starts, and how it ends. Over both ways to meet it."""

from __future__ import annotations

import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import anyio
import pytest

from tamis_engine.errors import EngineUnavailable
from tamis_engine.process import shared
from tamis_engine.process.address import Address, CannotShare, Port, here, identity, prepare
from tamis_engine.process.daemon import TAKEN, arguments
from tamis_engine.process.shared import Place
from tamis_engine.protocol import EncodeRequest
from tests.engine.meeting import engine_at, over_both, wait_until_gone

pytestmark = pytest.mark.anyio
Lines = Callable[[], list[str]]


@over_both
async def test_ten_clients_at_once_start_one_engine(place: Place, lines: Lines) -> None:
    async with anyio.create_task_group() as tasks:

        async def ask(number: int) -> None:
            async with engine_at(place) as engine:
                await engine.encode(EncodeRequest((f"text {number}",)))

        for number in range(10):
            tasks.start_soon(ask, number)
    assert lines().count("started") == 1
    assert len(lines()) == 11


async def test_ten_processes_at_once_start_one_engine(place: Place, lines: Lines) -> None:
    code = (
        "import sys, anyio; from pathlib import Path; from tamis_engine.process import shared;"
        "from tamis_engine.process.address import Address;"
        "place = shared.Place(Address(Path(sys.argv[1]), 'fake', sys.argv[2] == 'True'), 20, sys.argv[3:]);"
        "anyio.run(shared.opened(place).__aenter__)"
    )
    argv = [sys.executable, "-c", code, str(place.address.folder), str(place.address.loopback), *place.command]
    racing = [subprocess.Popen(argv) for _ in range(10)]
    assert [process.wait(60) for process in racing] == [0] * 10
    assert lines() == ["started"]


async def test_an_engine_that_is_started_beside_another_leaves_at_once(place: Place, lines: Lines) -> None:
    async with engine_at(place) as engine:
        await engine.ready()
        said = subprocess.check_output([*place.command, *arguments(place.address, 20)], timeout=30)
        assert said.decode().split() == [TAKEN]
        await engine.ready()
    assert lines() == ["started"]


async def test_the_engine_survives_its_first_client_and_what_that_asked_is_not_computed_again(
    place: Place, lines: Lines
) -> None:
    async with engine_at(place) as first:
        await first.encode(EncodeRequest(("once",)))
        pid = first.pid
    async with engine_at(place) as second:
        await second.encode(EncodeRequest(("once",)))
        assert (second.pid, second.private) == (pid, "")
    assert lines() == ["started", "once"]


async def test_a_signal_handler_leaves_the_engine_to_the_others(place: Place, lines: Lines) -> None:
    async with engine_at(place) as engine:
        await engine.ready()
        engine.stop()
        await engine.encode(EncodeRequest(("still there",)))
    assert lines() == ["started", "still there"]


@over_both
async def test_an_engine_that_nobody_uses_goes_without_a_trace(place: Place) -> None:
    place = Place(place.address, 0.1, place.command)
    async with engine_at(place) as engine:
        await engine.ready()
    wait_until_gone(place.address)
    assert not place.address.meeting_point.exists()


async def test_clients_that_only_stay_do_not_keep_the_engine_and_their_next_call_starts_another(
    place: Place, lines: Lines
) -> None:
    place = Place(place.address, 0.1, place.command)
    async with engine_at(place) as engine:
        await engine.ready()
        wait_until_gone(place.address)
        await engine.encode(EncodeRequest(("again",)))
    assert lines() == ["started", "started", "again"]


@over_both
async def test_calls_of_all_clients_that_are_open_when_the_engine_is_killed_are_asked_again_once(
    place: Place, lines: Lines
) -> None:
    answered: list[str] = []

    async def ask(text: str) -> None:
        async with engine_at(place) as engine:
            await engine.encode(EncodeRequest((text,)))
            answered.append(text)

    async with engine_at(place) as engine, anyio.create_task_group() as tasks:
        await engine.ready()
        for text in ("die once", "a", "b", "c"):
            tasks.start_soon(ask, text)
    assert sorted(answered) == ["a", "b", "c", "die once"]
    assert lines().count("started") == 2


async def test_an_engine_that_dies_of_a_call_twice_is_reported_with_its_last_words(place: Place, lines: Lines) -> None:
    async with engine_at(place) as engine:
        with pytest.raises(EngineUnavailable, match="its process ended; its last words: out of luck"):
            await engine.encode(EncodeRequest(("die always",)))
    assert lines().count("started") == 2


async def test_an_engine_that_does_not_start_is_reported_with_its_last_words(place: Place) -> None:
    place = Place(place.address, 20, (sys.executable, "-c", "raise SystemExit('no torch here')"))
    async with engine_at(place) as engine:
        with pytest.raises(EngineUnavailable, match="no torch here"):
            await engine.ready()


@over_both
async def test_the_socket_of_a_killed_engine_is_in_nobodys_way(place: Place, lines: Lines) -> None:
    async with engine_at(place) as engine:
        await engine.ready()
        assert engine.pid
        os.kill(engine.pid, signal.SIGKILL)
    wait_until_gone(place.address)
    assert place.address.meeting_point.exists()
    assert await shared.status(place.address) is None
    async with engine_at(place) as engine:
        await engine.ready()
    assert lines() == ["started", "started"]


@over_both
async def test_somebody_else_at_the_port_of_a_killed_engine_is_not_taken_for_one(place: Place, lines: Lines) -> None:
    if not place.address.loopback:
        place.address.meeting_point.write_text("not a socket")
    else:
        with socket.create_server(("127.0.0.1", 0)) as stranger:
            Port(stranger.getsockname()[1], "key").write(place.address.meeting_point)
    async with engine_at(place) as engine:
        await engine.ready()
    assert lines() == ["started"]


async def test_two_versions_live_side_by_side(place: Place, lines: Lines) -> None:
    other = Place(Address(place.address.folder, "other", place.address.loopback), 20, place.command)
    async with engine_at(place) as mine, engine_at(other) as theirs:
        await mine.ready()
        await theirs.ready()
        assert mine.pid != theirs.pid
    assert await shared.stop(other.address)
    wait_until_gone(other.address)
    assert lines() == ["started", "started"]


@over_both
async def test_only_its_owner_can_reach_the_engine(place: Place) -> None:
    async with engine_at(place) as engine:
        await engine.ready()
        assert stat.S_IMODE(place.address.folder.stat().st_mode) == 0o700
        assert stat.S_IMODE(place.address.meeting_point.stat().st_mode) == 0o600


@over_both
async def test_status_says_who_is_there_and_stop_ends_it(place: Place, lines: Lines) -> None:
    assert await shared.status(place.address) is None
    assert await shared.stop(place.address) is None
    async with engine_at(place) as engine:
        await engine.encode(EncodeRequest(("one",)))
        await engine.encode(EncodeRequest(("two",)))
        status = await shared.status(place.address)
        assert status
        assert (status.pid, status.clients, status.calls) == (engine.pid, 1, 2)
        assert status.resident_bytes > 0
        assert status.models[0].state == "resident"
        assert await shared.stop(place.address) == engine.pid
        wait_until_gone(place.address)
        assert not place.address.meeting_point.exists()
        await engine.encode(EncodeRequest(("three",)))
    assert lines() == ["started", "one", "two", "started", "three"]


async def test_sigterm_ends_it_without_a_trace(place: Place) -> None:
    async with engine_at(place) as engine:
        await engine.ready()
        assert engine.pid
        os.kill(engine.pid, signal.SIGTERM)
        wait_until_gone(place.address)
    assert not place.address.meeting_point.exists()


async def test_where_no_engine_can_be_shared_a_private_one_answers_and_says_why(folder: Path, place: Place) -> None:
    file = folder / "file"
    file.touch()
    for unusable in (file, folder / ("long" * 30)):
        async with engine_at(Place(Address(unusable, "fake", False), 20, (), place.private_command)) as engine:
            assert (await engine.encode(EncodeRequest(("fine",)))).tokens == (4,)
            assert str(unusable) in engine.private


async def test_an_engine_is_not_met_in_a_folder_that_others_may_look_into(place: Place) -> None:
    place.address.folder.chmod(0o755)
    async with engine_at(place) as engine:
        await engine.ready()
        assert "chmod 700" in engine.private


async def test_a_link_in_place_of_the_folder_is_not_followed(folder: Path) -> None:
    link = folder / "link"
    link.symlink_to(folder)
    with pytest.raises(CannotShare, match="not a folder of yours"):
        prepare(Address(link, "fake"))


async def test_an_engine_that_was_updated_under_its_client_is_not_met(folder: Path, command: tuple[str, ...]) -> None:
    async with engine_at(Place(Address(folder, "of-before"), 20, private_command=command)) as engine:
        await engine.ready()
        assert "another version was installed" in engine.private


def test_the_name_of_the_engine_is_that_of_its_code_and_model() -> None:
    assert here().name == identity()
    assert here(Path("x")).folder == Path("x")
