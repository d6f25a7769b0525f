"""The engine beside sentence-transformers on an accelerator, in one go: `python scripts/bench_gpu.py [--out FILE]`.

Throughput of packed bfloat16 against sentence-transformers in float16 (flash attention where it is installed, else
its default), the share of the device's peak that useful tokens reach, and how long a model takes to come from disk,
to leave for host memory and to come back. Random weights of real sizes, so nothing is downloaded. `--device cpu`
shows that it runs.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import torch
from sentence_transformers import SentenceTransformer
from small_models import make

from tamis_engine.compute.assembly import assemble
from tamis_engine.compute.precision import fastest_dtype
from tamis_engine.models.resolution import resolve
from tamis_engine.operation import TextInput

SIZES: Mapping[str, tuple[str, Mapping[str, int]]] = {
    "bert-23m": ("bert", {"hidden": 384, "layers": 6, "heads": 12, "wide": 1536}),
    "bert-110m": ("bert", {"hidden": 768, "layers": 12, "heads": 12, "wide": 3072}),
    "modernbert-149m": ("modernbert", {"hidden": 768, "layers": 22, "heads": 12, "wide": 1152}),
}
PEAK_TFLOPS = {"H200": 989.0, "H100": 989.0, "A100": 312.0, "L4": 121.0, "4090": 165.0}
"""Of dense half-precision products, by the name in the device's; from the makers' data sheets."""


def texts(count: int) -> list[str]:
    """Of 8 to 400 words, lognormal, most of them short."""
    rng = random.Random(1)
    words = [f"word{number % 977}" for number in range(4000)]
    return [" ".join(rng.choices(words, k=int(min(400, max(8, rng.lognormvariate(4, 0.8)))))) for _ in range(count)]


def seconds(work: Callable[[], object], rounds: int) -> float:
    """Median; the device has finished when the clock stops."""
    taken: list[float] = []
    for _ in range(rounds):
        start = time.perf_counter()
        work()
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        taken.append(time.perf_counter() - start)
    return median(taken)


def batches(pieces: Sequence[Any], budget: int) -> Iterator[list[Any]]:
    """By length, as the engine has them."""
    batch: list[Any] = []
    for piece in sorted(pieces, key=lambda piece: len(piece.ids)):
        if batch and sum(len(one.ids) for one in batch) + len(piece.ids) > budget:
            yield batch
            batch = []
        batch.append(piece)
    yield batch


def measured(name: str, folder: Path, passages: Sequence[str], device: torch.device, rounds: int) -> dict[str, Any]:
    """One row of the table."""
    spec = resolve(str(folder), folder, None)
    model = assemble(spec, device, fastest_dtype(device))
    operation = model.operations["dense"]

    def ours() -> None:
        read = operation.tokenise([TextInput(text) for text in passages])
        for batch in batches([piece for each in read for piece in each.pieces], model.batch_tokens):
            operation.forward(batch)

    tokens = sum(each.tokens for each in operation.tokenise([TextInput(text) for text in passages]))
    flash = "flash_attention_2" if find_spec("flash_attn") and device.type == "cuda" else None
    half = torch.float16 if device.type == "cuda" else torch.float32
    options = {"dtype": half, **({"attn_implementation": flash} if flash else {})}
    other = SentenceTransformer(str(folder), device=str(device), model_kwargs=options)
    ours()
    other.encode(passages[:64])
    mine = seconds(ours, rounds)
    theirs = seconds(lambda: other.encode(list(passages), batch_size=64, show_progress_bar=False), rounds)
    parameters = model.footprint_bytes / fastest_dtype(device).itemsize
    return {
        "model": name,
        "tokens_per_second": tokens / mine,
        "sentence_transformers_tokens_per_second": tokens / theirs,
        "sentence_transformers_attention": flash or "default",
        "ratio": theirs / mine,
        "tflops": 2 * parameters * tokens / mine / 1e12,
        "to_host_seconds": seconds(model.park, 1),
        "from_host_seconds": seconds(model.unpark, 1),
        "from_disk_seconds": seconds(lambda: assemble(spec, device, fastest_dtype(device)), rounds),
    }


def main() -> None:
    """Make the models, measure, print, write."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--device", default="cuda")
    options.add_argument("--passages", type=int, default=4000)
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--models", nargs="*", default=list(SIZES))
    options.add_argument("--out", type=Path, default=Path("bench/gpu.json"))
    given = options.parse_args()
    device = torch.device(given.device)
    name = torch.cuda.get_device_name() if device.type == "cuda" else "CPU"
    peak = next((tflops for part, tflops in PEAK_TFLOPS.items() if part in name), None)
    rows: list[dict[str, Any]] = []
    with TemporaryDirectory() as work:
        for model in given.models:
            kind, sizes = SIZES[model]
            folder = Path(work) / model
            make(folder, kind, pairs=False, sizes=sizes)
            row = measured(model, folder, texts(given.passages), device, given.rounds)
            rows.append({**row, "share_of_peak": row["tflops"] / peak if peak else None})
            print(json.dumps(rows[-1], indent=1), flush=True)
    given.out.parent.mkdir(exist_ok=True)
    given.out.write_text(json.dumps({"device": name, "torch": torch.__version__, "rows": rows}, indent=1))


if __name__ == "__main__":
    main()
