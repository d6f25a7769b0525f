"""httpcore's network, narrowed: connects only to addresses that were just checked, and stops at a deadline."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import httpcore2

from tamis_tools.errors import SourceError

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterable

    from tamis_tools.sources.gate import Gate


class GuardedBackend(httpcore2.NetworkBackend):
    """Resolves a name once, refuses it unless every address passes the gate, and connects to that very address."""

    def __init__(self, gate: Gate, deadline: float) -> None:
        self._gate = gate
        self._deadline = deadline
        self._network = httpcore2.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ARG002 - all waiting shares the deadline
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.NetworkStream:
        """Connect to the first address of `host` that answers."""
        addresses = self._resolved(host, port)
        if not addresses or not all(map(self._gate.allowed, addresses)):
            raise SourceError(
                f"{host} stands for a private, local or reserved address, which is never connected to. "
                f"Pass a public address, or the file itself; do not retry."
            )
        failure: Exception | None = None
        for address in addresses:
            try:
                stream = self._network.connect_tcp(address, port, self.left(), local_address, socket_options)
                return DeadlineStream(stream, self)
            except httpcore2.ConnectError as error:
                failure = error
        assert failure is not None
        raise failure

    def left(self) -> float:
        """Seconds until the deadline; raises when it has passed."""
        seconds = self._deadline - self._gate.clock()
        if seconds <= 0:
            raise httpcore2.ReadTimeout("the time for the whole page is over")
        return seconds

    def _resolved(self, host: str, port: int) -> tuple[str, ...]:
        """A name server may take its time and can't be interrupted, so it is asked in a thread that may be left."""
        outcome: list[tuple[str, ...] | Exception] = []

        def ask() -> None:
            try:
                outcome.append(self._gate.resolve(host, port))
            except (OSError, UnicodeError) as error:
                outcome.append(error)

        thread = threading.Thread(target=ask, daemon=True)
        thread.start()
        thread.join(self.left())
        if not outcome:
            raise httpcore2.ConnectTimeout(f"no name server answered for {host}")
        if isinstance(outcome[0], Exception):
            raise httpcore2.ConnectError(f"no address is known for {host}")
        return outcome[0]


class DeadlineStream(httpcore2.NetworkStream):
    """A connection each of whose waits is as long as the deadline leaves, whatever the other side trickles."""

    def __init__(self, stream: httpcore2.NetworkStream, backend: GuardedBackend) -> None:
        self._stream = stream
        self._backend = backend

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002
        """Read what is there, at most `max_bytes`."""
        return self._stream.read(max_bytes, self._backend.left())

    def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002
        """Write all of `buffer`."""
        self._stream.write(buffer, self._backend.left())

    def close(self) -> None:
        """Close the connection."""
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ARG002
    ) -> httpcore2.NetworkStream:
        """The same connection, encrypted; the certificate must be that of the name in the URL."""
        inner = self._stream.start_tls(ssl_context, server_hostname, self._backend.left())
        return DeadlineStream(inner, self._backend)

    def get_extra_info(self, info: str) -> Any:
        """What httpcore asks about a socket."""
        return self._stream.get_extra_info(info)
