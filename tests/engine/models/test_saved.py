"""What sentence-transformers itself writes today, and that transformers knows every architecture that is meant."""

import string
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from sentence_transformers import CrossEncoder, SentenceTransformer, SparseEncoder
from sentence_transformers.base.modules import Dense as DenseModule
from sentence_transformers.base.modules import Normalize as NormalizeModule
from sentence_transformers.base.modules import Router, Transformer
from sentence_transformers.multi_vector_encoder import MultiVectorEncoder
from sentence_transformers.multi_vector_encoder.modules import MultiVectorMask
from sentence_transformers.sentence_transformer.modules import LayerNorm as LayerNormModule
from sentence_transformers.sentence_transformer.modules import Pooling, StaticEmbedding
from sentence_transformers.sparse_encoder.modules import SparseStaticEmbedding, SpladePooling
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import BertConfig, BertForMaskedLM, BertForSequenceClassification, BertModel, PreTrainedTokenizerFast

from tamis_engine.models.resolution import resolve
from tamis_engine.models.spec import (
    ClassHead,
    Dense,
    Idf,
    LayerNorm,
    Normalize,
    Output,
    Pool,
    Prompts,
    Sigmoid,
    Spec,
    Splade,
    StaticBag,
    TokenVectors,
)

SPECIAL = {
    "unk_token": "[UNK]",
    "pad_token": "[PAD]",
    "cls_token": "[CLS]",
    "sep_token": "[SEP]",
    "mask_token": "[MASK]",
}
PUNCTUATION = tuple(string.punctuation)
Save = Callable[[Any], Spec]


def tokenizer() -> Tokenizer:
    words = [*SPECIAL.values(), *"abc", *PUNCTUATION]
    tokenizer = Tokenizer(models.WordLevel({word: at for at, word in enumerate(words)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    return tokenizer


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Any], str]:
    """A folder with a tiny network of that class, and a tokenizer."""

    def checkpoint(network: Any) -> str:
        folder = str(tmp_path_factory.mktemp(network.__name__))
        config = BertConfig(
            vocab_size=40, hidden_size=32, num_hidden_layers=1, num_attention_heads=2, intermediate_size=8, num_labels=1
        )
        network(config).save_pretrained(folder)
        PreTrainedTokenizerFast(tokenizer_object=tokenizer(), model_max_length=64, **SPECIAL).save_pretrained(folder)
        return folder

    return checkpoint


@pytest.fixture
def saved(tmp_path: Path) -> Save:
    def saved(model: Any) -> Spec:
        model.save(str(tmp_path), create_model_card=False)
        return resolve("it", tmp_path, None)

    return saved


def test_a_sentence_transformer(checkpoint: Callable[[Any], str], saved: Save) -> None:
    layers = [Pooling(32, "mean"), DenseModule(32, 48, activation_function=torch.nn.Identity()), NormalizeModule()]
    prompts = {"query": "Q: ", "document": "D: "}
    spec = saved(
        SentenceTransformer(modules=[Transformer(checkpoint(BertModel)), *layers], prompts=prompts, device="cpu")
    )
    assert spec.outputs == {"dense": Output((Pool("mean"), Dense("2_Dense/model.safetensors"), Normalize()))}
    assert (spec.dimensions, spec.text.max_tokens, spec.text.prompts) == (48, 64, Prompts("Q: ", "D: "))


def test_static_embeddings(saved: Save) -> None:
    spec = saved(SentenceTransformer(modules=[StaticEmbedding(tokenizer(), embedding_dim=8)], device="cpu"))
    assert spec.outputs == {"dense": Output((StaticBag("model.safetensors"), Normalize()))}
    assert spec.dimensions == 8


def test_a_sparse_encoder(checkpoint: Callable[[Any], str], saved: Save) -> None:
    spec = saved(SparseEncoder(checkpoint(BertForMaskedLM), device="cpu"))
    assert spec.outputs == {"sparse": Output((Splade(),))}
    assert spec.network.head == "masked_lm"


def test_a_sparse_encoder_whose_queries_need_no_network(checkpoint: Callable[[Any], str], saved: Save) -> None:
    network = Transformer(checkpoint(BertForMaskedLM), transformer_task="fill-mask")
    table = SparseStaticEmbedding(tokenizer=network.tokenizer, frozen=True)
    document = [network, SpladePooling("max", activation_function="log1p_relu")]
    router = Router.for_query_document(query_modules=[table], document_modules=document)
    spec = saved(SparseEncoder(modules=[router], device="cpu"))
    weights = Idf("query_0_SparseStaticEmbedding/model.safetensors")
    assert spec.outputs == {"sparse": Output((Splade(doubled=True),), (weights,))}
    assert spec.network.weights == ("document_0_Transformer/model.safetensors",)
    assert spec.tokenizer == "document_0_Transformer/tokenizer.json"


def test_a_multi_vector_encoder(checkpoint: Callable[[Any], str], saved: Save) -> None:
    expansion = {"strategy": "fixed", "attend": False, "length": 16}
    transformer = Transformer(checkpoint(BertModel), query_expansion=expansion, document_length=60)
    tokens = "token_embeddings"
    linear = DenseModule(32, 16, bias=False, activation_function=torch.nn.Identity(), module_input_name=tokens)
    modules = [transformer, linear, MultiVectorMask(list(PUNCTUATION)), NormalizeModule(tokens)]
    prompts = {"query": "a ", "document": "b "}
    spec = saved(MultiVectorEncoder(modules=modules, prompts=prompts, device="cpu"))
    vectors = TokenVectors("1_Dense/model.safetensors", dimensions=16, expand_query_to=16, skip_words=PUNCTUATION)
    assert spec.outputs == {"multivector": Output((vectors,))}
    assert (spec.text.max_tokens, spec.text.query_tokens, spec.text.prompts) == (60, 16, Prompts("a ", "b "))


def test_a_cross_encoder(checkpoint: Callable[[Any], str], saved: Save) -> None:
    spec = saved(CrossEncoder(checkpoint(BertForSequenceClassification), device="cpu"))
    assert spec.outputs == {"score": Output((ClassHead(), Sigmoid()))}
    assert spec.network.head == "sequence_classification"


def test_a_cross_encoder_of_modules(checkpoint: Callable[[Any], str], saved: Save) -> None:
    layers = [
        Pooling(32, "cls"),
        DenseModule(32, 32, bias=False, activation_function=torch.nn.GELU()),
        LayerNormModule(32),
        DenseModule(32, 1, activation_function=torch.nn.Identity(), module_output_name="scores"),
    ]
    modules = [Transformer(checkpoint(BertModel)), *layers]
    spec = saved(CrossEncoder(modules=modules, activation_fn=torch.nn.Identity(), device="cpu"))
    assert spec.outputs["score"].steps == (
        Pool("cls"),
        Dense("2_Dense/model.safetensors", "GELU", bias=False),
        LayerNorm("3_LayerNorm/model.safetensors"),
        Dense("4_Dense/model.safetensors"),
        Sigmoid(),
    )
    assert spec.network.head == "none"
