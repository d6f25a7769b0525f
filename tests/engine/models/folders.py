"""Folders as the hub has them, of a few small files: JSON as its families write it, weights that are headers."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

Files = dict[str, Any]
"""A value is JSON, or the shapes of tensors where the name says safetensors, or bytes."""

ST = "sentence_transformers.models."
BERT = {
    "architectures": ["BertModel"],
    "hidden_size": 32,
    "max_position_embeddings": 512,
    "model_type": "bert",
    "vocab_size": 14,
}
TOKENIZER = {"model": {"type": "WordPiece", "vocab": {"[PAD]": 0, "yes": 1, "no": 2, "[unused0]": 3, "[unused1]": 4}}}
PLAIN: Files = {"tokenizer.json": TOKENIZER, "tokenizer_config.json": {"model_max_length": 512}}
NETWORK: Files = PLAIN | {"config.json": BERT, "model.safetensors": {"embeddings": (14, 32)}}
MEAN = {"word_embedding_dimension": 32, "pooling_mode_mean_tokens": True}


def folder_of(path: Path, files: Mapping[str, Any]) -> Path:
    for name, value in files.items():
        file = path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        if name.endswith(".safetensors"):
            file.write_bytes(safetensors(value))
        else:
            file.write_bytes(value if isinstance(value, bytes) else json.dumps(value).encode())
    return path


def safetensors(shapes: Mapping[str, tuple[int, ...]]) -> bytes:
    tensors = {name: {"dtype": "F32", "shape": shape, "data_offsets": [0, 0]} for name, shape in shapes.items()}
    header = json.dumps({"__metadata__": {"format": "pt"}} | tensors).encode()
    return struct.pack("<Q", len(header)) + header


def modules(*kinds: str) -> list[dict[str, Any]]:
    return [
        {"idx": idx, "name": str(idx), "path": f"{idx}_{kind}" if idx else "", "type": f"{ST}{kind}"}
        for idx, kind in enumerate(kinds)
    ]


def config(architecture: str, model_type: str = "bert", **more: Any) -> Files:
    return {"config.json": BERT | {"architectures": [architecture], "model_type": model_type} | more}


def dense(pooling: Mapping[str, Any] = MEAN, **changes: Any) -> Files:
    return NETWORK | {"modules.json": modules("Transformer", "Pooling"), "1_Pooling/config.json": pooling} | changes


def projected(out: int, **changes: Any) -> Files:
    layer = {"in_features": 32, "out_features": out, "activation_function": "torch.nn.modules.linear.Identity"}
    return dense() | {
        "modules.json": modules("Transformer", "Pooling", "Dense", "Normalize"),
        "2_Dense/config.json": layer | changes,
        "2_Dense/model.safetensors": {"linear.weight": (out, 32), "linear.bias": (out,)},
    }


def layers_reranker() -> Files:
    """As ettin-reranker: a cross-encoder of modules."""
    linear = {"in_features": 32, "bias": False, "activation_function": "torch.nn.modules.activation.GELU"}
    last = {"in_features": 32, "out_features": 1, "activation_function": "torch.nn.modules.linear.Identity"}
    return dense({"embedding_dimension": 32, "pooling_mode": "cls"}) | {
        "modules.json": modules("Transformer", "Pooling", "Dense", "LayerNorm", "Dense"),
        "config_sentence_transformers.json": {
            "model_type": "CrossEncoder",
            "activation_fn": "torch.nn.modules.linear.Identity",
        },
        "2_Dense/config.json": linear | {"out_features": 32},
        "2_Dense/model.safetensors": {"linear.weight": (32, 32)},
        "3_LayerNorm/config.json": {"dimension": 32},
        "3_LayerNorm/model.safetensors": {"norm.weight": (32,), "norm.bias": (32,)},
        "4_Dense/config.json": last,
        "4_Dense/model.safetensors": {"linear.weight": (1, 32), "linear.bias": (1,)},
    }


def classifier(*labels: str, architecture: str = "BertForSequenceClassification", **more: Any) -> Files:
    return NETWORK | config(architecture, id2label={str(id_): label for id_, label in enumerate(labels)}, **more)


def masked(**more: Any) -> Files:
    return NETWORK | config("BertForMaskedLM", **more)


def splade(activation: str = "relu", **more: Any) -> Files:
    return masked() | {
        "modules.json": modules("MLMTransformer", "SpladePooling"),
        "1_SpladePooling/config.json": {"pooling_strategy": "max", "activation_function": activation} | more,
    }


def routed() -> Files:
    """As opensearch's: the network of documents at the root, queries by a table."""
    static, pooling = "query_0_SparseStaticEmbedding", "document_1_SpladePooling"
    return masked() | {
        "modules.json": modules("Router"),
        "router_config.json": {
            "types": {static: f"{ST}SparseStaticEmbedding", "": f"{ST}MLMTransformer", pooling: f"{ST}SpladePooling"},
            "structure": {"query": [static], "document": ["", pooling]},
        },
        f"{pooling}/config.json": {"pooling_strategy": "max", "activation_function": "log1p_relu"},
        f"{static}/config.json": {"frozen": True},
        f"{static}/model.safetensors": {"weight": (14,)},
        f"{static}/tokenizer.json": TOKENIZER,
    }


