"""The private child of one client: requests in on stdin, answers out on stdout, gone when stdin ends."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, BinaryIO, NoReturn

from tamis_engine.process.serving import Guest, Server

if TYPE_CHECKING:
    from tamis_engine.running.core import Core

SURROUNDINGS = {
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    # By default threads spin while they wait for each other. Beside an agent, an editor and a build that made
    # a query take a second instead of ten milliseconds; on a quiet machine sleeping costs one or two.
    "OMP_WAIT_POLICY": "passive",
    "TOKENIZERS_PARALLELISM": "false",
    "TRANSFORMERS_VERBOSITY": "error",
}


def make() -> Core:
    """What this process serves, in surroundings that suit it and whatever it imports."""
    for name, value in SURROUNDINGS.items():
        os.environ.setdefault(name, value)
    # late: the surroundings are read when things are imported
    from tamis_engine.running import making, memory

    memory.share_heaps()

    return making.core()


def take_pipes() -> tuple[BinaryIO, BinaryIO]:
    """stdin and stdout for frames alone: what any library reads or prints from here on goes elsewhere."""
    inbox, outbox = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return inbox, outbox


def serve(make: Callable[[], Core]) -> NoReturn:
    """Answer until stdin ends."""
    # Ctrl-C on a terminal reaches the whole group; the server decides, and tells by closing stdin.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    server, guest = Server(), Guest(*take_pipes())

    def listen() -> None:
        """Then the process is gone at once, whatever it computes."""
        problem = server.listen(guest)
        with suppress(OSError):  # who would read it may be gone too
            sys.stderr.write(f"{problem}\n" if problem else "")
            sys.stderr.flush()
        leave(1 if problem else 0)

    def leave(code: int) -> NoReturn:
        server.save()
        os._exit(code)

    threading.Thread(target=listen, name="listen", daemon=True).start()
    threading.Thread(target=guest.write, name="write", daemon=True).start()
    server.work(make)
    leave(1)


if __name__ == "__main__":
    serve(make)
