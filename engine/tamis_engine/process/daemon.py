"""The engine that all clients of a user share: starts once, detached, listens where they look, goes when idle.

It tells whoever started it on stdout, in one line, what came of that: LISTENING, TAKEN (another is there already)
or a reason why none can be shared here. Whatever it says later goes to its log.
"""

from __future__ import annotations

import argparse
import os
import secrets
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, NoReturn

from tamis_engine.errors import EngineError
from tamis_engine.process import codec, hello, wire
from tamis_engine.process.address import Address, Port, identity
from tamis_engine.process.serving import Guest, Server
from tamis_engine.process.wire import Frame, WireError

if TYPE_CHECKING:
    from tamis_engine.running.core import Core

LISTENING, TAKEN = "listening", "taken"
IDLE_SECONDS = 300.0
HELLO_SECONDS = 10.0
PREDECESSOR_SECONDS = 2.0
"""How long one that is leaving may still hold the lock."""
MAX_CLIENTS = 100
OUT_OF_FILES_SECONDS = 0.1


class Daemon:
    """Owns the listening socket; every client has a thread that reads and one that writes."""

    def __init__(self, address: Address, listener: socket.socket, key: str) -> None:
        self._address = address
        self._listener = listener
        self._key = key
        self._server = Server()
        self._room = threading.Semaphore(MAX_CLIENTS)
        self._met = address.meeting_point.stat()

    def work(self, make: Callable[[], Core], idle_seconds: float) -> NoReturn:
        """Answer until nobody asks any more. Clients are greeted while the core is still being made."""
        # the end of the connection is the answer
        self._server.at_once["stop"] = lambda _number, _fields: self.leave()
        self._server.at_once["status"] = lambda number, _fields: Frame({"id": number, "result": status(self._server)})
        threading.Thread(target=self._accept, daemon=True).start()
        self._server.work(make, idle_seconds)
        self.leave()

    def leave(self) -> NoReturn:
        """Now, whatever is open, and without a trace: who is connected asks the next one."""
        with suppress(OSError):
            # the folder may have been emptied meanwhile, and another engine live in it
            if self._address.meeting_point.stat().st_ino == self._met.st_ino:
                self._address.meeting_point.unlink()
        self._server.save()
        os._exit(0)

    def _accept(self) -> None:
        """For as long as the process runs."""
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:  # the client has gone again, or all files that we may open are
                time.sleep(OUT_OF_FILES_SECONDS)
                continue
            if self._room.acquire(blocking=False):
                threading.Thread(target=self._host, args=(connection,), daemon=True).start()
            else:
                connection.close()

    def _host(self, connection: socket.socket) -> None:
        """One client from its first word to its last."""
        inbox, outbox = connection.makefile("rb"), connection.makefile("wb")
        guest = Guest(inbox, outbox, lambda: _hang_up(connection))
        try:
            with connection, suppress(OSError, WireError, KeyError, TypeError, AttributeError):
                connection.settimeout(HELLO_SECONDS)
                if not self._greeted(inbox, outbox):
                    return
                connection.settimeout(None)
                threading.Thread(target=guest.write, daemon=True).start()
                self._server.listen(guest)
                guest.finish()
                guest.hang_up()
        finally:
            self._room.release()

    def _greeted(self, inbox: BinaryIO, outbox: BinaryIO) -> bool:
        frame = wire.read(inbox, hello.MAX_BYTES)
        if frame is None or frame.header["op"] != "hello":
            return False
        number, words = frame.header["id"], frame.header["request"]
        refusal = hello.refusal(self._key, self._address.name, words)
        if refusal:
            outbox.write(wire.pack(codec.error_frame(number, EngineError(refusal))))
        else:
            outbox.write(wire.pack(Frame({"id": number, "result": hello.answer(self._key, words, os.getpid())})))
        outbox.flush()
        return not refusal


def status(server: Server) -> dict[str, Any]:
    """What `tamis engine status` shows."""
    # late: only who asks needs it
    from tamis_engine.running.memory import resident_bytes

    models = [asdict(model) for model in server.core.models()]
    numbers = server.core.status()
    return {**server.status(), "resident_bytes": resident_bytes(), "models": models, "numbers": numbers}


def _hang_up(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


def listen(address: Address) -> tuple[socket.socket, str]:
    """The listening socket and its key. For the holder of the life lock: what lies there is a dead one's."""
    address.meeting_point.unlink(missing_ok=True)
    if address.loopback:
        listener = socket.create_server(("127.0.0.1", 0))
        port = Port(listener.getsockname()[1], secrets.token_hex(32))
        port.write(address.meeting_point)
        return listener, port.key
    listener = socket.socket(socket.AF_UNIX)
    before = os.umask(0o177)
    try:
        listener.bind(str(address.meeting_point))
    finally:
        os.umask(before)
    listener.listen(MAX_CLIENTS)
    return listener, ""


def leave_on_signals(leave: Callable[[], NoReturn]) -> None:
    """In a thread that waits for them: a handler would wait for the thread that computes, or for its next call."""
    bell, ringer = socket.socketpair()
    ringer.setblocking(False)
    signal.set_wakeup_fd(ringer.fileno())
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: None)

    def wait() -> None:
        with ringer:  # else nobody holds it
            bell.recv(1)
        leave()

    threading.Thread(target=wait, daemon=True).start()


def tell(line: str) -> None:
    """What came of the start, to whoever started us; from then on stdout is the log."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
    os.dup2(2, 1)


def serve(address: Address, idle_seconds: float, make: Callable[[], Core]) -> None:
    """Run the engine at `address` for as long as it is needed; return at once where another one does."""
    # late: only the process itself needs it
    from filelock import FileLock, Timeout

    lock = FileLock(address.life_lock, mode=0o600)
    try:
        lock.acquire(timeout=PREDECESSOR_SECONDS)
        listener, key = listen(address)
    except Timeout:
        tell(TAKEN)
        return
    except OSError as error:
        tell(f"{address.meeting_point} can't be listened at ({error})")
        return
    daemon = Daemon(address, listener, key)
    leave_on_signals(daemon.leave)
    tell(LISTENING)
    daemon.work(make, idle_seconds)


def arguments(address: Address, idle_seconds: float) -> tuple[str, ...]:
    """What `parsed` reads."""
    way = ("--loopback",) if address.loopback else ()
    return (str(address.folder), address.name, "--idle-seconds", str(idle_seconds), *way)


def parsed(argv: Sequence[str]) -> tuple[Address, float]:
    """Where to listen, and for how long without calls."""
    options = argparse.ArgumentParser(prog="tamis_engine.process.daemon", description=__doc__)
    options.add_argument("folder", type=Path)
    options.add_argument("name")
    options.add_argument("--idle-seconds", type=float, default=IDLE_SECONDS)
    options.add_argument("--loopback", action="store_true")
    given = options.parse_args(argv)
    return Address(given.folder, given.name, given.loopback), given.idle_seconds


def main() -> None:
    """Entry point of the process."""
    address, idle_seconds = parsed(sys.argv[1:])
    if address.name != identity():
        tell("another version was installed since this program started; start it again")
        return

    def make() -> Core:
        # late: whoever starts us waits for the socket, not for numpy
        from tamis_engine.process.worker import make

        return make()

    serve(address, idle_seconds, make)


if __name__ == "__main__":
    main()
