"""The child process of `ChildEngine`: requests in on stdin, answers out on stdout, gone when stdin ends."""

from __future__ import annotations

import gc
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any, BinaryIO

from tamis_engine import codec, embedded, wire
from tamis_engine.errors import EngineError, RequestInvalid
from tamis_engine.model import Encoder
from tamis_engine.service import Checkpoint, Service
from tamis_engine.wire import Frame, WireError

MAX_THREADS = 8
"""More of them wait for each other on matrices this small."""


class Dropped(Exception):
    """Nobody waits for this answer any more."""


@dataclass(slots=True)
class Job:
    """One call. `dropped` is set by the thread that reads, and looked at by the one that computes."""

    number: int
    operation: str
    fields: dict[str, Any]
    dropped: bool = False

    def checkpoint(self) -> None:
        """Raises `Dropped` once the caller has left."""
        if self.dropped:
            raise Dropped


class Worker:
    """Two threads: `listen` reads, answers what needs no model and drops what was cancelled; `work` computes."""

    def __init__(self, service: Service, inbox: BinaryIO, outbox: BinaryIO) -> None:
        self._service = service
        self._inbox = inbox
        self._outbox = outbox
        self._queue: SimpleQueue[Job] = SimpleQueue()
        self._open: dict[int, Job] = {}
        self._writing = threading.Lock()  # both threads answer, and their frames must not mix

    def listen(self) -> None:
        """Until stdin ends or makes no sense; then the process is gone at once, whatever it computes."""
        try:
            while frame := wire.read(self._inbox):
                self._take(frame)
        except (WireError, KeyError, TypeError) as error:
            sys.stderr.write(f"Stopped at a malformed frame: {error}.\n")
            sys.stderr.flush()
            os._exit(1)
        os._exit(0)

    def work(self) -> None:
        """For ever: one call after the other."""
        while True:
            job = self._queue.get()
            answer = self._answer(job)
            self._open.pop(job.number, None)
            if answer:
                self._send(answer)

    def _take(self, frame: Frame) -> None:
        number, operation = frame.header["id"], frame.header["op"]
        if operation == "models":
            self._send(codec.result_frame(number, self._service.models()))
        elif operation != "cancel":
            job = Job(number, operation, frame.header.get("request", {}))
            self._open[number] = job
            self._queue.put(job)
        elif (job := self._open.get(number)) and job.operation != "ready":
            job.dropped = True  # but a model that loads is wanted soon, by whoever asked for it and left

    def _answer(self, job: Job) -> Frame | None:
        try:
            job.checkpoint()
            return codec.result_frame(job.number, self._result(job))
        except Dropped:
            return None
        except EngineError as error:
            return codec.error_frame(job.number, error)
        except Exception as error:  # noqa: BLE001 -- the outer edge: one request fails, not all that are open
            traceback.print_exc()
            problem = EngineError(f"The engine failed on this request ({type(error).__name__}: {error}).")
            return codec.error_frame(job.number, problem)

    def _result(self, job: Job) -> codec.Result:
        if job.operation == "ready":
            return self._service.ready()
        operations: dict[str, Callable[[Any, Checkpoint], codec.Result]] = {
            "encode": self._service.encode,
            "score": self._service.score,
            "extract": self._service.extract,
        }
        if job.operation not in operations:
            raise RequestInvalid(f"No operation named {job.operation!r}.")
        return operations[job.operation](codec.request_from(job.operation, job.fields), job.checkpoint)

    def _send(self, frame: Frame) -> None:
        with self._writing:
            self._outbox.write(wire.pack(frame))
            self._outbox.flush()


def take_pipes() -> tuple[BinaryIO, BinaryIO]:
    """stdin and stdout for frames alone: what any library reads or prints from here on goes elsewhere."""
    inbox, outbox = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return inbox, outbox


def load() -> Encoder:
    """The embedded encoder, with as many threads as help it."""
    encoder = embedded.load()
    # late: only embedded.load knows how to import it fast
    import torch

    torch.set_num_threads(min(torch.get_num_threads(), MAX_THREADS))
    # What the imports made stays for good; looking through it for garbage would stop a call for 0.3 s.
    gc.freeze()
    return encoder


def serve(service: Service) -> None:
    """Answer with `service` until stdin ends."""
    # Ctrl-C on a terminal reaches the whole group; the server decides, and tells by closing stdin.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    worker = Worker(service, *take_pipes())
    threading.Thread(target=worker.listen, name="listen", daemon=True).start()
    worker.work()


if __name__ == "__main__":
    serve(Service(load))
