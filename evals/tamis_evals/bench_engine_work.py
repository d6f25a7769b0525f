"""What the contenders of `bench_engine` are given: texts of real material, and two models in a folder."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from pydoc_data.topics import topics
from typing import Any

import numpy as np
from safetensors.numpy import load_file, save_file

from tamis_engine import embedded
from tamis_evals import material

SEED = 3
WORDS_MEDIAN = 65
"""About 90 tokens."""

PAIR_WORDS = 105
"""With a query of ten words about 150 tokens."""

CODE_LINES = 40
QUERY = "How does a task notice that it was cancelled?"


def texts(passages: int, chunks: int, pairs: int) -> dict[str, Any]:
    """Passages of 8 to 512 tokens, chunks of Python, one short query, pairs of 150 tokens."""
    rng = np.random.default_rng(SEED)
    words = [word for name in sorted(topics) for word in topics[name].split()]
    sizes = np.exp(rng.normal(np.log(WORDS_MEDIAN), 0.8, passages)).clip(5, 370).astype(int)
    starts = rng.integers(0, len(words) - 400, passages + pairs)
    return {
        "passages": [" ".join(words[at : at + size]) for at, size in zip(starts[:passages], sizes, strict=True)],
        "code": _code(chunks),
        "query": [QUERY],
        "pairs": [(QUERY, " ".join(words[at : at + PAIR_WORDS])) for at in starts[passages:]],
    }


def write(folder: Path, given: dict[str, Any]) -> None:
    """`texts.json`, and the models `dense` (the shipped one) and `pairs`."""
    (folder / "texts.json").write_text(json.dumps(given), encoding="utf-8")
    shutil.copytree(embedded.FOLDER, folder / "dense")
    _cross_encoder(folder / "pairs")


def _code(chunks: int) -> list[str]:
    found: list[str] = []
    for path in sorted((material.standard_library() / "asyncio").glob("*.py")):
        lines = path.read_text(encoding="utf-8").splitlines()
        found += ["\n".join(lines[at : at + CODE_LINES]) for at in range(0, len(lines), CODE_LINES)]
    return found[:chunks]


def _cross_encoder(folder: Path) -> None:
    """The shipped encoder with a random head on it: as large and as fast as ms-marco-MiniLM-L6, and of no other use."""
    shutil.copytree(
        embedded.FOLDER, folder, ignore=shutil.ignore_patterns("*.safetensors", "1_Pooling", "modules.json")
    )
    config = json.loads((embedded.FOLDER / "config.json").read_text(encoding="utf-8"))
    labels = {"architectures": ["BertForSequenceClassification"], "id2label": {"0": "LABEL_0"}}
    (folder / "config.json").write_text(json.dumps({**config, **labels}), encoding="utf-8")
    rng = np.random.default_rng(SEED)
    tensors = load_file(embedded.FOLDER / "model.safetensors")
    weights = {f"bert.{name}": tensor.astype(np.float32) for name, tensor in tensors.items()}
    for name, shape in {"bert.pooler.dense": (384, 384), "classifier": (1, 384)}.items():
        weights[f"{name}.weight"] = rng.normal(0, 0.05, shape).astype(np.float32)
        weights[f"{name}.bias"] = np.zeros(shape[0], np.float32)
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
