"""The calls that are open on one engine process: frames out, frames in, until it is lost."""

from __future__ import annotations

import itertools
import math
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass, field
from typing import Any

import anyio
from anyio.abc import ByteSendStream
from anyio.streams.buffered import BufferedByteReceiveStream

from tamis_engine.process import wire
from tamis_engine.process.wire import Frame, WireError
from tamis_engine.protocol import Loading, OnProgress

LAST_WORDS_BYTES = 4096


class LineLost(Exception):
    """The process ended, or never started, before it answered. The message says how."""


class StartFailed(Exception):
    """A process was started and came to nothing. The message says how."""


@dataclass(frozen=True, slots=True)
class Transport:
    """A way to a process that is there. `private` says why it serves nobody else; empty where it is shared.

    `hang_up` is for signal handlers: at once, from wherever, it ends a process that is private.
    """

    send: ByteSendStream
    receive: BufferedByteReceiveStream
    pid: int
    how_it_ended: Callable[[], Awaitable[str]]
    hang_up: Callable[[], object] = lambda: None
    private: str = ""


Opener = Callable[[], AbstractAsyncContextManager[Transport]]


@dataclass(slots=True)
class Call:
    """Somebody waits; `answer` is None where the process ended first."""

    on_progress: OnProgress | None = None
    done: anyio.Event = field(default_factory=anyio.Event)
    answer: Frame | None = None


class Line:
    """Answers `call` for as long as `run` runs; takes calls before the process is up. Opens once, ends once."""

    def __init__(self, opener: Opener) -> None:
        self._opener = opener
        self._calls: dict[int, Call] = {}
        self._numbers = itertools.count(1)
        self._outgoing, self._outbox = anyio.create_memory_object_stream[bytes](math.inf)
        self.transport: Transport | None = None
        self.lost: str | None = None
        self.has_answered = False
        self.ended = anyio.Event()

    async def call(
        self, operation: str, request: dict[str, Any] | None = None, on_progress: OnProgress | None = None
    ) -> Frame:
        """The answer. Cancelled, it tells the process to drop the work. Raises `LineLost`."""
        if self.lost:
            raise LineLost(self.lost)
        number, call = next(self._numbers), Call(on_progress)
        self._calls[number] = call
        self._outgoing.send_nowait(message(number, operation, request))
        try:
            await call.done.wait()
        finally:
            if self._calls.pop(number, None) and not self.lost:
                self._outgoing.send_nowait(message(number, "cancel"))
        if call.answer is None:
            raise LineLost(self.lost)
        return call.answer

    async def run(self) -> None:
        """Reach the process and serve the calls until it ends. Cancelled, it leaves."""
        reason = "it was stopped."
        try:
            async with self._opener() as self.transport:
                reason = await self._serve(self.transport)
        except (OSError, StartFailed) as error:
            reason = f"it could not be started ({error})."
        finally:
            self._end(reason)

    def close(self) -> None:
        """Leave once all that was asked is sent."""
        self.lost = self.lost or "it was closed."
        self._outgoing.close()

    def hang_up(self) -> None:
        """At once, from wherever: nothing is awaited."""
        if self.transport:
            self.transport.hang_up()

    async def _serve(self, transport: Transport) -> str:
        problem, reason = None, ""
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._write, transport.send)
            problem = await self._read(transport.receive)
            if problem:
                transport.hang_up()
            reason = await transport.how_it_ended()
            tasks.cancel_scope.cancel()
        return problem or reason

    async def _read(self, stream: BufferedByteReceiveStream) -> str | None:
        """Hand out answers until the stream ends; what was wrong where it ended in nonsense."""
        try:
            while frame := await wire.receive(stream):
                if "progress" in frame.header:
                    self._tell(frame)
                    continue
                # Nobody there: the caller left, and its cancellation crossed the answer.
                if call := self._calls.pop(frame.header["id"], None):
                    self.has_answered = True
                    call.answer = frame
                    call.done.set()
        except (WireError, KeyError, TypeError) as error:
            return f"what it sent made no sense ({error})."
        except (OSError, anyio.BrokenResourceError, anyio.ClosedResourceError):
            return None
        return None

    def _tell(self, frame: Frame) -> None:
        call = self._calls.get(frame.header["id"])
        if call and call.on_progress:
            loading = Loading(**frame.header["progress"])
            with suppress(Exception):  # what the caller makes of it must not end the line that all calls share
                call.on_progress(loading)

    async def _write(self, stream: ByteSendStream) -> None:
        # A broken pipe is seen by the reader too, which knows what to do about it.
        with suppress(OSError, anyio.BrokenResourceError, anyio.ClosedResourceError):
            async for data in self._outbox:
                await stream.send(data)
            await stream.aclose()

    def _end(self, reason: str) -> None:
        self.lost = reason
        self._outgoing.close()
        self._outbox.close()
        for call in self._calls.values():
            call.done.set()
        self.ended.set()


def message(number: int, operation: str, request: dict[str, Any] | None = None) -> bytes:
    """A request as it travels."""
    return wire.pack(Frame({"id": number, "op": operation, "request": request or {}}))


def last_words(text: bytes) -> str:
    """The end of what a process said on stderr, for the end of a sentence."""
    words = [line.strip() for line in text.decode("utf-8", "replace").splitlines() if line.strip()]
    return f"; its last words: {' / '.join(words[-3:])[-300:]}" if words else ""
