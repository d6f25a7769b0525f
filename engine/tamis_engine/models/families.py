"""Models that bring a config of their own kind: Provence, GLiNER, SWE-Pruner."""

from __future__ import annotations

from collections.abc import Mapping

from tamis_engine.models import tuned
from tamis_engine.models.configs import network_config, understood
from tamis_engine.models.files import Files, Json
from tamis_engine.models.recipe import Recipe
from tamis_engine.models.spec import (
    ClassHead,
    KeepLines,
    KeepTokens,
    LogitPick,
    Network,
    OperationName,
    Output,
    Sigmoid,
    SpanMarker,
    Text,
)
from tamis_engine.models.texts import max_tokens, prompts, text_of

GLINER_ENCODER = "token_rep_layer.bert_layer.model."
GLINER_DEMANDS: Mapping[str, object] = {
    "span_mode": "markerV0",
    "subtoken_pooling": "first",
    "fuse_layers": False,
    "embed_ent_token": True,
}
PRUNER_BACKBONE = "model.backbone."
PRUNER_DEMANDS: Mapping[str, object] = {
    "compression_head_type": "crf",
    "early_layer_ratio": 0.25,
    "middle_layer_ratio": 0.5,
    "num_fusion_layers": 1,
    "num_heads": 8,
    "use_multi_layer_fusion": True,
}
FINAL_NORM = frozenset({"modernbert"})
"""Their pruning heads were trained on states before the last norm."""


def provence_recipe(files: Files, config: Json) -> Recipe:
    """OpenProvence: a reranker, and a linear layer over the tokens of its states."""
    base = config.get("base_model_config")
    if not isinstance(base, dict):
        raise files.refuse("config.json has no base_model_config, which says what its network is.")
    network = understood(files, {**base, "num_labels": 1, "id2label": {"0": "LABEL_0"}, "label2id": {"LABEL_0": 0}})
    weights = files.weights()
    shapes = files.shapes(weights)
    heads = [name.removesuffix(".weight") for name, shape in shapes.items() if _keeps(name) and shape[0] == 2]
    if len(heads) != 1:
        raise files.refuse(f"{weights} has {len(heads)} matrices of two rows under pruning_head; expected 1.")
    state = "before_final_norm" if network["model_type"] in FINAL_NORM else "last"
    keep = KeepTokens(weights, heads[0], state)
    limit = min(int(config.get("max_length") or 512), max_tokens(files, network))
    return Recipe(
        Network(network, (weights,), "sequence_classification", prefix="ranking_model."),
        Text(limit, prompts=prompts(files)),
        {"score": Output((ClassHead(), Sigmoid())), "extract": Output((keep,))},
    )


def gliner_recipe(files: Files, base: Files) -> Recipe:
    """GLiNER v2.1: its encoder's config and tokenizer may be those of the model it was trained from, `base`."""
    said = files.json("gliner_config.json", "what its heads do")
    _demand(files, said, GLINER_DEMANDS, "gliner_config.json")
    if said.get("labels_encoder") or said.get("labels_decoder"):
        raise files.refuse("it reads labels by a network of their own, as GLiNER v2.1 does not.")
    saved = said.get("encoder_config")
    network = understood(files, saved) if isinstance(saved, dict) else network_config(base)
    weights = files.weights()
    shapes = files.shapes(weights)
    table = shapes.get(f"{GLINER_ENCODER}embeddings.word_embeddings.weight")
    network["vocab_size"] = table[0] if table else _vocabulary(files, said)
    marker = SpanMarker(
        int(said.get("max_width", 12)),
        str(said.get("ent_token", "<<ENT>>")),
        str(said.get("sep_token", "<<SEP>>")),
        int(said.get("hidden_size", 512)),
    )
    added = () if files.has("tokenizer_config.json") else ("[FLERT]", marker.entity_mark, marker.text_mark)
    return Recipe(
        Network(network, (weights,), prefix=GLINER_ENCODER),
        text_of(base if added else files, network),
        {"extract": Output((marker,))},
        added_tokens=added,
    )


def pruner_recipe(files: Files, config: Json, base: Files) -> Recipe:
    """SWE-Pruner: a reranker's network, whose config is that of `base`, and a head over its tokens."""
    _demand(files, config, PRUNER_DEMANDS, "config.json")
    network = network_config(base)
    weights = files.weights()
    text = text_of(files, network)
    outputs: Mapping[OperationName, Output] = {
        "score": Output((LogitPick("yes", "no"), Sigmoid())),
        "extract": Output((KeepLines(weights),)),
    }
    return Recipe(Network(network, (weights,), "causal_lm", prefix=PRUNER_BACKBONE), text, outputs)


def base_repo(files: Files) -> str:
    """The model that this one's config or tokenizer is taken from, as its files name it; "" where it needs none."""
    if files.has("gliner_config.json"):
        said = files.json("gliner_config.json", "")
        complete = isinstance(said.get("encoder_config"), dict) and files.has("tokenizer_config.json")
        return "" if complete else str(said.get("model_name") or "")
    if files.has("config.json"):
        said = files.json("config.json", "")
        return str(said.get(tuned.KEY) or said.get("backbone_model_name_or_path") or "")
    return ""


def _keeps(name: str) -> bool:
    return name.startswith("pruning_head.") and name.endswith(".weight")


def _vocabulary(files: Files, said: Json) -> int:
    found = int(said.get("vocab_size", -1))
    if found <= 0:
        raise files.refuse("gliner_config.json does not say how many tokens its encoder knows (vocab_size).")
    return found


def _demand(files: Files, said: Json, demands: Mapping[str, object], path: str) -> None:
    for key, wanted in demands.items():
        if (found := said.get(key, wanted)) != wanted:
            raise files.refuse(f"{path} sets {key} to {found!r}; expected {wanted!r}.")