def stanford(**said: Any) -> Files:
    return NETWORK | {
        "config.json": BERT | {"architectures": ["HF_ColBERT"]},
        "model.safetensors": {"bert.embeddings": (14, 32), "linear.weight": (16, 32)},
        "artifact.metadata": {"query_maxlen": 32, "doc_maxlen": 180, "mask_punctuation": True, "dim": 16} | said,
    }


def pylate(**said: Any) -> Files:
    names = {"query_prefix": "[Q] ", "document_prefix": "[D] ", "query_length": 48, "document_length": 300}
    listed = modules("Transformer", "Dense")
    listed[1]["type"] = "pylate.models.Dense.Dense"
    layer = {"in_features": 32, "out_features": 16, "bias": False}
    return NETWORK | {
        "modules.json": listed,
        "config_sentence_transformers.json": {"model_type": "ColBERT"} | names | said,
        "1_Dense/config.json": layer | {"activation_function": "torch.nn.modules.linear.Identity"},
        "1_Dense/model.safetensors": {"linear.weight": (16, 32)},
        "tokenizer.json": TOKENIZER | {"added_tokens": [{"id": 12, "content": "[Q] "}, {"id": 13, "content": "[D] "}]},
    }


def provence(**more: Any) -> Files:
    base = BERT | {"model_type": "modernbert", "max_position_embeddings": 8192, "auto_map": {}}
    del base["auto_map"]
    return PLAIN | {
        "config.json": {
            "model_type": "open_provence",
            "auto_map": {"AutoModel": "modeling_open_provence_standalone.OpenProvenceModel"},
            "base_model_config": base,
            "max_length": 512,
            "num_labels": 1,
        }
        | more,
        "model.safetensors": {
            "ranking_model.model.embeddings": (14, 32),
            "pruning_head.classifier.weight": (2, 32),
            "pruning_head.classifier.bias": (2,),
        },
    }


def gliner(**more: Any) -> Files:
    """As v2.1 is published: no tokenizer, and no config of the encoder."""
    return {
        "gliner_config.json": {
            "model_name": "microsoft/deberta-v3-small",
            "max_width": 12,
            "hidden_size": 16,
            "span_mode": "markerV0",
            "subtoken_pooling": "first",
            "ent_token": "<<ENT>>",
            "sep_token": "<<SEP>>",
            "vocab_size": 128004,
        }
        | more,
        "pytorch_model.bin": b"weights",
    }


def deberta() -> Files:
    """Without its weights, and with the older format of tokenizer."""
    more = {"vocab_size": 128100, "relative_attention": True}
    return config("DebertaV2Model", "deberta-v2", **more) | {"spm.model": b"pieces", "tokenizer_config.json": {}}


def pruner(**more: Any) -> Files:
    return PLAIN | {
        "config.json": {
            "architectures": ["SwePrunerForCodeCompression"],
            "auto_map": {"AutoModel": "modeling.SwePruner"},
            "backbone_model_name_or_path": "Qwen/Qwen3-Reranker-0.6B",
            "compression_head_type": "crf",
            "early_layer_ratio": 0.25,
            "middle_layer_ratio": 0.5,
            "model_type": "swepruner",
            "num_fusion_layers": 1,
            "num_heads": 8,
            "use_multi_layer_fusion": True,
        }
        | more,
        "model.safetensors": {"model.backbone.embed_tokens.weight": (14, 32)},
    }


def causal() -> Files:
    return NETWORK | config("Qwen3ForCausalLM", "qwen3", max_position_embeddings=40960)


def static() -> Files:
    return {
        "modules.json": [
            {"idx": 0, "name": "0", "path": ".", "type": f"{ST}StaticEmbedding"},
            {"idx": 1, "name": "1", "path": "1_Normalize", "type": f"{ST}Normalize"},
        ],
        "config.json": {"model_type": "model2vec", "architectures": ["StaticModel"], "normalize": True},
        "model.safetensors": {"embeddings": (14, 8)},
        "tokenizer.json": TOKENIZER,
    }


def bge_m3() -> Files:
    files = dense({"word_embedding_dimension": 32, "pooling_mode_cls_token": True})
    return files | {"sparse_linear.pt": b"", "colbert_linear.pt": b""}
