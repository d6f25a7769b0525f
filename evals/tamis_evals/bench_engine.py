"""How fast the engine's models are on this CPU beside others: `python -m tamis_evals.bench_engine [--quick]`.

Contenders are processes of their own (`scripts/contenders.py`) that take turns, so that whatever else the machine does
falls on all of them; what it disturbed is repeated, or marked (`quiet`). Prints a table, writes `bench/engine.json`.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from statistics import median

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from tamis_engine.native.kernel import CannotCompute, best
from tamis_evals import bench_engine_work as work
from tamis_evals.quiet import DISTURBED, Measured, undisturbed

BASE = "sentence-transformers"
CONTENDERS = {
    BASE: "sentence_transformers",
    "sentence-transformers, ONNX": "onnxruntime",
    "sentence-transformers, OpenVINO": "openvino",
    "tamis, torch float32": "torch",
    "tamis, torch bfloat16": "torch",
    "tamis, kernel float32": "numpy",
    "tamis, kernel int8": "numpy",
}
"""In the table's order, with the module that each needs."""

SCRIPT = Path(__file__).parents[2] / "scripts" / "contenders.py"
TASKS = ("passages", "code", "query", "pairs")
QUERIES = 20
"""Times that the short query is asked in a round."""

HIDDEN, WIDE, LAYERS = 384, 1536, 6
SHAPES = ((HIDDEN, 3 * HIDDEN), (HIDDEN, HIDDEN), (HIDDEN, WIDE), (WIDE, HIDDEN))


@dataclass(frozen=True, slots=True)
class Size:
    """How much is done."""

    passages: int = 2_000
    chunks: int = 200
    pairs: int = 100
    rounds: int = 3


@dataclass(frozen=True, slots=True)
class Figures:
    """One contender's. Rates in tokens a second, times in seconds, memory in MB; agreement is with the first."""

    name: str
    passages: float
    code: float
    query: float
    pairs: float
    first: float
    resident: float
    peak: float
    cosine: float
    spearman: float
    neighbours: float
    disturbed: dict[str, float]
    """Tasks whose median rests on disturbed measurements, with the share of the machine that others used."""


class Running:
    """A contender's process, which does one thing at a time."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self._read()

    def ask(self, task: str) -> dict[str, float]:
        """Do `task`; `seconds` it took and `peak` memory so far."""
        assert self._process.stdin is not None
        self._process.stdin.write(task + "\n")
        self._process.stdin.flush()
        return json.loads(self._read())

    @property
    def pid(self) -> int:
        """Of the process."""
        return self._process.pid

    @property
    def resident(self) -> float:
        """Memory now, in MB."""
        told = subprocess.run(["ps", "-o", "rss=", "-p", str(self.pid)], capture_output=True, text=True, check=True)
        return int(told.stdout) / 1024

    def _read(self) -> str:
        assert self._process.stdout is not None
        if not (line := self._process.stdout.readline()):
            raise RuntimeError(f"a contender ended: {self._process.args}")
        return line


@contextmanager
def _running(name: str, folder: Path) -> Generator[Running]:
    with _started(name, folder) as process:
        yield Running(process)
        process.terminate()


def _started(name: str, folder: Path, *more: str) -> subprocess.Popen[str]:
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "true"}
    return subprocess.Popen(
        [sys.executable, str(SCRIPT), name, str(folder), *more],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=environment,
    )


def measure(names: Sequence[str], folder: Path, size: Size) -> list[Figures]:
    """All contenders, turn by turn."""
    given = work.texts(size.passages, size.chunks, size.pairs)
    work.write(folder, given)
    tokens = {task: sum(work.lengths(given[task])) for task in ("passages", "code")}
    first = {name: median(_seconds_to_first(name, folder) for _ in range(size.rounds)) for name in names}
    with ExitStack() as stack:
        running = {name: stack.enter_context(_running(name, folder)) for name in names}
        resident = {name: each.resident for name, each in running.items()}
        for name, each in running.items():
            each.ask("pairs")
            each.ask(f"vectors {folder / name}.npy")
        taken = {task: _interleaved(running, task, size.rounds) for task in TASKS}
        peak = {name: each.ask("memory")["peak"] for name, each in running.items()}
    exact = np.load(folder / f"{BASE}.npy")
    rows: list[Figures] = []
    for name in names:
        times = {task: median(each.seconds for each in taken[task][name]) for task in TASKS}
        shares = {task: median(each.others or 0.0 for each in taken[task][name]) for task in TASKS}
        cosine, spearman, neighbours = agreement(exact, np.load(folder / f"{name}.npy"))
        rows.append(
            Figures(
                name=name,
                passages=tokens["passages"] / times["passages"],
                code=tokens["code"] / times["code"],
                query=times["query"],
                pairs=times["pairs"],
                first=first[name],
                resident=resident[name],
                peak=peak[name],
                cosine=cosine,
                spearman=spearman,
                neighbours=neighbours,
                disturbed={task: share for task, share in shares.items() if share >= DISTURBED},
            )
        )
    return rows


def _interleaved(running: Mapping[str, Running], task: str, rounds: int) -> dict[str, list[Measured]]:
    """All contenders, taking turns."""
    found: dict[str, list[Measured]] = {name: [] for name in running}
    for _ in range(rounds):
        for name, each in running.items():
            found[name].append(undisturbed(each.pid, _once(each, task)))
    return found


def _once(running: Running, task: str) -> Callable[[], float]:
    return lambda: median(running.ask(task)["seconds"] for _ in range(QUERIES if task == "query" else 1))


def _seconds_to_first(name: str, folder: Path) -> float:
    started = time.perf_counter()
    with _started(name, folder, "--first") as process:
        assert process.stdout is not None
        process.stdout.readline()
        return time.perf_counter() - started


def agreement(exact: NDArray[np.float32], found: NDArray[np.float32]) -> tuple[float, float, float]:
    """Mean cosine, Spearman of the similarities of all pairs, share of each passage's ten nearest in common."""
    exact, found = _unit(exact), _unit(found)
    similar = [rows @ rows.T for rows in (exact, found)]
    pairs = np.triu_indices(len(exact), 1)
    ranks = [values[pairs].argsort(kind="stable").argsort() for values in similar]
    for values in similar:
        np.fill_diagonal(values, -np.inf)
    nearest = [np.argsort(-values, axis=1)[:, :10] for values in similar]
    common = [len(set(some) & set(others)) / 10 for some, others in zip(*nearest, strict=True)]
    spearman = np.asarray(np.corrcoef(np.array(ranks)))
    return float((exact * found).sum(axis=1).mean()), float(spearman[0, 1]), float(np.mean(common))


