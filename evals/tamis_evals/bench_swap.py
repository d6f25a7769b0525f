"""What taking turns costs: ten models in the memory of three, asked by eight callers at once.

`python -m tamis_evals.bench_swap [--quick] [--out FILE]`. One engine process as users have it, met over its socket;
models of random weights (`scripts/small_models.py`). Prints tables, writes `bench/swap.json`.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from pydoc_data.topics import topics
from random import Random
from statistics import median

import anyio
import numpy as np
from rich.console import Console
from rich.table import Table

from tamis_engine.client import LocalEngine
from tamis_engine.errors import EngineError
from tamis_engine.process import shared
from tamis_engine.process.address import here
from tamis_engine.process.shared import EngineStatus, Place
from tamis_engine.protocol import EncodeRequest, ScoreRequest
from tamis_engine.running.memory import CACHE, SETTING, shown

SCRIPT = Path(__file__).parents[2] / "scripts" / "small_models.py"
CALLERS = 8
SHARE = 3
"""The models together take that many times the budget."""
SAMPLE_SECONDS = 0.05
PAIRS = "-pairs"
"""Models whose name ends so score pairs; the others encode."""
RIVALS = ("bert-23m", "bert-23m-pairs")
PACKAGES = ("tamis", "torch", "transformers", "tokenizers", "numpy")
PLENTY = "16GB"

Request = EncodeRequest | ScoreRequest


@dataclass(frozen=True, slots=True)
class Size:
    """How much is done."""

    requests: int = 1_000
    alternating: int = 200
    repeats: int = 9


@dataclass(frozen=True, slots=True)
class Turns:
    """What came of one round of requests. Latencies in seconds, in the order in which answers came."""

    name: str
    models: int
    budget_bytes: int
    held_bytes: int
    """The most that models took in `samples` looks; of the whole process `resident_bytes`."""
    resident_bytes: int
    samples: int
    loads: int
    evictions: int
    seconds: float
    latencies: tuple[float, ...]
    failures: tuple[str, ...]

    def latency(self, percent: float) -> float:
        """That many percent of all requests took no longer."""
        return float(np.percentile(self.latencies, percent))


@dataclass(frozen=True, slots=True)
class Swap:
    """One model alone, from its files to its first answer and once more, seconds; the median of several."""

    model: str
    file_bytes: int
    footprint_bytes: int
    first: float
    warm: float


# --- what is asked ---------------------------------------------------------------------------------------------------


class Writer:
    """Requests that were never made before, so that no answer is kept from another time."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)
        self._words = " ".join(topics[name] for name in sorted(topics)).split()
        self._seed, self._written = seed, 0

    def request(self, model: str) -> Request:
        """One to eight texts of 20 to 200 words; half of what encoders are asked is to score by likeness."""
        passages = tuple(self._text(20, 200) for _ in range(self._random.randint(1, 8)))
        if model.endswith(PAIRS) or self._random.random() < 0.5:
            return ScoreRequest(self._text(5, 12), passages, model)
        return EncodeRequest(passages, model)

    def any_of(self, models: Sequence[str], count: int) -> list[Request]:
        """Each model as likely as the others, whatever came before: nothing could be guessed ahead."""
        return [self.request(self._random.choice(models)) for _ in range(count)]

    def in_turn(self, models: Sequence[str], count: int) -> list[Request]:
        """A, B, A, B."""
        return [self.request(models[number % len(models)]) for number in range(count)]

    def _text(self, shortest: int, longest: int) -> str:
        self._written += 1
        size = self._random.randint(shortest, longest)
        start = self._random.randrange(len(self._words) - size)
        return f"{self._seed}.{self._written} " + " ".join(self._words[start : start + size])


# --- who asks --------------------------------------------------------------------------------------------------------


@asynccontextmanager
async def _running(folder: Path, budget: str) -> AsyncGenerator[Place]:
    """A place where an engine with that budget is met; it ends with this. The process inherits our environment."""
    os.environ.update({SETTING: budget, CACHE: str(folder / "cache"), "HF_HUB_OFFLINE": "1"})
    place = Place(here(folder / "engine"))
    try:
        yield place
    finally:
        await shared.stop(place.address)


def _client(place: Place) -> LocalEngine:
    return LocalEngine(partial(shared.opened, place))


async def _status(place: Place) -> EngineStatus:
    status = await shared.status(place.address)
    if status is None:
        raise RuntimeError("the engine has ended")
    return status


