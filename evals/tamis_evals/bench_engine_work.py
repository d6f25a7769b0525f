"""What the contenders of `bench_engine` are given: texts of real material, and two models in a folder."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from pydoc_data.topics import topics
from typing import Any

import numpy as np
from safetensors.numpy import load_file, save_file
from tokenizers import Tokenizer

from tamis_engine import embedded
from tamis_evals import material

SEED = 3
PASSAGE_TOKENS = 90
"""The median; sizes are spread as real passages are (lognormal)."""

PAIR_TOKENS = 150
"""Query and special tokens included."""

CODE_LINES = 40
QUERY = "How does a task notice that it was cancelled?"


def texts(passages: int, chunks: int, pairs: int) -> dict[str, Any]:
    """Passages of 8 to 512 tokens, chunks of Python, one short query, pairs of 150 tokens. Cut by tokens, not words:
    prose full of punctuation has twice as many as words."""
    rng = np.random.default_rng(SEED)
    text = " ".join(topics[name] for name in sorted(topics))
    tokens = tokenizer().encode(text, add_special_tokens=False).offsets
    sizes = np.exp(rng.normal(np.log(PASSAGE_TOKENS), 0.8, passages)).clip(8, 512).astype(int) - 2
    starts = rng.integers(0, len(tokens) - 512, passages + pairs).tolist()

    def cut(start: int, size: int) -> str:
        return text[tokens[start][0] : tokens[start + size - 1][1]]

    room = PAIR_TOKENS + 1 - lengths([QUERY])[0] - 2
    return {
        "passages": [cut(start, int(size)) for start, size in zip(starts[:passages], sizes, strict=True)],
        "code": _code(chunks),
        "query": [QUERY],
        "pairs": [(QUERY, cut(start, room)) for start in starts[passages:]],
    }


def tokenizer() -> Tokenizer:
    """The shipped model's, which cuts and fills nothing."""
    found = Tokenizer.from_file(str(embedded.FOLDER / "tokenizer.json"))
    found.no_padding()
    found.no_truncation()
    return found


def lengths(texts: Sequence[str]) -> list[int]:
    """In tokens, special ones included, as far as the model reads."""
    return [min(len(each), 512) for each in tokenizer().encode_batch_fast(list(texts))]


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