def _unit(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def limits(threads: int, seconds: float = 0.2) -> dict[str, float]:
    """GOP/s of the kernel's bare matrix product at the encoder's shapes, weighed by their share of the work.

    The best of five, not the median: it is a ceiling, and a low one would flatter what is measured against it.
    """
    try:
        kernel = best()
    except CannotCompute:
        return {}

    def rate(depth: int, columns: int, int8: int) -> float:
        return max(kernel.tamis_rate(128, depth, columns, int8, threads, seconds) for _ in range(5))

    work_of = {(depth, columns): depth * columns for depth, columns in SHAPES}
    return {
        name: sum(work_of.values()) / sum(size / rate(*shape, int8) for shape, size in work_of.items())
        for name, int8 in (("float32", 0), ("int8", 1))
    }


def operations_a_token(lengths: Sequence[int]) -> float:
    """Multiplications and additions that a token needs on average: the matrices, and attention within each text."""
    matrices = 2 * LAYERS * sum(depth * columns for depth, columns in SHAPES)
    return matrices + 4 * LAYERS * HIDDEN * sum(length**2 for length in lengths) / sum(lengths)


def _table(rows: Sequence[Figures], base: Figures) -> Table:
    table = Table(
        *("contender", "passages tok/s", "", "code tok/s", "", "query ms", "pairs s", "first s", "MB", "peak MB"),
        *("cosine", "Spearman", "top 10", "disturbed"),
        title=f"Small encoder on {platform.machine()}, {_cores()} cores",
    )
    for row in rows:
        rates = (row.passages, row.passages / base.passages), (row.code, row.code / base.code)
        cells = [cell for rate, ratio in rates for cell in (f"{rate:,.0f}", f"{ratio:.1f}x")]
        times = f"{row.query * 1000:.2f}", f"{row.pairs:.2f}", f"{row.first:.2f}"
        agreed = f"{row.cosine:.4f}", f"{row.spearman:.4f}", f"{row.neighbours:.3f}"
        table.add_row(row.name, *cells, *times, f"{row.resident:.0f}", f"{row.peak:.0f}", *agreed, _told(row.disturbed))
    return table


def _told(disturbed: Mapping[str, float]) -> str:
    return ", ".join(f"{task} {share:.0%}" for task, share in disturbed.items())


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def main() -> None:
    """Measure, print, write `bench/engine.json`."""
    size = Size(200, 40, 100, 3) if "--quick" in sys.argv else Size()
    names = [name for name, module in CONTENDERS.items() if find_spec(module)]
    limit = limits(_cores())
    if not limit:
        names = [name for name in names if "kernel" not in name]
    with tempfile.TemporaryDirectory() as folder:
        rows = measure(names, Path(folder), size)
    console = Console(width=180)
    console.print(_table(rows, rows[0]))
    needed = operations_a_token(work.lengths(work.texts(size.passages, 0, 0)["passages"])) / 1e9
    shares = {row.name: {kind: row.passages * needed / rate for kind, rate in limit.items()} for row in rows}
    console.print(f"{needed * 1000:.1f} million operations a token; the bare product, GOP/s: {limit}")
    console.print("Share of it that passages reach:", shares)
    results = Path("bench/engine.json")
    results.parent.mkdir(exist_ok=True)
    record = {"machine": platform.platform(), "cores": _cores(), "size": asdict(size), "limits_gops": limit}
    text = json.dumps({**record, "shares": shares, "contenders": [asdict(row) for row in rows]}, indent=1)
    results.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
