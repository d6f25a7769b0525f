"""Folders of tiny models as the hub has them, one for each thing that models do, and what tells them apart."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from transformers import AutoConfig, AutoModel, AutoModelForCausalLM, AutoModelForMaskedLM, PreTrainedTokenizerFast
from transformers import AutoModelForSequenceClassification as Classifier

from tests.engine.compute import test_extract_span_marker as gliner_parts
from tests.engine.compute.checkpoints import bert, byte_pieces, saved, word_pieces
from tests.engine.compute.heads_on_disk import network_of, noise
from tests.engine.compute.vocabularies import NAMED, wordpiece
from tests.engine.models.folders import modules


def dense(folder: Path) -> Path:
    """A BERT whose states are averaged, with a prompt for each role."""
    saved(folder, AutoModel, bert(), word_pieces())
    said = {"prompts": {"query": "what is ", "document": "the "}}
    return _with(
        folder,
        {
            "modules.json": modules("Transformer", "Pooling", "Normalize"),
            "1_Pooling/config.json": {"word_embedding_dimension": 32, "pooling_mode_mean_tokens": True},
            "config_sentence_transformers.json": said,
        },
    )


def sparse(folder: Path) -> Path:
    """SPLADE."""
    saved(folder, AutoModelForMaskedLM, bert(), word_pieces())
    pooling = {"pooling_strategy": "max", "activation_function": "relu"}
    return _with(
        folder, {"modules.json": modules("MLMTransformer", "SpladePooling"), "1_SpladePooling/config.json": pooling}
    )


def multivector(folder: Path) -> Path:
    """Stanford's ColBERT."""
    saved(folder, AutoModel, bert(architectures=["HF_ColBERT"]), word_pieces())
    network = {f"bert.{name}": tensor for name, tensor in load_file(folder / "model.safetensors").items()}
    save_file(network | {"linear.weight": noise("projection", (16, 32))}, folder / "model.safetensors")
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    said = {"query_maxlen": 16, "doc_maxlen": 60, "query_token_id": "[unused0]", "doc_token_id": "[unused1]"}
    return _with(folder, {"config.json": config | {"architectures": ["HF_ColBERT"]}, "artifact.metadata": said})


def score(folder: Path) -> Path:
    """A cross-encoder of the old kind, without modules."""
    return saved(folder, Classifier, bert(num_labels=1), word_pieces())


def causal(folder: Path) -> Path:
    """A language model; how it is asked is for the catalogue to say."""
    tokenizer = byte_pieces()
    heads = {"num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 8}
    sizes = {"vocab_size": len(tokenizer), "hidden_size": 32, "num_hidden_layers": 2, "intermediate_size": 48}
    config = AutoConfig.for_model("qwen3", **sizes, **heads, initializer_range=0.3, tie_word_embeddings=True)
    return saved(folder, AutoModelForCausalLM, config, tokenizer)


def sentences(folder: Path) -> Path:
    """OpenProvence."""
    network = network_of("modernbert", "sequence_classification", vocab_size=170, num_labels=1)
    head = {"weight": noise("pruning", (2, 32)), "bias": noise("bias", (2,))}
    _save(folder, network, "ranking_model.", {f"pruning_head.classifier.{name}": each for name, each in head.items()})
    said = {"model_type": "open_provence", "max_length": 80, "base_model_config": network.config.to_dict()}
    return _with(folder, {"config.json": said | {"auto_map": {"AutoModel": "modeling.OpenProvenceModel"}}})


def names(folder: Path) -> Path:
    """GLiNER, with all that it needs."""
    network = network_of("deberta-v2", vocab_size=170, num_hidden_layers=2)
    _save(folder, network, gliner_parts.PREFIX, gliner_parts.head())
    said = {"max_width": gliner_parts.MAX_WIDTH, "hidden_size": gliner_parts.WIDTH, "span_mode": "markerV0"}
    return _with(folder, {"gliner_config.json": said | {"encoder_config": network.config.to_dict()}})


def as_published(folder: Path) -> dict[str, bytes]:
    """Its files by name."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def _save(folder: Path, network: Any, prefix: str, head: dict[str, torch.Tensor]) -> None:
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=wordpiece(), model_max_length=80, **NAMED["wordpiece"])
    tokenizer.save_pretrained(folder)
    state = {f"{prefix}{name}": tensor.clone() for name, tensor in network.state_dict().items()}
    save_file(state | head, folder / "model.safetensors")


def _with(folder: Path, files: dict[str, Any]) -> Path:
    for name, value in files.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(value), encoding="utf-8")
    return folder
