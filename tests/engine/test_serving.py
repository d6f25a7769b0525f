"""Many clients of one engine: turns, vanishing, nonsense, strangers. Over both ways to meet it."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress

import anyio
import pytest
from anyio import wait_all_tasks_blocked

from tamis_engine.client import LocalEngine
from tamis_engine.errors import EngineError
from tamis_engine.process import hello, serving
from tamis_engine.process.line import message
from tamis_engine.process.shared import Place
from tamis_engine.process.wire import MAX_FRAME_BYTES, Frame, pack, read
from tamis_engine.protocol import EncodeRequest
from tests.engine.meeting import clients, connected, engine_at, greeted, open_gate, over_both

pytestmark = pytest.mark.anyio
Lines = Callable[[], list[str]]


async def test_a_short_call_waits_for_one_batch_of_another_client_and_no_more(place: Place, lines: Lines) -> None:
    async with engine_at(place) as large, engine_at(place) as short, anyio.create_task_group() as tasks:
        await short.ready()
        tasks.start_soon(large.encode, EncodeRequest(("gate", *(f"later {number}" for number in range(9)))))
        with anyio.fail_after(20):
            while "gate" not in lines():
                await anyio.lowlevel.checkpoint()
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
