"""Tiny random checkpoints of every architecture, written to files as the hub has them."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from transformers import AutoConfig
from transformers.modeling_utils import PreTrainedModel

from tamis_engine.compute.networks import CLASSES
from tamis_engine.models.spec import Head, Network, Spec, Text
from tamis_engine.operation import Piece

VOCABULARY = 99
LENGTHS = [1, 7, 7, 7, 2, 33, 64, 1, 1, 40]

SIZES = {
    "vocab_size": VOCABULARY,
    "hidden_size": 32,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "intermediate_size": 64,
    "max_position_embeddings": 80,
    "initializer_range": 0.4,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
}
GROUPED = {"num_key_value_heads": 2, "head_dim": 8}
SLIDING = {"layer_types": ["sliding_attention", "full_attention", "sliding_attention"], "sliding_window": 9}
ROBERTA = {"pad_token_id": 1, "bos_token_id": 0, "type_vocab_size": 1}

KINDS: dict[str, dict[str, Any]] = {
    "bert": {},
    "roberta": ROBERTA,
    "xlm-roberta": ROBERTA,
    "camembert": ROBERTA,
    "electra": {"embedding_size": 16},
    "distilbert": {"dim": 32, "n_layers": 3, "n_heads": 4, "hidden_dim": 64},
    "albert": {"embedding_size": 16},
    "mpnet": ROBERTA,
    "deberta-v2": {
        "relative_attention": True,
        "pos_att_type": ["p2c", "c2p"],
        "position_buckets": 8,
        "norm_rel_ebd": "layer_norm",
        "share_att_key": True,
        "position_biased_input": False,
        "type_vocab_size": 0,
    },
    "modernbert": {"global_attn_every_n_layers": 3, "local_attention": 16, "cls_token_id": 1, "sep_token_id": 2},
    "nomic_bert": {},
    "gte": {},
    "jina_embeddings_v3": {"pad_token_id": 1},
    "eurobert": {"num_key_value_heads": 2},
    "t5": {
        "d_model": 32,
        "d_kv": 8,
        "d_ff": 64,
        "num_layers": 3,
        "num_heads": 4,
        "relative_attention_max_distance": 30,
    },
    "qwen2": {**SLIDING, "num_key_value_heads": 2, "use_sliding_window": True},
    "qwen3": GROUPED,
    "llama": GROUPED,
    "gemma3_text": {**GROUPED, **SLIDING, "use_bidirectional_attention": True, "query_pre_attn_scalar": 8},
}

UNPROVEN: dict[str, dict[str, Any]] = {
    "gpt2": {},
    "lfm2": {"num_key_value_heads": 4, "layer_types": ["conv", "full_attention", "conv"]},
    "mobilebert": {"initializer_range": 0.1},
    "rembert": {},
}


def config_of(kind: str, **changes: Any) -> Any:
    own = (KINDS | UNPROVEN)[kind]
    sizes = {} if kind in ("t5", "distilbert") else SIZES
    return AutoConfig.for_model(kind, **{"vocab_size": VOCABULARY, **sizes, **own, **changes})


def new_model(config: Any, head: Head = "none") -> PreTrainedModel:
    torch.manual_seed(3)
    network = next(mapping[type(config)] for mapping in CLASSES[head] if type(config) in mapping)
    model = (network[0] if isinstance(network, tuple) else network)(config).eval()
    for name, parameter in model.named_parameters():
        if name.endswith("bias") or "norm" in name.lower():  # zeros and ones would hide a mistake
            parameter.data += torch.randn_like(parameter) / 5
    return model


def saved(model: PreTrainedModel, folder: Path, head: Head = "none", **network: Any) -> Spec:
    model.save_pretrained(folder)
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    return spec_of(folder, Network(**{"config": config, "weights": ("model.safetensors",), "head": head, **network}))


def spec_of(folder: Path, network: Network) -> Spec:
    return Spec("tiny", folder, "1", network, Text(64), {})


def some_pieces(lengths: Sequence[int] = LENGTHS, first: int = 3, types: bool = False) -> list[Piece]:
    torch.manual_seed(len(lengths))
    ids = [torch.randint(first, VOCABULARY, (length,)).tolist() for length in lengths]
    return [Piece(row, [0] * (len(row) // 2) + [1] * (len(row) - len(row) // 2) if types else None) for row in ids]


@torch.inference_mode()
def alone(model: PreTrainedModel, pieces: Sequence[Piece], pick: Callable[[Any], Any]) -> list[torch.Tensor]:
    """What plain transformers says of each piece by itself."""
    given = []
    for piece in pieces:
        types = {} if piece.token_types is None else {"token_type_ids": torch.tensor([piece.token_types])}
        given.append(pick(model(input_ids=torch.tensor([piece.ids]), **types, output_hidden_states=True))[0])
    return given
