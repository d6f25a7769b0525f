"""One engine for all clients: how it starts, whom it serves, how it ends. Over both ways to meet it."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

import anyio
import pytest
from anyio import wait_all_tasks_blocked
from filelock import FileLock

from tamis_engine import hello, serving, shared
from tamis_engine.address import Address, CannotShare, Port, here, identity, prepare
from tamis_engine.client import LocalEngine
from tamis_engine.daemon import TAKEN, arguments
from tamis_engine.errors import EngineError, EngineUnavailable
from tamis_engine.line import message
from tamis_engine.protocol import EncodeRequest
from tamis_engine.shared import Place
from tamis_engine.wire import MAX_FRAME_BYTES, Frame, pack, read

pytestmark = pytest.mark.anyio
Lines = Callable[[], list[str]]
over_both = pytest.mark.parametrize("loopback", [False, True])


@pytest.fixture
def folder() -> Iterator[Path]:
    """Short: the name of a socket has little room."""
    path = Path(tempfile.mkdtemp(prefix="tamis-"))
    yield path
    shutil.rmtree(path)


@pytest.fixture
def loopback() -> bool:
    return False


@pytest.fixture
def place(loopback: bool, folder: Path, command: tuple[str, ...]) -> Iterator[Place]:
    """Where engines with a fake model are met; none is left when the test ends."""
    place = Place(Address(folder, "fake", loopback), 20, command, command)
    yield place
    with suppress(CannotShare):
        anyio.run(shared.stop, place.address)
    wait_until_gone(place.address)


def engine_at(place: Place) -> LocalEngine:
    return LocalEngine(partial(shared.opened, place))


def wait_until_gone(address: Address) -> None:
    """Returns once the process has ended: its lock lives as long as it does."""
    with FileLock(address.life_lock).acquire(timeout=20):
        pass


def connected(address: Address) -> tuple[socket.socket, str]:
    """A connection that has not said a word, and the key."""
    if address.loopback:
        port = Port.read(address.meeting_point)
        return socket.create_connection(("127.0.0.1", port.number), 20), port.key
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(20)
    connection.connect(str(address.meeting_point))
    return connection, ""


def greeted(address: Address) -> socket.socket:
    connection, key = connected(address)
    connection.sendall(message(0, "hello", hello.words(key, address.name)))
    frame = read(connection.makefile("rb"))
    assert frame
    assert "result" in frame.header
    return connection


async def clients(place: Place, count: int) -> None:
    """Returns once that many are connected."""
    with anyio.fail_after(20):
        while (status := await shared.status(place.address)) is None or status.clients != count:
            await anyio.lowlevel.checkpoint()


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
        "import sys, anyio; from pathlib import Path; from tamis_engine import shared;"
        "from tamis_engine.address import Address;"
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


async def test_a_short_call_waits_for_one_batch_of_another_client_and_no_more(place: Place, lines: Lines) -> None:
    async with engine_at(place) as large, engine_at(place) as short, anyio.create_task_group() as tasks:
        await short.ready()
        tasks.start_soon(large.encode, EncodeRequest(("gate", *"123456789")))
        with anyio.fail_after(20):
            while "gate" not in lines():
                await anyio.lowlevel.checkpoint()
        tasks.start_soon(short.encode, EncodeRequest(("short",)))
        await wait_all_tasks_blocked()
        # answered by the thread that has read the short call before
        await short.models()
        open_gate(place)
    assert lines()[:4] == ["started", "gate", "short", "1"]


def open_gate(place: Place) -> None:
    Path(place.command[-1]).with_name("open").touch()


@over_both
async def test_what_a_client_that_vanished_had_asked_is_dropped(place: Place, lines: Lines) -> None:
    async with engine_at(place) as staying, anyio.create_task_group() as tasks:
        tasks.start_soon(staying.encode, EncodeRequest(("gate",)))
        await clients(place, 1)
        with greeted(place.address) as vanishing:
            vanishing.sendall(message(1, "encode", {"texts": ["unwanted"]}))
            await clients(place, 2)
        await clients(place, 1)
        open_gate(place)
        await staying.encode(EncodeRequest(("wanted",)))
    assert lines() == ["started", "gate", "wanted"]


NONSENSE = [
    b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"\xff" * 8,
    (MAX_FRAME_BYTES + 1).to_bytes(4, "big") + bytes(4),
    pack(Frame({"no": "id"})),
    pack(Frame({"id": "one", "op": "models"})),
    pack(Frame({"id": 1, "op": ["models"]})),
    bytes.fromhex("00015f9000000000") + b"[" * 90_000,
]


@over_both
async def test_a_client_that_sends_nonsense_is_closed_and_the_others_are_served(place: Place, lines: Lines) -> None:
    async with engine_at(place) as engine:
        await engine.ready()
        for data in NONSENSE:
            for stranger in (greeted(place.address), connected(place.address)[0]):
                stranger.sendall(data)
                with stranger, suppress(ConnectionResetError):  # what was not read before the end
                    assert stranger.recv(1) == b""
        await engine.encode(EncodeRequest(("fine",)))
    assert lines() == ["started", "fine"]


@over_both
@pytest.mark.parametrize(
    ("name", "key", "reason"), [("another", "", "another version"), ("fake", "guessed", "wrong key")]
)
async def test_a_client_of_another_version_or_with_a_wrong_key_is_refused_with_a_sentence(
    place: Place, name: str, key: str, reason: str
) -> None:
    async with engine_at(place) as engine:
        await engine.ready()
        connection, right = connected(place.address)
        with connection:
            connection.sendall(message(0, "hello", hello.words(key or right, name)))
            frame = read(connection.makefile("rb"))
            assert frame
            assert reason in frame.header["error"]["message"]
            assert connection.recv(1) == b""


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
    place.address.folder.chmod(0o755)
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


def test_a_client_that_does_not_read_is_hung_up_on() -> None:
    hung_up: list[bool] = []
    with open(os.devnull, "r+b") as nothing:
        guest = serving.Guest(nothing, nothing, lambda: hung_up.append(True))
        guest.send(Frame({"id": 1}, bytes(serving.MAX_UNREAD_BYTES // 2)))
        assert not hung_up
        guest.send(Frame({"id": 2}, bytes(serving.MAX_UNREAD_BYTES // 2)))
    assert hung_up


async def test_more_calls_than_are_reasonable_are_refused(place: Place) -> None:
    refused: list[str] = []

    async def ask(engine: LocalEngine) -> None:
        try:
            await engine.encode(EncodeRequest(("gate",)))
        except EngineError as error:
            refused.append(str(error))
            open_gate(place)

    async with engine_at(place) as engine, anyio.create_task_group() as tasks:
        for _ in range(serving.MAX_OPEN_CALLS + 1):
            tasks.start_soon(ask, engine)
    assert len(refused) == 1
    assert "256 calls" in refused[0]