async def _ask(engine: LocalEngine, request: Request) -> None:
    if isinstance(request, EncodeRequest):
        await engine.encode(request)
    else:
        await engine.score(request)


async def _take_turns(place: Place, name: str, per_caller: Sequence[Sequence[Request]]) -> Turns:
    """All callers at once, each with a connection of its own and one request open at a time."""
    latencies: list[float] = []
    failures: list[str] = []
    seen: list[EngineStatus] = []

    async def call(requests: Sequence[Request]) -> None:
        async with _client(place) as engine:
            for request in requests:
                began = time.perf_counter()
                try:
                    await _ask(engine, request)
                except EngineError as error:
                    failures.append(f"{type(error).__name__}: {error}")
                latencies.append(time.perf_counter() - began)

    before, began = await _status(place), time.perf_counter()
    async with anyio.create_task_group() as watching:
        watching.start_soon(_watch, place, seen)
        async with anyio.create_task_group() as callers:
            for requests in per_caller:
                callers.start_soon(call, requests)
        watching.cancel_scope.cancel()
    seconds = time.perf_counter() - began
    after = await _status(place)
    return Turns(
        name=name,
        models=len({request.model for requests in per_caller for request in requests}),
        budget_bytes=int(after.numbers["budget_bytes"]),
        held_bytes=max(int(each.numbers["held_bytes"]) for each in seen),
        resident_bytes=max(each.resident_bytes for each in seen),
        samples=len(seen),
        loads=int(after.numbers["loads"] - before.numbers["loads"]),
        evictions=int(after.numbers["evictions"] - before.numbers["evictions"]),
        seconds=seconds,
        latencies=tuple(latencies),
        failures=tuple(failures),
    )


async def _watch(place: Place, seen: list[EngineStatus]) -> None:
    """Until cancelled."""
    while True:
        seen.append(await _status(place))
        await anyio.sleep(SAMPLE_SECONDS)


# --- what is measured ------------------------------------------------------------------------------------------------


async def measure(folder: Path, size: Size) -> tuple[list[Turns], list[Swap]]:
    """Room for all, each model alone, room for a third, room for one of two."""
    models = [str(path) for path in sorted((folder / "models").iterdir())]
    rivals = [model for model in models if Path(model).name in RIVALS]
    async with _running(folder, PLENTY) as place:
        footprints = await _footprints(place, models)
        asked = _asked(1, size.requests, lambda writer, count: writer.any_of(models, count))
        turns = [await _take_turns(place, "room for all", asked)]
        swaps = [await _swap(place, model, footprints[model], size.repeats) for model in models]
    async with _running(folder, _budget(sum(footprints.values()) / SHARE)) as place:
        await _warm(place, models[-1])
        asked = _asked(2, size.requests, lambda writer, count: writer.any_of(models, count))
        turns.append(await _take_turns(place, "room for a third", asked))
    async with _running(folder, _budget(1.5 * max(footprints[model] for model in rivals))) as place:
        await _warm(place, rivals[-1])
        asked = _asked(3, size.alternating, lambda writer, count: writer.in_turn(rivals, count))
        turns.append(await _take_turns(place, "A B A B, room for one", asked))
    return turns, swaps


