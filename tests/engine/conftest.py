"""What the engine's tests share: one encoder a precision, and child processes whose model is a fake."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import anyio
import pytest

from tamis_engine.process import shared
from tamis_engine.process.address import Address, CannotShare
from tamis_engine.process.shared import Place
from tests.engine.meeting import wait_until_gone

if TYPE_CHECKING:
    pass


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Where the fake worker writes what it does, a line each."""
    (tmp_path / "log").touch()
    return tmp_path / "log"


@pytest.fixture
def command(log: Path) -> tuple[str, ...]:
    """Starts a worker whose model is a fake; see fake_worker.py for the texts that it reacts to."""
    return (sys.executable, "-P", str(Path(__file__).with_name("fake_worker.py")), str(log))


@pytest.fixture
def lines(log: Path) -> Callable[[], list[str]]:
    return lambda: log.read_text(encoding="utf-8").splitlines()


@pytest.fixture
def folder() -> Iterator[Path]:
    """Short: the name of a socket has little room."""
    path = Path(tempfile.mkdtemp(prefix="tamis-"))
    yield path
    shutil.rmtree(path)


@pytest.fixture
def loopback() -> bool:
    return False


@pytest.fixture
def place(loopback: bool, folder: Path, command: tuple[str, ...]) -> Iterator[Place]:
    """Where engines with a fake model are met; none is left when the test ends."""
    place = Place(Address(folder, "fake", loopback), 20, command, command)
    yield place
    with suppress(CannotShare):
        anyio.run(shared.stop, place.address)
    wait_until_gone(place.address)
