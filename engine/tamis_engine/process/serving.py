"""Many clients, one core: calls in, answers out as they come, and no client can hurt another."""

from __future__ import annotations

import math
import threading
import time
import traceback
from collections.abc import Callable
from concurrent.futures import CancelledError, Future
from dataclasses import asdict
from functools import partial
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, BinaryIO

from tamis_engine.errors import EngineError, RequestInvalid
from tamis_engine.process import codec, wire
from tamis_engine.process.wire import Frame, WireError

if TYPE_CHECKING:
    from tamis_engine.protocol import Loading
    from tamis_engine.running.core import Core

MAX_UNREAD_BYTES = 64 * 2**20
"""Of answers; whoever lets more lie does not read."""
MAX_OPEN_CALLS = 256
CONNECTED_PATIENCE = 6
"""Clients that are connected and silent keep the engine for this many times as long as nobody does."""


class Guest:
    """One client: two streams, and its open calls."""

    def __init__(self, inbox: BinaryIO, outbox: BinaryIO, hang_up: Callable[[], object] = lambda: None) -> None:
        self.inbox = inbox
        self.hang_up = hang_up
        self.calls: dict[int, Future[Any]] = {}
        self._outbox = outbox
        self._outgoing: SimpleQueue[bytes | None] = SimpleQueue()
        self._unread_bytes = 0
        self._counting = threading.Lock()  # of unread bytes, by the threads that send and the one that writes

    def send(self, frame: Frame) -> None:
        """Never waits: a client that does not read is hung up on."""
        data = wire.pack(frame)
        with self._counting:
            self._unread_bytes += len(data)
            too_much = self._unread_bytes > MAX_UNREAD_BYTES
        if too_much:
            self.hang_up()
        else:
            self._outgoing.put(data)

    def finish(self) -> None:
        """Let `write` end once all is written."""
        self._outgoing.put(None)

    def write(self) -> None:
        """Until `finish`, or until the client is gone."""
        while (data := self._outgoing.get()) is not None:
            try:
                self._outbox.write(data)
                self._outbox.flush()
            except (OSError, ValueError):
                self.hang_up()
                return
            with self._counting:
                self._unread_bytes -= len(data)


AtOnce = Callable[[int, dict[str, Any]], Frame]
"""Makes the answer to the call of that number, with that request."""


class Server:
    """One thread a client runs `listen`; `wait` returns once nobody needs the process any more."""

    def __init__(self, core: Core, clock: Callable[[], float] = time.monotonic) -> None:
        self._core = core
        self._clock = clock
        self._changed = threading.Condition()  # of who is here, what is open, and when something last happened
        self._guests: set[Guest] = set()
        self._open = self._calls = 0
        self._began = self._quiet_since = clock()
        self.at_once: dict[str, AtOnce] = {
            "models": lambda number, _fields: codec.result_frame(number, core.models()),
            "unload": lambda number, fields: codec.result_frame(number, core.unload(fields["model"])),
            "unpin": lambda number, fields: codec.result_frame(number, core.unpin(fields["model"])),
        }
        """Operations that need no model, answered by the thread that reads."""

    def listen(self, guest: Guest) -> str | None:
        """Take calls until the client leaves; what was wrong where it sent nonsense. Its open work is dropped."""
        with self._changed:
            self._guests.add(guest)
        try:
            while frame := wire.read(guest.inbox):
                self._take(guest, frame)
        except (WireError, KeyError, TypeError, AttributeError) as error:
            return f"Stopped at a malformed frame: {error}."
        except (OSError, ValueError):
            return None
        finally:
            self._forget(guest)
        return None

    def wait(self, idle_seconds: float = math.inf) -> None:
        """Until nobody has called for so long."""
        with self._changed:
            while (left := self._patience(idle_seconds)) > 0:
                self._changed.wait(None if math.isinf(left) else min(left, threading.TIMEOUT_MAX))

    def status(self) -> dict[str, Any]:
        """Who is here, but for the one who asks, and what was done."""
        with self._changed:
            return {
                "uptime_seconds": self._clock() - self._began,
                "clients": len(self._guests) - 1,
                "calls": self._calls,
            }

    def _patience(self, idle_seconds: float) -> float:
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
            if call := guest.calls.get(number):
                call.cancel()
        elif len(guest.calls) >= MAX_OPEN_CALLS:
            busy = EngineError(f"{MAX_OPEN_CALLS} calls of this client are open. Wait for an answer, then ask again.")
            guest.send(codec.error_frame(number, busy))
        else:
            self._begin(guest, number, operation, frame.header.get("request", {}))

    def _begin(self, guest: Guest, number: int, operation: str, fields: dict[str, Any]) -> None:
        with self._changed:
            self._calls += 1
            self._open += 1
        # here before it can be done; `cancel` reaches the call, and the model loads on if that is all that was asked
        call: Future[Any] = Future()
        guest.calls[number] = call
        call.add_done_callback(partial(self._end, guest, number))
        try:
            work = self._asked(guest, number, operation, fields)
        except EngineError as error:
            call.set_exception(error)
            return
        if operation not in ("ready", "pin"):
            call.add_done_callback(lambda done: work.cancel() if done.cancelled() else None)
        work.add_done_callback(partial(_pass_on, call))

    def _asked(self, guest: Guest, number: int, operation: str, fields: dict[str, Any]) -> Future[Any]:
        if operation not in ("ready", "pin"):
            return self._core.submit(codec.request_from(operation, fields), guest)

        def tell(loading: Loading) -> None:
            if number in guest.calls:
                guest.send(Frame({"id": number, "progress": asdict(loading)}))

        model = codec.model_of(fields)
        return self._core.ready(model, tell, pin=True if operation == "pin" else None)

    def _end(self, guest: Guest, number: int, call: Future[Any]) -> None:
        guest.calls.pop(number, None)
        if not call.cancelled():
            guest.send(_answered(number, lambda: codec.result_frame(number, call.result())))
        with self._changed:
            self._open -= 1
            self._quiet_since = self._clock()
            self._changed.notify_all()

    def _forget(self, guest: Guest) -> None:
        for call in list(guest.calls.values()):
            call.cancel()
        with self._changed:
            self._guests.discard(guest)
            self._quiet_since = self._clock()
            self._changed.notify_all()


def _pass_on(call: Future[Any], work: Future[Any]) -> None:
    """To whoever still waits."""
    try:
        error = work.exception()
        if error:
            call.set_exception(error)
        else:
            call.set_result(work.result())
    except (CancelledError, RuntimeError):
        pass


def _answered(number: int, answer: Callable[[], Frame]) -> Frame:
    try:
        return answer()
    except EngineError as error:
        return codec.error_frame(number, error)
    except (KeyError, TypeError, AttributeError) as error:
        return codec.error_frame(number, RequestInvalid(f"Not a request of the engine: {error}."))
    except Exception as error:  # noqa: BLE001 -- the outer edge: one request fails, not all that are open
        traceback.print_exc()
        problem = EngineError(f"The engine failed on this request ({type(error).__name__}: {error}).")
        return codec.error_frame(number, problem)
