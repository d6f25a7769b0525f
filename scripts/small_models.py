"""Ten small models of random weights, as large as those that people use: `python scripts/small_models.py FOLDER`.

They know nothing, and load and compute as the real ones do, which no machine without a network can be given. Each is a
folder as the hub has it, in float32 (0.7 GB together), with the tokenizer of the shipped encoder: reading a real
vocabulary is part of a load. `tamis_evals.bench_swap` makes them take turns.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from transformers import AutoConfig, AutoModel, AutoModelForSequenceClassification

from tamis_engine import embedded

MODERN = {
    "vocab_size": 50368,
    "pad_token_id": 0,
    "cls_token_id": 101,
    "sep_token_id": 102,
    "deterministic_flash_attn": False,
}
MODELS: Mapping[str, tuple[str, bool, Mapping[str, int]]] = {
    "bert-4m": ("bert", False, {"hidden": 128, "layers": 2, "heads": 2, "wide": 512}),
    "bert-11m": ("bert", False, {"hidden": 256, "layers": 4, "heads": 4, "wide": 1024}),
    "bert-14m": ("bert", False, {"hidden": 312, "layers": 4, "heads": 12, "wide": 1200}),
    "bert-23m": ("bert", False, {"hidden": 384, "layers": 6, "heads": 12, "wide": 1536}),
    "bert-33m": ("bert", False, {"hidden": 384, "layers": 12, "heads": 12, "wide": 1536}),
    "bert-4m-pairs": ("bert", True, {"hidden": 128, "layers": 2, "heads": 2, "wide": 512}),
    "bert-23m-pairs": ("bert", True, {"hidden": 384, "layers": 6, "heads": 12, "wide": 1536}),
    "modernbert-17m": ("modernbert", False, {"hidden": 256, "layers": 7, "heads": 4, "wide": 384}),
    "modernbert-32m": ("modernbert", False, {"hidden": 384, "layers": 10, "heads": 6, "wide": 576}),
    "modernbert-17m-pairs": ("modernbert", True, {"hidden": 256, "layers": 7, "heads": 4, "wide": 384}),
}
"""Name to architecture, whether it scores pairs, and sizes: those of TinyBERT, MiniLM, bge-small and ettin."""

TOKENIZER = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json")
POOLING = {"word_embedding_dimension": 0, "pooling_mode_mean_tokens": True}
KINDS = ("Transformer", "Pooling")


def make(folder: Path, kind: str, pairs: bool, sizes: Mapping[str, int]) -> None:
    """One model."""
    config = AutoConfig.for_model(
        kind,
        hidden_size=sizes["hidden"],
        num_hidden_layers=sizes["layers"],
        num_attention_heads=sizes["heads"],
        intermediate_size=sizes["wide"],
        max_position_embeddings=512,
        num_labels=1,
        **(MODERN if kind == "modernbert" else {"vocab_size": 30522}),
    )
    (AutoModelForSequenceClassification if pairs else AutoModel).from_config(config).save_pretrained(folder)
    for name in TOKENIZER:
        shutil.copy(embedded.FOLDER / name, folder)
    if not pairs:
        _be_an_encoder(folder, sizes["hidden"])


def _be_an_encoder(folder: Path, hidden: int) -> None:
    modules: list[dict[str, Any]] = [
        {"idx": idx, "name": str(idx), "path": path, "type": f"sentence_transformers.models.{kind}"}
        for idx, (path, kind) in enumerate(zip(("", "1_Pooling"), KINDS, strict=True))
    ]
    (folder / "modules.json").write_text(json.dumps(modules), encoding="utf-8")
    (folder / "1_Pooling").mkdir()
    pooling = POOLING | {"word_embedding_dimension": hidden}
    (folder / "1_Pooling" / "config.json").write_text(json.dumps(pooling), encoding="utf-8")


def main() -> None:
    """All of them, into the folder that is named."""
    torch.manual_seed(3)
    for name, (kind, pairs, sizes) in MODELS.items():
        make(Path(sys.argv[1]) / name, kind, pairs, sizes)


if __name__ == "__main__":
    main()
