"""Small random BERTs in files, and what transformers makes of them."""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import BertConfig, BertForSequenceClassification, BertModel

from tamis_engine import embedded
from tamis_engine.models.spec import ClassHead, Network, Normalize, Output, Pool, Sigmoid, Spec, Text
from tamis_engine.operation import Piece

EMBEDDED_CONFIG: dict[str, Any] = json.loads((embedded.FOLDER / "config.json").read_text(encoding="utf-8"))

SIZES: dict[str, Any] = {
    "vocab_size": 99,
    "hidden_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 96,
    "max_position_embeddings": 512,
    "initializer_range": 0.3,
}


def new_spec(folder: Path, half: bool = False, head: str = "none", **sizes: Any) -> Spec:
    """A random checkpoint as the hub has them, with the shipped model's tokenizer."""
    torch.manual_seed(5)
    config = BertConfig(**{**SIZES, **sizes})
    network = BertModel(config) if head == "none" else BertForSequenceClassification(config)
    for parameter in network.parameters():
        if parameter.ndim == 1:
            torch.nn.init.normal_(parameter, std=0.3)
    (network.half() if half else network).save_pretrained(folder)
    for name in ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"):
        shutil.copy(embedded.FOLDER / name, folder)
    given = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    if head == "none":
        found = Network(given, ("model.safetensors",))
        return Spec("tiny", folder, "1", found, Text(64), {"dense": Output((Pool("mean"), Normalize()))})
    found = Network(given, ("model.safetensors",), "sequence_classification")
    return Spec("tiny", folder, "1", found, Text(64), {"score": Output((ClassHead(), Sigmoid()))})


def pieces_of(lengths: Sequence[int], vocabulary: int = 99, typed: bool = False) -> list[Piece]:
    rng = np.random.default_rng(7)
    return [
        Piece(
            rng.integers(0, vocabulary, length).tolist(),
            rng.integers(0, 2, length).tolist() if typed else None,
        )
        for length in lengths
    ]


def expected_states(spec: Spec, pieces: Sequence[Piece]) -> list[np.ndarray]:
    """One sequence at a time through transformers, in float32."""
    network = BertModel.from_pretrained(spec.folder, torch_dtype=torch.float32).eval()
    with torch.inference_mode():
        return [
            network(
                input_ids=torch.tensor([piece.ids]),
                token_type_ids=torch.tensor([piece.token_types or [0] * len(piece.ids)]),
            )
            .last_hidden_state[0]
            .numpy()
            for piece in pieces
        ]
