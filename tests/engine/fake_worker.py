"""The real processes around a fake model. Texts tell the model what to do; LOG says what it did.

fake_worker.py LOG is a private child, fake_worker.py LOG FOLDER NAME ... a shared engine.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from tamis_engine.errors import EngineUnavailable
from tamis_engine.process import daemon, worker
from tamis_engine.protocol import ModelStatus
from tamis_engine.running.core import Core
from tests.engine.fake_models import FakeModel, FakeOperation, core

LOG = Path(sys.argv[1])
RELEASE = threading.Event()


def note(line: str) -> None:
    with LOG.open("a", encoding="utf-8") as file:
        file.write(f"{line}\n")


def react(text: str) -> None:
    note(text)
    match text.split():
        case ["hold", *_]:
            RELEASE.wait(20)
        case ["gate", *_]:
            wait_for(LOG.with_name("open"))
        case ["print", *_]:
            print("a stray print", flush=True)  # noqa: T201
            os.write(1, b"and one past Python\n")
        case ["fail", *_]:
            raise MemoryError("no room for this one")
        case ["die", "once"] if "died" not in LOG.read_text(encoding="utf-8"):
            note("died")
            os.kill(os.getpid(), signal.SIGKILL)
        case ["die", "always"]:
            sys.stderr.write("out of luck\n")
            sys.stderr.flush()
            os._exit(3)


def wait_for(path: Path) -> None:
    end = time.monotonic() + 20
    while not path.exists() and time.monotonic() < end:
        time.sleep(0.005)


def start() -> Core:
    note("started")
    if LOG.with_name("broken").exists():
        raise EngineUnavailable("a setting is rubbish.")
    made = core(FakeModel(FakeOperation(react), batch_tokens=1))
    asked = made.models

    def models() -> tuple[ModelStatus, ...]:
        """Answered by the thread that reads, it lets go of what is held."""
        RELEASE.set()
        return asked()

    made.models = models
    return made


if __name__ == "__main__":
    if len(sys.argv) == 2:
        worker.serve(start)
    else:
        daemon.serve(*daemon.parsed(sys.argv[2:]), start)
