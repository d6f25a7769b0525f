"""One worker process and the calls that are open on it: frames out, frames in, its last words kept."""

from __future__ import annotations

import itertools
import math
import os
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import anyio
from anyio.abc import ByteReceiveStream, ByteSendStream, Process
from anyio.streams.buffered import BufferedByteReceiveStream

from tamis_engine import wire
from tamis_engine.wire import Frame, WireError

SURROUNDINGS = {
    "HF_HUB_OFFLINE": "1",  # the embedded model needs no network, so none is touched
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    # By default threads spin while they wait for each other. Beside an agent, an editor and a build that made
    # a query take a second instead of ten milliseconds; on a quiet machine sleeping costs one or two.
    "OMP_WAIT_POLICY": "passive",
    "TOKENIZERS_PARALLELISM": "false",
    "TRANSFORMERS_VERBOSITY": "error",
}
LAST_WORDS_BYTES = 4096


class ChildLost(Exception):
    """The process ended, or never started, before it answered. The message says how."""


@dataclass(slots=True)
class Call:
    """Somebody waits; `answer` is None where the process ended first."""

    done: anyio.Event = field(default_factory=anyio.Event)
    answer: Frame | None = None


class Child:
    """A process that answers `call` for as long as `run` runs. Starts once, ends once."""

    def __init__(self, command: Sequence[str]) -> None:
        self._command = command
        self._process: Process | None = None
        self._calls: dict[int, Call] = {}
        self._numbers = itertools.count(1)
        self._outgoing, self._outbox = anyio.create_memory_object_stream[bytes](math.inf)
        self._last_words = b""
        self.lost: str | None = None
        self.has_answered = False
        self.ended = anyio.Event()

    @property
    def pid(self) -> int | None:
        """While the process runs."""
        return self._process.pid if self._process and self._process.returncode is None else None

    async def call(self, operation: str, request: dict[str, Any] | None = None) -> Frame:
        """The answer. Cancelled, it tells the process to drop the work. Raises `ChildLost`."""
        if self.lost:
            raise ChildLost(self.lost)
        number, call = next(self._numbers), Call()
        self._calls[number] = call
        self._outgoing.send_nowait(_message(number, operation, request or {}))
        try:
            await call.done.wait()
        finally:
            if self._calls.pop(number, None) and not self.lost:
                self._outgoing.send_nowait(_message(number, "cancel"))
        if call.answer is None:
            raise ChildLost(self.lost)
        return call.answer

    async def run(self) -> None:
        """Start the process and serve its pipes until it ends. Cancelled, it kills the process."""
        reason = "it was stopped."
        try:
            reason = await self._serve()
        except OSError as error:
            reason = f"it could not be started ({error})."
        finally:
            self._end(reason)

    def close(self) -> None:
        """Close its stdin once all that was asked is sent: the process ends itself."""
        self.lost = self.lost or "it was closed."
        self._outgoing.close()

    def kill(self) -> None:
        """At once, from wherever: nothing is awaited."""
        if self._process:
            with suppress(ProcessLookupError):
                self._process.kill()

    async def _serve(self) -> str:
        process = await anyio.open_process(
            self._command,
            env={**os.environ, **SURROUNDINGS},
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
        assert process.stdin
        assert process.stdout
        assert process.stderr
        self._process = process
        problem = None
        async with process, anyio.create_task_group() as tasks:
            tasks.start_soon(self._write, process.stdin)
            tasks.start_soon(self._drain, process.stderr)
            problem = await self._read(BufferedByteReceiveStream(process.stdout))
            # It is ending by itself, and says why on stderr; one that goes on without stdout is of no use.
            with anyio.move_on_after(1):
                await process.wait()
            self.kill()
            await process.wait()
            tasks.cancel_scope.cancel()
        return problem or f"its process ended with code {process.returncode}{self._because()}."

    async def _read(self, stdout: BufferedByteReceiveStream) -> str | None:
        """Hand out answers until the stream ends; what was wrong where it ended in nonsense."""
        try:
            while frame := await wire.receive(stdout):
                # Nobody there: the caller left, and its cancellation crossed the answer.
                if call := self._calls.pop(frame.header["id"], None):
                    self.has_answered = True
                    call.answer = frame
                    call.done.set()
        except (WireError, KeyError, TypeError) as error:
            self.kill()
            return f"what it sent made no sense ({error})."
        return None

    async def _write(self, stdin: ByteSendStream) -> None:
        # A broken pipe is seen by the reader too, which knows what to do about it.
        with suppress(OSError, anyio.BrokenResourceError, anyio.ClosedResourceError):
            async for message in self._outbox:
                await stdin.send(message)
            await stdin.aclose()

    async def _drain(self, stderr: ByteReceiveStream) -> None:
        with suppress(OSError, anyio.BrokenResourceError, anyio.ClosedResourceError):
            async for text in stderr:
                self._last_words = (self._last_words + text)[-LAST_WORDS_BYTES:]

    def _because(self) -> str:
        lines = self._last_words.decode("utf-8", "replace").splitlines()
        words = [line.strip() for line in lines if line.strip()]
        return f"; its last words: {' / '.join(words[-3:])[-300:]}" if words else ""

    def _end(self, reason: str) -> None:
        self.lost = reason
        self._outgoing.close()
        self._outbox.close()
        for call in self._calls.values():
            call.done.set()
        self.ended.set()


def _message(number: int, operation: str, request: dict[str, Any] | None = None) -> bytes:
    return wire.pack(Frame({"id": number, "op": operation, "request": request or {}}))
