"""What every test has around it: asyncio, and an engine folder that is not the user's."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import anyio
import pytest
from hypothesis import settings

from tamis_engine.process import shared
from tamis_engine.process.address import here
from tamis_engine.running.memory import CACHE
from tamis_mcp_server.settings import ENGINE_FOLDER, ENGINE_IDLE_SECONDS

# how long something takes is what benches are for
settings.register_profile("no deadline", deadline=None)
settings.load_profile("no deadline")


@pytest.fixture(scope="session", autouse=True)
def engine_folder() -> Iterator[Path]:
    """Real programs that the tests start share one real engine, which ends with them."""
    with TemporaryDirectory(prefix="tamis-") as folder, pytest.MonkeyPatch.context() as patch:
        patch.setenv(ENGINE_FOLDER, folder)
        patch.setenv(ENGINE_IDLE_SECONDS, "30")
        patch.setenv(CACHE, f"{folder}/rows")
        yield Path(folder)
        anyio.run(shared.stop, here(Path(folder)))


@pytest.fixture
def anyio_backend() -> str:
    """Asynchronous tests run on asyncio alone: it is what the server runs on."""
    return "asyncio"
