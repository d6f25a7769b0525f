"""Ways to meet a shared engine in a test, as a client and as a stranger."""

from __future__ import annotations

import socket
from functools import partial
from pathlib import Path

import anyio
import pytest
from filelock import FileLock

from tamis_engine.client import LocalEngine
from tamis_engine.process import hello, shared
from tamis_engine.process.address import Address, Port
from tamis_engine.process.line import message
from tamis_engine.process.shared import Place
from tamis_engine.process.wire import read

over_both = pytest.mark.parametrize("loopback", [False, True])


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


def open_gate(place: Place) -> None:
    Path(place.command[-1]).with_name("open").touch()
