"""config.json as transformers will read it: other spellings translated, what it would silently misread refused."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tamis_engine.models.files import Files, Json, within

PORTED = frozenset({"eurobert", "gte", "jina_embeddings_v3", "nomic_bert"})
"""Published with code of their own, and later added to transformers itself."""

POSITIONS_FROM_PADDING = frozenset({"camembert", "mpnet", "roberta", "xlm-roberta"})
"""Their first position stands behind the padding token's, so fewer fit."""

NOMIC_NAMES = {
    "n_embd": "hidden_size",
    "n_head": "num_attention_heads",
    "n_inner": "intermediate_size",
    "n_layer": "num_hidden_layers",
    "n_positions": "max_position_embeddings",
    "layer_norm_epsilon": "layer_norm_eps",
}
NOMIC_DEMANDS: Mapping[str, object] = {
    "activation_function": "swiglu",
    "causal": False,
    "mlp_fc1_bias": False,
    "mlp_fc2_bias": False,
    "prenorm": False,
    "qkv_proj_bias": False,
    "rotary_emb_fraction": 1.0,
    "rotary_emb_interleaved": False,
    "rotary_emb_scale_base": None,
    "rotary_scaling_factor": None,
    "use_rms_norm": False,
}
"""What NomicBERT in transformers does; the same family's mixture of experts loads into it and answers nonsense."""

GTE_DEMANDS: Mapping[str, object] = {
    "layer_norm_type": "layer_norm",
    "logn_attention_scale": False,
    "pack_qkv": True,
    "position_embedding_type": "rope",
}


def network_config(files: Files, sub: str = "") -> Json:
    """The config in the folder `sub`, ready for transformers."""
    path = within(sub, "config.json")
    return understood(files, files.json(path, "what network it is"), path)


def understood(files: Files, given: Mapping[str, Any], path: str = "config.json") -> Json:
    """`given` without what transformers would stumble over. Raises `ModelInvalid` where it would misread it."""
    config = dict(given)
    if config.get("model_type") == "new":
        config["model_type"] = "gte"
    kind = config.get("model_type")
    if not isinstance(kind, str):
        raise files.refuse(f"{path} has no model_type, so there is no telling which network it is.")
    _refuse_remote_code(files, config, kind)
    if kind == "nomic_bert":
        config = _nomic(files, config)
    if kind == "gte":
        config = _gte(files, config)
    if config.get("position_embedding_type") == "alibi":
        raise files.refuse("it marks positions by ALiBi, which no encoder of transformers does.")
    return config


def max_positions(config: Mapping[str, Any]) -> int | None:
    """How many tokens the network has positions for, if it counts them."""
    positions = config.get("max_position_embeddings")
    if not isinstance(positions, int) or positions <= 0:
        return None
    if config.get("model_type") in POSITIONS_FROM_PADDING:
        positions -= int(config.get("pad_token_id") or 1) + 1
    return positions


def architecture(config: Mapping[str, Any]) -> str:
    """The class that the weights were saved from; "" where it is not said."""
    named = config.get("architectures") or [""]
    return str(named[0])


def _refuse_remote_code(files: Files, config: Json, kind: str) -> None:
    """Code beside the weights means that the network differs from transformers' own, even where it has its name."""
    if kind in PORTED or "auto_map" not in config:
        config.pop("auto_map", None)
        return
    raise files.refuse(
        f"it needs code from its own repository to run (auto_map in config.json, {architecture(config) or kind}), "
        "which Tamis never does. Choose a model that transformers knows; `tamis models` lists some."
    )


def _nomic(files: Files, config: Json) -> Json:
    if config.get("moe_every_n_layers") or config.get("num_experts", 0) > 1:
        raise files.refuse("it is a mixture of experts, which NomicBERT in transformers is not.")
    _demand(files, config, NOMIC_DEMANDS)
    if not NOMIC_NAMES.keys() & config.keys():
        return config
    config |= {ours: config[theirs] for theirs, ours in NOMIC_NAMES.items() if theirs in config}
    config["hidden_act"] = "silu"
    config["rope_parameters"] = {"rope_type": "default", "rope_theta": float(config.get("rotary_emb_base", 10_000))}
    return config


def _gte(files: Files, config: Json) -> Json:
    _demand(files, config, GTE_DEMANDS)
    scaling: Mapping[str, Any] = config.get("rope_scaling") or {}
    if scaling.get("type") != "ntk":
        return config
    if scaling.get("mixed_b") is not None:
        raise files.refuse("its rope_scaling sets mixed_b, which transformers does not know.")
    # (theta * f) ** (-2i / d) / f ** (2 / d), as the published code has it, is linear scaling of a larger theta.
    factor, size = float(scaling["factor"]), config["hidden_size"] // config["num_attention_heads"]
    config.pop("rope_scaling")
    theta = float(config.pop("rope_theta", 10_000)) * factor
    config["rope_parameters"] = {"rope_type": "linear", "rope_theta": theta, "factor": factor ** (2 / size)}
    return config


def _demand(files: Files, config: Json, demands: Mapping[str, object]) -> None:
    for key, wanted in demands.items():
        found = config.get(key, wanted)
        if found != wanted and (found or wanted):
            raise files.refuse(
                f"config.json sets {key} to {found!r}; transformers knows this network with {wanted!r} alone."
            )
