"""The private child of one client: requests in on stdin, answers out on stdout, gone when stdin ends."""

from __future__ import annotations

import gc
import os
import signal
import sys
import threading
from typing import BinaryIO

from tamis_engine import embedded
from tamis_engine.process import codec
from tamis_engine.process.serving import Guest, Server
from tamis_engine.running.model import Encoder
from tamis_engine.running.service import Service

MAX_THREADS = 8
"""More of them wait for each other on matrices this small."""
SURROUNDINGS = {
    "HF_HUB_OFFLINE": "1",  # the embedded model needs no network, so none is touched
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    # By default threads spin while they wait for each other. Beside an agent, an editor and a build that made
    # a query take a second instead of ten milliseconds; on a quiet machine sleeping costs one or two.
    "OMP_WAIT_POLICY": "passive",
    "TOKENIZERS_PARALLELISM": "false",
    "TRANSFORMERS_VERBOSITY": "error",
}


def load() -> Encoder:
    """The embedded encoder, with as many threads as help it, in a process that does nothing else."""
    os.environ.update(SURROUNDINGS)
    encoder = embedded.load()
    # late: only embedded.load knows how to import it fast
    import torch

    torch.set_num_threads(min(torch.get_num_threads(), MAX_THREADS))
    # What the imports made stays for good; looking through it for garbage would stop a call for 0.3 s.
    gc.freeze()
    return encoder


def take_pipes() -> tuple[BinaryIO, BinaryIO]:
    """stdin and stdout for frames alone: what any library reads or prints from here on goes elsewhere."""
    inbox, outbox = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return inbox, outbox


def serve(service: Service) -> None:
    """Answer with `service` until stdin ends."""
    # Ctrl-C on a terminal reaches the whole group; the server decides, and tells by closing stdin.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    server, guest = Server(), Guest(*take_pipes())
    server.at_once["models"] = lambda number: codec.result_frame(number, service.models())

    def listen() -> None:
        """Then the process is gone at once, whatever it computes."""
        problem = server.listen(guest)
        sys.stderr.write(f"{problem}\n" if problem else "")
        sys.stderr.flush()
        os._exit(1 if problem else 0)

    threading.Thread(target=listen, name="listen", daemon=True).start()
    threading.Thread(target=guest.write, name="write", daemon=True).start()
    server.work(service)


if __name__ == "__main__":
    serve(Service(load))
