"""What an engine costs in the long run: nothing that grows with swaps, and nothing while nobody asks."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import anyio
import psutil
import pytest

from tamis_engine.process import shared
from tamis_engine.process.address import here
from tamis_engine.process.shared import Place
from tamis_engine.protocol import EncodeRequest
from tests.engine.meeting import clients, engine_at, greeted, wait_until_gone

SWAPS, WARM = 500, 50
SILENCE_SECONDS = 0.5


def test_memory_after_five_hundred_swaps_is_what_it_was_after_fifty(tmp_path: Path) -> None:
    program = Path(__file__).with_name("swapper.py")
    argv = [sys.executable, str(program), str(tmp_path), str(SWAPS), str(WARM)]
    early, late = json.loads(subprocess.check_output(argv, stderr=subprocess.DEVNULL, timeout=300))
    assert late < 1.1 * early


@pytest.mark.anyio
async def test_an_engine_whose_clients_are_silent_uses_no_processor(folder: Path) -> None:
    place = Place(here(folder))
    async with engine_at(place) as engine:
        await engine.encode(EncodeRequest(("a model is resident",)))
        with greeted(place.address) as other:
            await clients(place, 2)
            process = psutil.Process(engine.pid)
            before = sum(process.cpu_times()[:2])
            other.settimeout(SILENCE_SECONDS)
            with pytest.raises(TimeoutError):
                other.recv(1)
            used = sum(process.cpu_times()[:2]) - before
    await shared.stop(place.address)
    await anyio.to_thread.run_sync(wait_until_gone, place.address)
    assert used < 0.1 * SILENCE_SECONDS
