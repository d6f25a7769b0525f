"""The service on a real port, with real clients: those that stay, and those that go."""

from __future__ import annotations

import signal
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
import httpx2
import pytest

from tamis_engine import errors
from tamis_engine.http import caller
from tamis_engine.http.serve import Port, serve
from tamis_engine.protocol import EncodeRequest, Engine, Loading, ScoreRequest
from tamis_engine.remote import RemoteEngine
from tests.engine.http.conftest import TOKEN
from tests.fakes import OTHER_MODEL, FakeEngine

pytestmark = pytest.mark.anyio

ASKED = EncodeRequest(("a b",))


@asynccontextmanager
async def served(engine: Engine) -> AsyncIterator[str]:
    """The URL; a signal ends the service, as it does at a terminal."""
    listening, url = anyio.Event(), ""

    def listens(at: str) -> None:
        nonlocal url
        url = at
        listening.set()

    with anyio.fail_after(30):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(serve, engine, Port("127.0.0.1", 0), TOKEN, None, listens)
            await listening.wait()
            async with httpx2.AsyncClient() as client:
                await client.get(f"{url}/health")  # from now on it answers signals
            yield url
            signal.raise_signal(signal.SIGTERM)


class Held:
    """Holds a call until it is let go, and says what became of it."""

    def __init__(self) -> None:
        self.begun, self.go, self.ended = anyio.Event(), anyio.Event(), anyio.Event()

    async def __call__(self) -> None:
        self.begun.set()
        try:
            await self.go.wait()
        finally:
            self.ended.set()


async def test_a_client_far_away_is_served_and_the_engine_closed_at_the_end(engine: FakeEngine) -> None:
    engine.steps, told = (Loading(OTHER_MODEL, "loading"),), list[Loading]()
    async with served(engine) as url, RemoteEngine(url, TOKEN) as far:
        assert (await far.encode(ASKED)).tokens == (2,)
        assert (await far.score(ScoreRequest("a", ("a",)))).scores.tolist() == [1]
        await far.ready(OTHER_MODEL, told.append)
        assert len(await far.models()) == 2
    assert told == list(engine.steps)
    assert (engine.entered, engine.closed) == (1, 1)


async def test_strangers_and_nonsense_are_refused_and_others_served(
    engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(caller, "MAX_BODY_BYTES", 1_000)

    async def endless() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield b" " * 100

    async with served(engine) as url, RemoteEngine(url, TOKEN) as far, RemoteEngine(url, "wrong") as stranger:
        with pytest.raises(errors.EngineUnavailable, match="Send the token"):
            await stranger.encode(ASKED)
        with pytest.raises(errors.RequestInvalid, match="larger than the 1,000 bytes"):
            await far.encode(EncodeRequest(("a" * 2_000,)))
        async with httpx2.AsyncClient(headers={"Authorization": f"Bearer {TOKEN}"}) as client:
            assert (await client.post(f"{url}/v1/encode", content=endless())).status_code == 413
            response = await client.post(f"{url}/v1/encode", content=b"{nonsense")
        assert (response.status_code, response.json()["error"]["type"]) == (400, "MalformedJson")
        assert "server" not in response.headers
        assert engine.requests == []
        assert (await far.encode(ASKED)).tokens == (2,)


@pytest.mark.parametrize("call", ["encode", "ready"])
async def test_a_client_that_vanishes_ends_its_work(engine: FakeEngine, call: str) -> None:
    engine.steps = (Loading(OTHER_MODEL, "loading"),)
    held = engine.hold = engine.loads = Held()
    async with served(engine) as url, RemoteEngine(url, TOKEN) as far:
        async with anyio.create_task_group() as tasks:
            if call == "encode":
                tasks.start_soon(far.encode, ASKED)
            else:
                tasks.start_soon(far.ready, OTHER_MODEL, lambda _step: None)
            await held.begun.wait()
            tasks.cancel_scope.cancel()
        await held.ended.wait()
    assert engine.left == 1


async def test_a_slow_client_keeps_nobody_waiting(engine: FakeEngine) -> None:
    async with served(engine) as url, RemoteEngine(url, TOKEN) as far:
        host, port = url.removeprefix("http://").split(":")
        async with await anyio.connect_tcp(host, int(port)) as slow:
            await slow.send(b"POST /v1/encode HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer s3cret\r\nContent-Le")
            assert (await far.encode(ASKED)).tokens == (2,)


async def test_what_is_under_way_is_finished_when_the_service_ends(engine: FakeEngine) -> None:
    held = engine.hold = Held()
    answers: list[tuple[int, ...]] = []

    async def ask(url: str) -> None:
        async with RemoteEngine(url, TOKEN) as far:
            answers.append((await far.encode(ASKED)).tokens)

    async with anyio.create_task_group() as tasks, served(engine) as url:
        tasks.start_soon(ask, url)
        await held.begun.wait()
        tasks.start_soon(_let_go_once_closed, url, held)
    assert answers == [(2,)]


async def _let_go_once_closed(url: str, held: Held) -> None:
    """The port is closed before what is open ends."""
    host, port = url.removeprefix("http://").split(":")
    while True:
        try:
            async with await anyio.connect_tcp(host, int(port)):
                await anyio.lowlevel.checkpoint()
        except OSError:
            break
    held.go.set()


async def test_a_busy_engine_is_told_with_the_time_to_wait(engine: FakeEngine) -> None:
    engine.failure = errors.EngineBusy(5_000, 7)
    async with served(engine) as url, RemoteEngine(url, TOKEN) as far:
        with pytest.raises(errors.EngineBusy) as caught:
            await far.encode(ASKED)
    assert caught.value.retry_after_seconds == 7


async def test_a_port_that_is_taken_or_open_to_all_is_refused_before_the_engine_starts(engine: FakeEngine) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        pytest.raises(errors.EngineUnavailable, match="is in use"),
    ):
        await serve(engine, Port("127.0.0.1", taken.getsockname()[1]), None)
    for host in ("0.0.0.0", "::", "192.0.2.1", "example.org"):
        with pytest.raises(errors.RequestInvalid, match="needs a token there"):
            await serve(engine, Port(host, 0), None)
    assert engine.entered == 0


@pytest.mark.parametrize(
    ("text", "port"),
    [("127.0.0.1:80", Port("127.0.0.1", 80)), ("[::1]:0", Port("::1", 0)), ("localhost:8080", Port("localhost", 8080))],
)
def test_host_and_port_are_read(text: str, port: Port) -> None:
    assert Port.parse(text) == port
    port.check(None)


@pytest.mark.parametrize("text", ["8080", ":8080", "localhost", "localhost:http", "localhost:65536"])
def test_what_is_no_host_and_port_is_refused(text: str) -> None:
    with pytest.raises(errors.RequestInvalid, match="no HOST:PORT"):
        Port.parse(text)


def test_answers_are_sent_at_once() -> None:
    with Port("127.0.0.1", 0).opened() as listener:
        assert listener.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
