"""An engine process of one's own, over its pipes: for machines on which none can be shared."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, suppress

import anyio
from anyio.abc import ByteReceiveStream
from anyio.streams.buffered import BufferedByteReceiveStream

from tamis_engine.process.line import LAST_WORDS_BYTES, Transport, last_words

# -P: a torch.py in the folder where the user works must not be imported.
COMMAND = (sys.executable, "-P", "-m", "tamis_engine.process.worker")


@asynccontextmanager
async def opened(command: Sequence[str] = COMMAND, *, private: str = "by choice") -> AsyncGenerator[Transport]:
    """A process that ends with its stdin, and at the latest with this."""
    process = await anyio.open_process(command, creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0))
    assert process.stdin
    assert process.stdout
    assert process.stderr
    stderr = Tail(process.stderr)

    def kill() -> None:
        with suppress(ProcessLookupError):
            process.kill()

    async def how_it_ended() -> str:
        # It is ending by itself, and says why on stderr; one that goes on without stdout is of no use.
        with anyio.move_on_after(1):
            await process.wait()
        kill()
        return f"its process ended with code {await process.wait()}{last_words(stderr.text)}."

    async with process, anyio.create_task_group() as tasks:
        tasks.start_soon(stderr.read)
        receive = BufferedByteReceiveStream(process.stdout)
        yield Transport(process.stdin, receive, process.pid, how_it_ended, kill, private)
        tasks.cancel_scope.cancel()


class Tail:
    """The end of what a process says on stderr."""

    def __init__(self, stderr: ByteReceiveStream) -> None:
        self._stderr = stderr
        self.text = b""

    async def read(self) -> None:
        """Until it ends."""
        with suppress(OSError, anyio.BrokenResourceError, anyio.ClosedResourceError):
            async for text in self._stderr:
                self.text = (self.text + text)[-LAST_WORDS_BYTES:]