def _asked(seed: int, requests: int, write: Callable[[Writer, int], list[Request]]) -> list[list[Request]]:
    """For each caller as many."""
    return [write(Writer(1_000 * seed + caller), requests // CALLERS) for caller in range(CALLERS)]


def _budget(size_bytes: float) -> str:
    return f"{size_bytes / 1000:.3f}kB"


async def _warm(place: Place, model: str) -> None:
    """The process runs and has imported what it needs: that is no part of a swap."""
    async with _client(place) as engine:
        await engine.ready(model)


async def _footprints(place: Place, models: Sequence[str]) -> dict[str, int]:
    """As measured, with all of them resident."""
    async with _client(place) as engine:
        for model in models:
            await engine.ready(model)
        found = {status.name: status for status in await engine.models()}
    return {model: found[model].footprint_bytes for model in models}


async def _swap(place: Place, model: str, footprint_bytes: int, repeats: int) -> Swap:
    writer, times, warm = Writer(9), list[float](), list[float]()
    async with _client(place) as engine:
        for _ in range(repeats):
            await engine.unload(model)
            while await _state(engine, model) != "absent":
                await anyio.sleep(0.005)
            for found in (times, warm):
                request = _short(writer, model)
                began = time.perf_counter()
                await _ask(engine, request)
                found.append(time.perf_counter() - began)
    size_bytes = (Path(model) / "model.safetensors").stat().st_size
    return Swap(Path(model).name, size_bytes, footprint_bytes, median(times), median(warm))


def _short(writer: Writer, model: str) -> Request:
    request = writer.request(model)
    if isinstance(request, EncodeRequest):
        return EncodeRequest(request.texts[:1], model)
    return ScoreRequest(request.query, request.passages[:1], model)


async def _state(engine: LocalEngine, model: str) -> str:
    return next(status.state for status in await engine.models() if status.name == model)


# --- what is told ----------------------------------------------------------------------------------------------------


def _turns_table(turns: Sequence[Turns]) -> Table:
    columns = ("models", "budget", "held", "process", "requests", "failed", "loads", "evictions", "a load")
    table = Table("round", *columns, "p50 ms", "p95 ms", "max ms", "a second", title=f"{CALLERS} callers at once")
    for each in turns:
        count = len(each.latencies)
        sizes = (shown(size) for size in (each.budget_bytes, each.held_bytes, each.resident_bytes))
        counts = (count, len(each.failures), each.loads, each.evictions)
        a_load = f"{count / each.loads:.1f}" if each.loads else ""
        times = (f"{each.latency(percent) * 1000:,.0f}" for percent in (50, 95, 100))
        table.add_row(
            each.name, str(each.models), *sizes, *map(str, counts), a_load, *times, f"{count / each.seconds:.1f}"
        )
    return table


def _swaps_table(swaps: Sequence[Swap]) -> Table:
    table = Table(
        *("model", "file", "in memory", "from disk to the first answer, ms", "resident, ms", "ratio"),
        title="One model alone, files in the page cache",
    )
    for each in swaps:
        times = f"{each.first * 1000:.0f}", f"{each.warm * 1000:.1f}", f"{each.first / each.warm:.0f}x"
        table.add_row(each.model, shown(each.file_bytes), shown(each.footprint_bytes), *times)
    return table


def _told(each: Turns) -> dict[str, object]:
    facts = {name: value for name, value in asdict(each).items() if name not in ("latencies", "failures")}
    latencies = {f"p{percent}": each.latency(percent) for percent in (50, 95, 100)}
    return {**facts, "requests": len(each.latencies), "failed": len(each.failures), **latencies}


def _record() -> dict[str, object]:
    """What the figures belong to."""
    here_, git = Path(__file__).parent, ("git", "-c", "core.fsmonitor=false")
    said = [
        subprocess.run([*git, *command.split()], cwd=here_, capture_output=True, text=True, check=False).stdout.strip()
        for command in ("rev-parse HEAD", "status --porcelain")
    ]
    return {
        "machine": platform.platform(),
        "processor": platform.machine(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "commit": said[0],
        "dirty": bool(said[1]),
        "versions": {name: version(name) for name in PACKAGES},
    }


def main() -> None:
    """Measure, print, write; ends with an error where a request failed or the budget was passed."""
    options = argparse.ArgumentParser(prog="tamis_evals.bench_swap", description=__doc__)
    options.add_argument("--quick", action="store_true", help="under a minute")
    options.add_argument("--out", type=Path, default=Path("bench/swap.json"))
    given = options.parse_args()
    size = Size(120, 48, 3) if given.quick else Size()
    with tempfile.TemporaryDirectory(prefix="tamis-") as folder:
        subprocess.run([sys.executable, str(SCRIPT), f"{folder}/models"], check=True, capture_output=True)
        turns, swaps = anyio.run(measure, Path(folder), size)
    console = Console(width=160)
    console.print(_turns_table(turns), _swaps_table(swaps))
    for failure in {failure for each in turns for failure in each.failures}:
        console.print(failure)
    given.out.parent.mkdir(parents=True, exist_ok=True)
    found = {"rounds": [_told(each) for each in turns], "swaps": [asdict(each) for each in swaps]}
    given.out.write_text(json.dumps({**_record(), "size": asdict(size), **found}, indent=1), encoding="utf-8")
    if any(each.failures or each.held_bytes > each.budget_bytes for each in turns):
        sys.exit("A request failed, or models took more than the budget.")


if __name__ == "__main__":
    main()
