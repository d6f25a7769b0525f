from pathlib import Path

import pytest

from tamis_engine.errors import ModelInvalid
from tamis_engine.models.resolution import resolve
from tests.engine.models import folders
from tests.engine.models.folders import Files, config, folder_of, modules

CODE = {"AutoModel": "modeling.Model"}


def without(files: Files, *names: str) -> Files:
    return {name: value for name, value in files.items() if name not in names}


CASES: dict[str, tuple[Files, str]] = {
    "nothing": ({"README.md": b""}, r"config.json is missing, which says what network it is"),
    "no weights": (
        without(folders.dense(), "model.safetensors"),
        r"holds no weights: expected one of model.safetensors",
    ),
    "weights that are none": (
        folders.provence() | {"model.safetensors.index.json": {}, "model.safetensors": {}},
        r"has 0 matrices of two rows under pruning_head; expected 1",
    ),
    "broken json": (folders.dense() | {"config.json": b"{"}, r"config.json can't be read"),
    "a list for an object": (folders.dense() | {"config.json": []}, r"config.json holds no JSON object"),
    "unknown module": (
        folders.dense() | {"modules.json": modules("Transformer", "WordWeights")},
        r"names 'sentence_transformers.models.WordWeights'; known are Dense",
    ),
    "module out of place": (
        folders.dense() | {"modules.json": modules("Pooling", "Transformer")},
        r"first module is a Pooling; expected a Transformer",
    ),
    "no modules": (folders.dense() | {"modules.json": []}, r"no list of modules"),
    "nothing behind": (folders.dense() | {"modules.json": modules("Transformer")}, r"followed by nothing"),
    "two poolings": (
        folders.dense({"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": True}),
        r"pools by cls and mean; expected one of",
    ),
    "weighted mean": (folders.dense({"pooling_mode": "weightedmean"}), r"pools by weightedmean"),
    "an activation of its own": (
        folders.projected(8, activation_function="evil.Activation"),
        r"activation 'evil.Activation'; known are ELU",
    ),
    "an activation that is none": (folders.projected(8, activation_function="torch.nn.Linear"), r"'torch.nn.Linear'"),
    "a residual": (folders.projected(8, use_residual=True), r"adds its input to its output"),
    "a layer without weights": (
        without(folders.projected(8), "2_Dense/model.safetensors"),
        r"folder '2_Dense' holds no",
    ),
    "a path that leads out": (
        folders.dense() | {"modules.json": [*modules("Transformer"), {"idx": 1, "path": "../x", "type": "a.Pooling"}]},
        r"'../x/config.json', which lies outside of its folder",
    ),
    "code": (folders.dense() | config("JinaBertModel", "bert", auto_map=CODE), r"needs code .* which Tamis never does"),
    "code with a known name": (folders.dense() | config("Qwen2Model", "qwen2", auto_map=CODE), r"needs code"),
    "alibi": (folders.dense() | config("BertModel", position_embedding_type="alibi"), r"ALiBi"),
    "experts": (
        folders.dense() | config("NomicBertModel", "nomic_bert", moe_every_n_layers=2, num_experts=8, auto_map=CODE),
        r"mixture of experts",
    ),
    "another nomic": (
        folders.dense() | config("NomicBertModel", "nomic_bert", use_rms_norm=True),
        r"use_rms_norm to True",
    ),
    "another gte": (
        folders.dense() | config("NewModel", "new", logn_attention_scale=True),
        r"logn_attention_scale to True",
    ),
    "no kind": (folders.dense() | {"config.json": {"hidden_size": 8}}, r"has no model_type"),
    "a bare network": (folders.NETWORK, r"names BertModel, which alone does not say how to use it"),
    "a language model": (folders.causal(), r"a language model, .* `tamis models` lists them"),
    "a classifier": (folders.classifier("happy", "sad"), r"tells 2 labels apart \(happy, sad\); expected 1"),
    "a tagger": (
        folders.classifier("O", "B-PER", architecture="BertForTokenClassification"),
        r"labels tokens \(O, B-PER\)",
    ),
    "a reranker of two numbers": (
        folders.classifier("a", "b")
        | {"modules.json": modules("Transformer"), "config_sentence_transformers.json": {"model_type": "CrossEncoder"}},
        r"gives 2 numbers for a pair",
    ),
    "scores through tanh": (
        folders.classifier("LABEL_0", sbert_ce_default_activation_function="torch.nn.modules.activation.Tanh"),
        r"scores pass Tanh; expected Sigmoid or Identity",
    ),
    "sums of logits": (folders.splade(pooling_strategy="sum"), r"pools logits by 'sum'; expected 'max'"),
    "another router": (
        folders.routed() | {"router_config.json": {"types": {}, "structure": {}}},
        r"sends queries to \[\]; expected one SparseStaticEmbedding",
    ),
    "two tokenizers": (
        folders.routed() | {"query_0_SparseStaticEmbedding/tokenizer.json": {"model": {}}},
        r"queries have a tokenizer of their own",
    ),
    "no projection": (folders.stanford() | {"model.safetensors": {"bert.x": (1,)}}, r"no linear.weight"),
    "a table with a mapping": (
        folders.static() | {"model.safetensors": {"embeddings": (4, 8), "mapping": (14,)}},
        r"holds embeddings, mapping; expected one table",
    ),
    "no safetensors": (folders.static() | {"model.safetensors": {}} | {"x.bin": b""}, r"expected one table"),
    "another gliner": (
        folders.gliner(span_mode="token_level", encoder_config=folders.BERT),
        r"span_mode to 'token_level'",
    ),
    "a gliner with a network for labels": (folders.gliner(labels_encoder="x"), r"labels by a network of their own"),
    "provence without a base": (folders.provence(base_model_config=None), r"no base_model_config"),
    "another pruner": (folders.pruner(compression_head_type="ffn"), r"compression_head_type to 'ffn'; expected 'crf'"),
    "prompts that are no texts": (
        folders.dense() | {"config_sentence_transformers.json": {"prompts": {"query": 1}}},
        r"prompts .* are not texts",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_what_is_not_understood_is_refused_with_what_was_found(case: str, tmp_path: Path) -> None:
    files, reason = CASES[case]
    folder = folder_of(tmp_path, files)
    with pytest.raises(ModelInvalid, match=reason):
        resolve("it", folder, None)


def test_a_shard_that_is_missing_is_named(tmp_path: Path) -> None:
    files = without(folders.dense(), "model.safetensors")
    index = {"weight_map": {"a": "model-1.safetensors"}}
    folder = folder_of(tmp_path, files | {"model.safetensors.index.json": index})
    with pytest.raises(ModelInvalid, match=r"model-1.safetensors is missing, a part of its weights"):
        resolve("it", folder, None)


@pytest.mark.parametrize("data", [b"", b"\xff" * 8, b"\x80\x04pickle?"])
def test_a_file_that_is_no_safetensors_is_refused(tmp_path: Path, data: bytes) -> None:
    folder = folder_of(tmp_path, folders.static())
    (folder / "model.safetensors").write_bytes(data)
    with pytest.raises(ModelInvalid, match="no safetensors file"):
        resolve("it", folder, None)


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelInvalid, match="there is no folder"):
        resolve("it", tmp_path / "none", None)
