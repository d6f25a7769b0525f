"""One contender of `tamis_evals.bench_engine`: a process that loads a model and does what its standard input says.

`python scripts/contenders.py NAME WORK [--first]`; WORK holds `texts.json` and the two models. With `--first` it ends
after one embedding, which is how a fresh process is timed.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np

MAX_TOKENS = 512


class Contender(Protocol):
    """What is compared."""

    def encode(self, texts: Sequence[str]) -> Any: ...

    def score(self, pairs: Sequence[Sequence[str]]) -> Any: ...


class SentenceTransformers:
    """Its defaults, in float32."""

    def __init__(self, work: Path, backend: str = "torch") -> None:
        from sentence_transformers import CrossEncoder, SentenceTransformer

        options: dict[str, Any] = {"backend": backend, "local_files_only": True}
        if backend == "torch":
            options["model_kwargs"] = {"dtype": "float32"}
        self._dense = SentenceTransformer(str(work / "dense"), device="cpu", **options)
        self._dense.max_seq_length = MAX_TOKENS
        self._pairs = lambda: CrossEncoder(str(work / "pairs"), device="cpu", max_length=MAX_TOKENS, **options)
        self._cross: Any = None

    def encode(self, texts: Sequence[str]) -> Any:
        return self._dense.encode(list(texts), show_progress_bar=False)

    def score(self, pairs: Sequence[Sequence[str]]) -> Any:
        self._cross = self._cross or self._pairs()
        return self._cross.predict([tuple(pair) for pair in pairs], show_progress_bar=False)


class Tamis:
    """Our models without what schedules requests: sorted by length, in batches as large as the model wants them."""

    def __init__(self, work: Path, load: Callable[[Any], Any]) -> None:
        from tamis_engine.models import spec as facts

        weights = ("model.safetensors",)
        configs = [json.loads((work / name / "config.json").read_text(encoding="utf-8")) for name in ("dense", "pairs")]
        text = facts.Text(MAX_TOKENS)
        dense = {"dense": facts.Output((facts.Pool("mean"), facts.Normalize()))}
        score = {"score": facts.Output((facts.ClassHead(), facts.Sigmoid()))}
        self._load = load
        self._dense = load(
            facts.Spec("dense", work / "dense", "1", facts.Network(configs[0], weights), text, dense, dimensions=384)
        )
        network = facts.Network(configs[1], weights, "sequence_classification")
        self._pairs = facts.Spec("pairs", work / "pairs", "1", network, text, score)
        self._cross: Any = None

    def encode(self, texts: Sequence[str]) -> Any:
        from tamis_engine.operation import TextInput

        return self._run(self._dense, "dense", [TextInput(text) for text in texts])

    def score(self, pairs: Sequence[Sequence[str]]) -> Any:
        from tamis_engine.operation import PairInput

        self._cross = self._cross or self._load(self._pairs)
        return self._run(self._cross, "score", [PairInput(*pair) for pair in pairs])

    def _run(self, model: Any, name: str, inputs: Sequence[Any]) -> Any:
        operation = model.operations[name]
        pieces = [each.pieces[0] for each in operation.tokenise(inputs)]
        found: dict[int, Any] = {}
        batch: list[int] = []
        for at in sorted(range(len(pieces)), key=lambda at: len(pieces[at].ids)):
            if batch and (len(batch) + 1) * len(pieces[at].ids) > model.batch_tokens:
                found.update(zip(batch, operation.forward([pieces[one] for one in batch]), strict=True))
                batch = []
            batch.append(at)
        found.update(zip(batch, operation.forward([pieces[one] for one in batch]), strict=True))
        return np.array([found[at] for at in range(len(pieces))])


def _native(spec: Any) -> Any:
    from tamis_engine import native

    return native.load(spec, len(os.sched_getaffinity(0)))


def _native_float32(spec: Any) -> Any:
    from tamis_engine.native.model import load_model

    return load_model(spec, len(os.sched_getaffinity(0)), "float32")


def _packed(dtype: str) -> Callable[[Any], Any]:
    def load(spec: Any) -> Any:
        import torch

        from tamis_engine.compute.assembly import assemble

        return assemble(spec, torch.device("cpu"), getattr(torch, dtype))

    return load


CONTENDERS: Mapping[str, Callable[[Path], Contender]] = {
    "sentence-transformers": SentenceTransformers,
    "sentence-transformers, ONNX": lambda work: SentenceTransformers(work, "onnx"),
    "sentence-transformers, OpenVINO": lambda work: SentenceTransformers(work, "openvino"),
    "tamis, kernel int8": lambda work: Tamis(work, _native),
    "tamis, kernel float32": lambda work: Tamis(work, _native_float32),
    "tamis, torch bfloat16": lambda work: Tamis(work, _packed("bfloat16")),
    "tamis, torch float32": lambda work: Tamis(work, _packed("float32")),
}


def serve(contender: Contender, work: Path) -> None:
    """A line in, a line out: `passages`, `code`, `query`, `pairs`, `vectors FILE` or `memory`."""
    texts = json.loads((work / "texts.json").read_text(encoding="utf-8"))
    for line in sys.stdin:
        task, *rest = line.split(maxsplit=1)
        started = time.perf_counter()
        if task == "vectors":
            np.save(rest[0].strip(), contender.encode(texts["passages"]))
        elif task == "pairs":
            contender.score(texts["pairs"])
        elif task != "memory":
            contender.encode(texts[task])
        seconds = time.perf_counter() - started
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps({"seconds": seconds, "peak": peak}), flush=True)


def main() -> None:
    """Load, say so, serve."""
    name, work = sys.argv[1], Path(sys.argv[2])
    contender = CONTENDERS[name](work)
    contender.encode(["Where is the cache emptied?"])
    print("ready", flush=True)
    if "--first" not in sys.argv:
        serve(contender, work)


if __name__ == "__main__":
    main()
