"""Many clients, one core: calls in, answers out as they come, and no client can hurt another."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import asdict
from functools import partial
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, BinaryIO

from tamis_engine.errors import EngineError, EngineUnavailable, RequestInvalid
from tamis_engine.process import codec, wire
from tamis_engine.process.wire import MAX_FRAME_BYTES, Frame, WireError
from tamis_engine.running.failures import told

if TYPE_CHECKING:
    from tamis_engine.protocol import Loading
    from tamis_engine.running.core import Core

MAX_UNREAD_BYTES = 4 * MAX_FRAME_BYTES
"""Of answers; whoever lets more lie does not read."""
MAX_OPEN_CALLS = 256
CONNECTED_PATIENCE = 6
"""Clients that are connected and silent keep the engine for this many times as long as nobody does."""
BROKEN_SECONDS = 0.5
"""How long one that can't answer stays to say why."""
STAYING = ("ready", "pin")
"""A model that loads is wanted soon, by whoever asked for it and left."""


class Guest:
    """One client: two streams, and its open calls."""

    def __init__(self, inbox: BinaryIO, outbox: BinaryIO, hang_up: Callable[[], object] = lambda: None) -> None:
        self.inbox = inbox
        self.hang_up = hang_up
        self.calls: dict[int, Future[Any] | None] = {}
        """By number, what is dropped when the client leaves."""
        self._outbox = outbox
        self._outgoing: SimpleQueue[bytes | None] = SimpleQueue()
        self._unread_bytes = 0.0
        self._counting = threading.Condition()  # of unread bytes, by the threads that send and the one that writes

    def send(self, data: bytes) -> None:
        """Never waits: a client that does not read is hung up on."""
        with self._counting:
            self._unread_bytes += len(data)
            too_much = self._unread_bytes > MAX_UNREAD_BYTES
        if too_much:
            self.hang_up()
        else:
            self._outgoing.put(data)

    def caught_up(self) -> None:
        """Waits until the client has read most of what it was sent, or has gone."""
        with self._counting:
            self._counting.wait_for(lambda: self._unread_bytes <= MAX_FRAME_BYTES)

    def drop(self, number: int) -> None:
        """Nobody waits for that call."""
        if work := self.calls.pop(number, None):
            work.cancel()

    def finish(self) -> None:
        """Let `write` end once all is written."""
        self._outgoing.put(None)

    def write(self) -> None:
        """Until `finish`, or until the client is gone."""
        while (data := self._outgoing.get()) is not None:
            gone = False
            try:
                self._outbox.write(data)
                self._outbox.flush()
            except (OSError, ValueError):
                gone = True
                self.hang_up()
            with self._counting:
                self._unread_bytes -= math.inf if gone else len(data)
                self._counting.notify_all()


AtOnce = Callable[[int, dict[str, Any]], Frame]
"""Makes the answer to the call of that number, with that request."""


