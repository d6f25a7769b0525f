"""Many clients, one thread that computes: each client in turn, one batch at a time."""

from __future__ import annotations

import math
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, BinaryIO

from tamis_engine.errors import EngineError, RequestInvalid
from tamis_engine.process import codec, wire
from tamis_engine.process.wire import Frame, WireError

if TYPE_CHECKING:
    from tamis_engine.running.service import Service, Steps

MAX_UNREAD_BYTES = 64 * 2**20
"""Of answers; whoever lets more lie does not read."""
MAX_OPEN_CALLS = 256
CONNECTED_PATIENCE = 6
"""Clients that are connected and silent keep the engine for this many times as long as nobody does."""


@dataclass(slots=True, eq=False)
class Job:
    """One call. `dropped` is set by a thread that reads, and looked at by the one that computes."""

    number: int
    operation: str
    fields: dict[str, Any]
    steps: Steps[codec.Result] | None = None
    dropped: bool = False


class Guest:
    """One client: two streams, and its calls in the order in which they are served."""

    def __init__(self, inbox: BinaryIO, outbox: BinaryIO, hang_up: Callable[[], object] = lambda: None) -> None:
        self.inbox = inbox
        self.hang_up = hang_up
        self.jobs: deque[Job] = deque()
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


AtOnce = Callable[[int], Frame]
"""Makes the answer to the call of that number."""


class Server:
    """One thread a client runs `listen`; one thread runs `work` and owns the service."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._changed = threading.Condition()  # of who is here, what they ask, and when something last happened
        self._guests: set[Guest] = set()
        self._ring: deque[Guest] = deque()
        self._began = self._quiet_since = clock()
        self._calls = 0
        self.at_once: dict[str, AtOnce] = {}
        """Operations that need no model, answered by the thread that reads."""

    def listen(self, guest: Guest) -> str | None:
        """Take calls until the client leaves; what was wrong where it sent nonsense. Its open work is dropped."""
        with self._changed:
            self._guests.add(guest)
        try:
            while frame := wire.read(guest.inbox):
                self._take(guest, frame)
        except (WireError, KeyError, TypeError) as error:
            return f"Stopped at a malformed frame: {error}."
        except (OSError, ValueError):
            return None
        finally:
            self._forget(guest)
        return None

    def work(self, service: Service, idle_seconds: float = math.inf) -> None:
        """One step after the other, until nobody has called for so long."""
        while turn := self._next(idle_seconds):
            guest, job = turn
            answer = None if job.dropped else _step(job, service)
            if answer:
                guest.send(answer)
            self._put_back(guest, job, done=job.dropped or answer is not None)

    def status(self) -> dict[str, Any]:
        """Who is here, but for the one who asks, and what was done."""
        with self._changed:
            return {
                "uptime_seconds": self._clock() - self._began,
                "clients": len(self._guests) - 1,
                "calls": self._calls,
            }

    def _take(self, guest: Guest, frame: Frame) -> None:
        number, operation = frame.header["id"], frame.header["op"]
        if not isinstance(number, int):
            raise WireError("its id is not a number")
        if operation in self.at_once:
            guest.send(self.at_once[operation](number))
        elif operation == "cancel":
            with self._changed:
                for job in guest.jobs:
                    # a model that loads is wanted soon, by whoever asked for it and left
                    job.dropped = job.dropped or (job.number == number and job.operation != "ready")
        elif len(guest.jobs) >= MAX_OPEN_CALLS:
            busy = EngineError(f"{MAX_OPEN_CALLS} calls of this client are open. Wait for an answer, then ask again.")
            guest.send(codec.error_frame(number, busy))
        else:
            self._queue(guest, Job(number, operation, frame.header.get("request", {})))

    def _queue(self, guest: Guest, job: Job) -> None:
        with self._changed:
            self._calls += 1
            if not guest.jobs:  # else it stands in the ring, or is being served
                self._ring.append(guest)
            guest.jobs.append(job)
            self._changed.notify_all()

    def _next(self, idle_seconds: float) -> tuple[Guest, Job] | None:
        """The oldest call of the client whose turn it is; None once nobody has called for long enough."""
        with self._changed:
            while not self._ring:
                patience = idle_seconds * (CONNECTED_PATIENCE if self._guests else 1)
                left = self._quiet_since + patience - self._clock()
                if left <= 0:
                    return None
                self._changed.wait(min(left, threading.TIMEOUT_MAX))
            guest = self._ring.popleft()
            return guest, guest.jobs[0]

    def _put_back(self, guest: Guest, job: Job, *, done: bool) -> None:
        """Behind all others who wait."""
        if done and job.steps:
            job.steps.close()
        with self._changed:
            if done:
                guest.jobs.remove(job)
            if guest.jobs:
                self._ring.append(guest)
            self._quiet_since = self._clock()

    def _forget(self, guest: Guest) -> None:
        with self._changed:
            self._guests.discard(guest)
            for job in guest.jobs:
                job.dropped = True
            self._quiet_since = self._clock()
            self._changed.notify_all()


def _step(job: Job, service: Service) -> Frame | None:
    """Go on until the next pause; the answer once there is one."""
    try:
        job.steps = job.steps or _steps(job, service)
        next(job.steps)
    except StopIteration as end:
        return codec.result_frame(job.number, end.value)
    except EngineError as error:
        return codec.error_frame(job.number, error)
    except Exception as error:  # noqa: BLE001 -- the outer edge: one request fails, not all that are open
        traceback.print_exc()
        problem = EngineError(f"The engine failed on this request ({type(error).__name__}: {error}).")
        return codec.error_frame(job.number, problem)
    return None


def _steps(job: Job, service: Service) -> Steps[codec.Result]:
    if job.operation == "ready":
        return service.ready()
    operations: dict[str, Callable[[Any], Steps[codec.Result]]] = {
        "encode": service.encode,
        "score": service.score,
        "extract": service.extract,
    }
    if job.operation not in operations:
        raise RequestInvalid(f"No operation named {job.operation!r}.")
    return operations[job.operation](codec.request_from(job.operation, job.fields))
