"""Which architectures are proven to read packed rows, and how a model is made to; all others are padded."""

from __future__ import annotations

from importlib import import_module
from typing import Literal

from torch import nn
from transformers.modeling_utils import PreTrainedModel

from tamis_engine.compute.attention import use_packed_attention
from tamis_engine.compute.patches import exchange

Mode = Literal["varlen", "patched", "padded"]
"""Packed through transformers' attention interface, packed by a patch of ours, or not packed."""

VARLEN = frozenset(
    {
        "albert",
        "bert",
        "camembert",
        "distilbert",
        "electra",
        "eurobert",
        "gemma3_text",
        "gte",
        "jina_embeddings_v3",
        "llama",
        "modernbert",
        "nomic_bert",
        "qwen2",
        "qwen3",
        "roberta",
        "xlm-roberta",
    }
)
"""Each has a parity test; a name is added together with one."""

PATCHED = {"deberta-v2": "deberta_v2", "mpnet": "mpnet", "t5": "t5"}


def pack(model: PreTrainedModel) -> Mode:
    """Make `model` read packed rows where its architecture is proven to."""
    kind = model.config.model_type
    if not _is_plain(model) or kind not in VARLEN | PATCHED.keys():
        return "padded"
    use_packed_attention(model)
    if kind in VARLEN:
        return "varlen"
    exchange(model, import_module(f"tamis_engine.compute.patches.{PATCHED[kind]}").CLASSES)
    return "patched"


def position_offset(model: nn.Module) -> int:
    """RoBERTa and its kin count positions from behind the padding token's."""
    for module in model.modules():
        padding, table = getattr(module, "padding_idx", None), getattr(module, "position_embeddings", None)
        if isinstance(padding, int) and isinstance(table, nn.Embedding):
            return padding + 1
    return 0


def reads_ahead(model: PreTrainedModel) -> bool:
    """Whether a token's state depends on what follows it: then a prefix can't be computed once for many endings."""
    attentions = [module for module in model.modules() if hasattr(module, "is_causal")]
    told = getattr(model.config, "is_causal", None)
    return told is False or not attentions or not all(module.is_causal for module in attentions)


def _is_plain(model: PreTrainedModel) -> bool:
    """Not a variant that reads across the bounds: by convolutions (DeBERTa's largest), in a decoder behind an encoder,
    or with rotations scaled by the length of the row."""
    config = model.config
    rotation = str(getattr(config, "rope_parameters", None))
    return not (
        getattr(config, "conv_kernel_size", 0)
        or "dynamic" in rotation
        or "longrope" in rotation
        or (config.model_type == "t5" and type(model).__name__ != "T5EncoderModel")
    )
