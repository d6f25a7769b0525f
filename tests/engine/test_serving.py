"""Many clients of one engine: turns, vanishing, nonsense, strangers. Over both ways to meet it."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import pytest
from anyio import wait_all_tasks_blocked

from tamis_engine.client import LocalEngine
from tamis_engine.errors import EngineError, EngineUnavailable
from tamis_engine.process import child, hello, serving
from tamis_engine.process.line import message
from tamis_engine.process.shared import Place
from tamis_engine.process.wire import MAX_FRAME_BYTES, Frame, pack, read
from tamis_engine.protocol import DEFAULT_MODEL, EncodeRequest
from tamis_engine.running import queues
from tamis_engine.running.core import Core
from tests.engine.fake_models import FakeRegistry, core
from tests.engine.meeting import clients, connected, engine_at, greeted, open_gate, over_both, wait_until_gone

pytestmark = pytest.mark.anyio
Lines = Callable[[], list[str]]


async def until(there: Callable[[], bool]) -> None:
    with anyio.fail_after(20):
        while not there():
            await anyio.lowlevel.checkpoint()


async def test_a_short_call_waits_for_one_batch_of_another_client_and_no_more(place: Place, lines: Lines) -> None:
    async with engine_at(place) as large, engine_at(place) as short, anyio.create_task_group() as tasks:
        await short.ready()
        tasks.start_soon(large.encode, EncodeRequest(("gate", *(f"later {number}" for number in range(9)))))
        await until(lambda: "gate" in lines())
        tasks.start_soon(short.encode, EncodeRequest(("short",)))
        await wait_all_tasks_blocked()
        # answered by the thread that has read the short call before
        await short.models()
        open_gate(place)
    assert "short" in lines()[2:4]


@over_both
async def test_what_a_client_that_vanished_had_asked_is_dropped(place: Place, lines: Lines) -> None:
    async with engine_at(place) as staying, anyio.create_task_group() as tasks:
        tasks.start_soon(staying.encode, EncodeRequest(("gate",)))
        await until(lambda: "gate" in lines())
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


def test_a_client_that_does_not_read_is_hung_up_on() -> None:
    hung_up: list[bool] = []
    with open(os.devnull, "r+b") as nothing:
        guest = serving.Guest(nothing, nothing, lambda: hung_up.append(True))
        guest.send(bytes(serving.MAX_UNREAD_BYTES))
        assert not hung_up
        guest.send(b"too much")
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


class Talk:
    """A client and the server's two threads for it, all here."""

    def __init__(self, server: serving.Server) -> None:
        self._ours, theirs = socket.socketpair()
        self._ours.settimeout(20)
        self._inbox = self._ours.makefile("rb")
        with theirs:
            self._theirs = theirs.makefile("rb"), theirs.makefile("wb")
        self._guest = serving.Guest(*self._theirs)
        self._threads = [threading.Thread(target=work) for work in (partial(self._host, server), self._guest.write)]
        for thread in self._threads:
            thread.start()

    def ask(self, number: int, operation: str, request: Any) -> None:
        self._ours.sendall(message(number, operation, request))

    def hear(self) -> dict[str, Any]:
        frame = read(self._inbox)
        assert frame
        return frame.header

    def leave(self) -> None:
        """Returns once the server knows."""
        self._ours.shutdown(socket.SHUT_WR)
        for thread in self._threads:
            thread.join(20)
        for end in (self._inbox, self._ours, *self._theirs):
            end.close()

    def _host(self, server: serving.Server) -> None:
        server.listen(self._guest)
        self._guest.finish()


@pytest.fixture
def server() -> serving.Server:
    return serving.Server()


@pytest.fixture
def work(server: serving.Server) -> Iterator[Callable[..., threading.Thread]]:
    """Starts a thread that runs `server.work`; it is over when the test is."""
    threads: list[threading.Thread] = []

    def work(make: Callable[[], Core], idle_seconds: float = 1000) -> threading.Thread:
        threads.append(threading.Thread(target=server.work, args=(make, idle_seconds)))
        threads[0].start()
        return threads[0]

    yield work
    server.core.__exit__()
    Talk(server).leave()  # so that it looks again
    threads[0].join(20)
    assert not threads[0].is_alive()


def test_an_engine_stays_while_a_model_loads_though_whoever_asked_has_left(
    server: serving.Server, work: Callable[..., threading.Thread]
) -> None:
    held, talk = threading.Event(), Talk(server)
    registry = FakeRegistry(before_spec=lambda _name, _tell: held.wait(20))

    def make() -> Core:
        while not server.status()["calls"]:
            pass
        return core(registry=registry)

    talk.ask(1, "ready", {"model": DEFAULT_MODEL})
    working = work(make, 0)
    talk.ask(1, "cancel", {})
    talk.leave()
    working.join(0.05)
    assert working.is_alive()
    held.set()
    working.join(20)
    assert server.core.models()[0].state == "resident"


def test_clients_are_heard_while_the_core_is_made_and_one_that_fails_ends_the_process(
    server: serving.Server, work: Callable[..., threading.Thread], monkeypatch: pytest.MonkeyPatch
) -> None:
    gate, talk = threading.Event(), Talk(server)
    working = work(lambda: core() if gate.wait(20) else None)
    talk.ask(1, "encode", {"texts": ["a"]})
    gate.set()
    assert talk.hear()["result"]["tokens"] == [1]

    def broken(_slots: object, _number: int) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(queues, "next_batch", broken)
    talk.ask(2, "encode", {"texts": ["b"]})
    assert talk.hear()["error"]["kind"] == "EngineUnavailable"
    working.join(20)
    assert not working.is_alive()
    talk.leave()


def test_a_call_that_cannot_be_answered_fails_alone(
    server: serving.Server, work: Callable[..., threading.Thread], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serving, "MAX_FRAME_BYTES", 2000)
    work(core)
    talk = Talk(server)
    wrong: list[tuple[str, Any, str]] = [
        ("encode", {"texts": ["a", "b", "c"]}, "Split it"),
        ("encode", ["a"], "Not a request"),
        ("ready", ["a"], "Not a request"),
        ("ready", {"model": "unheard-of"}, "No model named"),
        ("unload", {"model": "unheard-of"}, "No model named"),
        ("dance", {}, "Not a request"),
    ]
    for operation, request, sentence in wrong:
        talk.ask(1, operation, request)
        assert sentence in talk.hear()["error"]["message"]
    talk.ask(1, "encode", {"texts": ["a"]})
    assert talk.hear()["result"]["tokens"] == [1]
    talk.leave()


@pytest.mark.parametrize("shared", [True, False])
async def test_an_engine_that_cannot_be_made_says_why_and_makes_room_for_the_next(
    place: Place, lines: Lines, shared: bool
) -> None:
    broken = Path(place.command[-1]).with_name("broken")
    broken.touch()
    async with engine_at(place) if shared else LocalEngine(partial(child.opened, place.command)) as engine:
        for ask in (engine.ready, partial(engine.unload, DEFAULT_MODEL), partial(engine.encode, EncodeRequest(("a",)))):
            with pytest.raises(EngineUnavailable, match="a setting is rubbish"):
                await ask()
        broken.unlink()
        wait_until_gone(place.address)
        while lines()[-1] != "a":
            with suppress(EngineUnavailable):
                await engine.encode(EncodeRequest(("a",)))
    assert lines() == ["started", "started", "a"]