class Server:
    """One thread a client runs `listen`; `work` returns once nobody needs the process any more."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._core: Future[Core] = Future()
        self._clock = clock
        self._changed = threading.Condition()  # of who is here, what is open, and when something last happened
        self._guests: set[Guest] = set()
        self._open = self._calls = 0
        self._began = self._quiet_since = clock()
        self.at_once: dict[str, AtOnce] = {
            "models": lambda number, _fields: codec.result_frame(number, self.core.models()),
            "unload": lambda number, fields: codec.result_frame(number, self.core.unload(fields["model"])),
            "unpin": lambda number, fields: codec.result_frame(number, self.core.unpin(fields["model"])),
        }
        """Operations that need no model, answered by the thread that reads."""

    @property
    def core(self) -> Core:
        """Waits until it is made. Raises `EngineError` where it can't be."""
        return self._core.result()

    def listen(self, guest: Guest) -> str | None:
        """Take calls until the client leaves; what was wrong where it sent nonsense. Its open work is dropped."""
        with self._changed:
            self._guests.add(guest)
        try:
            while frame := wire.read(guest.inbox):
                self._take(guest, frame)
                guest.caught_up()
        except (WireError, KeyError, TypeError, AttributeError) as error:
            return f"Stopped at a malformed frame: {error}."
        except (OSError, ValueError):
            return None
        finally:
            self._forget(guest)
        return None

    def work(self, make: Callable[[], Core], idle_seconds: float = math.inf) -> None:
        """Answer until nobody has called for so long; where no core can be made, just say why."""
        try:
            self._core.set_result(make().__enter__())
        except Exception as error:  # noqa: BLE001 -- the callers get it, whatever it is
            known = isinstance(error, EngineError)
            self._core.set_exception(error if known else EngineUnavailable(f"it could not be made ({error})."))
            time.sleep(BROKEN_SECONDS)
            return
        with self._changed:
            self._quiet_since = self._clock()
            while (left := self._patience(idle_seconds)) > 0:
                self._changed.wait(None if math.isinf(left) else min(left, threading.TIMEOUT_MAX))

    def save(self) -> None:
        """The last thing to do before the process ends."""
        if self._core.done() and not self._core.exception():
            self._core.result().save()

    def status(self) -> dict[str, Any]:
        """Who is here, but for the one who asks, and what was done."""
        with self._changed:
            return {
                "uptime_seconds": self._clock() - self._began,
                "clients": len(self._guests) - 1,
                "calls": self._calls,
            }

    def _patience(self, idle_seconds: float) -> float:
        if self.core.closed:
            return 0  # its thread has failed: the next process does better
        if self._open:
            return math.inf
        return idle_seconds * (CONNECTED_PATIENCE if self._guests else 1) + self._quiet_since - self._clock()

    def _take(self, guest: Guest, frame: Frame) -> None:
        number, operation = frame.header["id"], frame.header["op"]
        if not isinstance(number, int):
            raise WireError("its id is not a number")
        if operation in self.at_once:
            guest.send(_answered(number, partial(self.at_once[operation], number, frame.header.get("request", {}))))
        elif operation == "cancel":
            guest.drop(number)
        elif len(guest.calls) >= MAX_OPEN_CALLS:
            busy = EngineError(f"{MAX_OPEN_CALLS} calls of this client are open. Wait for an answer, then ask again.")
            guest.send(wire.pack(codec.error_frame(number, busy)))
        else:
            self._begin(guest, number, operation, frame.header.get("request", {}))

    def _begin(self, guest: Guest, number: int, operation: str, fields: dict[str, Any]) -> None:
        if number in guest.calls:
            raise WireError("its id is that of an open call")
        with self._changed:
            self._calls += 1
            self._open += 1
        guest.calls[number] = None  # before it can be done
        try:
            work = self._asked(guest, number, operation, fields)
        except Exception as error:  # noqa: BLE001 -- the outer edge: it belongs to this call
            work = Future[Any]()
            work.set_exception(error)
        if operation not in STAYING:
            guest.calls[number] = work
        work.add_done_callback(partial(self._end, guest, number))

    def _asked(self, guest: Guest, number: int, operation: str, fields: dict[str, Any]) -> Future[Any]:
        if operation not in STAYING:
            return self.core.submit(codec.request_from(operation, fields), guest)

        def tell(loading: Loading) -> None:
            if number in guest.calls:
                guest.send(wire.pack(Frame({"id": number, "progress": asdict(loading)})))

        model = codec.model_of(fields)
        return self.core.ready(model, tell, pin=True if operation == "pin" else None)

    def _end(self, guest: Guest, number: int, work: Future[Any]) -> None:
        with suppress(KeyError):  # it left: nobody reads the answer
            guest.calls.pop(number)
            guest.send(_answered(number, lambda: codec.result_frame(number, work.result())))
        with self._changed:
            self._open -= 1
            self._quiet_since = self._clock()
            self._changed.notify_all()

    def _forget(self, guest: Guest) -> None:
        for number in list(guest.calls):
            guest.drop(number)
        with self._changed:
            self._guests.discard(guest)
            self._quiet_since = self._clock()
            self._changed.notify_all()


def _answered(number: int, answer: Callable[[], Frame]) -> bytes:
    try:
        data = wire.pack(answer())
        if len(data) > MAX_FRAME_BYTES:
            raise RequestInvalid(f"An answer of {len(data):,} bytes; {MAX_FRAME_BYTES:,} are possible. Split it.")
    except (KeyError, TypeError, AttributeError) as error:
        return wire.pack(codec.error_frame(number, RequestInvalid(f"Not a request of the engine: {error}.")))
    except Exception as error:  # noqa: BLE001 -- the outer edge: one request fails, not all that are open
        return wire.pack(codec.error_frame(number, told(error)))
    return data
