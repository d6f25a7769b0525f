"""`tamis engine --http`: the service on a port, until a signal ends it."""

from __future__ import annotations

import errno
import signal
import socket
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import ip_address
from typing import TYPE_CHECKING, Self

from tamis_engine.errors import EngineUnavailable, RequestInvalid
from tamis_engine.http.guard import LOOPBACK

if TYPE_CHECKING:
    from tamis_engine.http.metrics import EngineNumbers
    from tamis_engine.protocol import Engine

GRACE_SECONDS = 30.0
"""How long requests under way may take once a signal came."""


@dataclass(frozen=True, slots=True)
class Port:
    """Where to listen; number 0 takes one that is free."""

    host: str
    number: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """From `HOST:PORT`. Raises `RequestInvalid`."""
        host, _, number = text.rpartition(":")
        if not host or not number.isdecimal() or int(number) > 65_535:
            raise RequestInvalid(f"{text!r} is no HOST:PORT, as in 127.0.0.1:8080.")
        return cls(host.strip("[]"), int(number))

    def check(self, token: str | None) -> None:
        """Raises `RequestInvalid` where anybody in the network could use it."""
        if not token and not _is_loopback(self.host):
            raise RequestInvalid(
                f"{self.host} can be reached from other machines, so the service needs a token there: set TAMIS_TOKEN "
                "or give --token-file. Without one it listens on 127.0.0.1 alone."
            )

    def opened(self) -> socket.socket:
        """A listening socket. Raises `EngineUnavailable`."""
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        try:
            listener = socket.create_server((self.host, self.number), family=family)
        except OSError as error:
            reason = "is in use" if error.errno == errno.EADDRINUSE else f"can't be listened at ({error})"
            raise EngineUnavailable(f"{self.host}:{self.number} {reason}.") from error
        # asyncio sets this only where it opened the socket itself; without it every answer waits 40 ms for an ACK
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return listener


async def serve(
    engine: Engine,
    port: Port,
    token: str | None,
    engine_numbers: EngineNumbers | None = None,
    on_listening: Callable[[str], object] = lambda _url: None,
) -> None:
    """Serve until SIGINT or SIGTERM, and let what is under way finish. Opens and closes the engine.

    `on_listening` is told the URL. Raises `EngineError`.
    """
    # late: whoever only asks needs no server
    import uvicorn

    from tamis_engine.http.app import app

    class Server(uvicorn.Server):
        @contextmanager
        def capture_signals(self) -> Generator[None]:
            """As uvicorn does, but that it raises the signal again at the end, before the engine is closed."""
            with _signals(self.handle_exit):
                yield

    port.check(token)
    with port.opened() as listener:
        async with engine as running:
            config = uvicorn.Config(
                app(running, token, engine_numbers),
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                ws="none",
                timeout_graceful_shutdown=int(GRACE_SECONDS),
            )
            on_listening(_url(port.host, listener))
            await Server(config).serve([listener])


@contextmanager
def _signals(handler: Callable[..., object]) -> Generator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may say what signals do
        return
    before = {number: signal.signal(number, handler) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, former in before.items():
            signal.signal(number, former)


def _url(host: str, listener: socket.socket) -> str:
    return f"http://{f'[{host}]' if ':' in host else host}:{listener.getsockname()[1]}"


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host in LOOPBACK
