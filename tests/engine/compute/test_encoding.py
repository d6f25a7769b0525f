"""Encoding equals sentence-transformers, reading the same files."""

import json
import string
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from sentence_transformers import MultiVectorEncoder, SentenceTransformer, SparseEncoder
from sentence_transformers.multi_vector_encoder.modules import MultiVectorMask
from sentence_transformers.sentence_transformer import modules as st
from sentence_transformers.sparse_encoder.modules import SparseStaticEmbedding, SpladePooling
from transformers import AutoConfig, AutoModel, AutoModelForMaskedLM

from tamis_engine import embedded
from tamis_engine.errors import RequestInvalid
from tamis_engine.models.spec import (
    Dense,
    Idf,
    LayerNorm,
    Network,
    Normalize,
    Output,
    Pool,
    Prompts,
    Spec,
    Splade,
    StaticBag,
    Step,
    Text,
    TokenVectors,
    TokenWeights,
)
from tamis_engine.operation import PairInput, TextInput
from tests.engine.compute.checkpoints import (
    TEXTS,
    bert,
    furthest,
    operations_of,
    rows,
    saved,
    spec_of,
    vectors,
    word_pieces,
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return saved(tmp_path_factory.mktemp("bert"), AutoModel, bert(), word_pieces())


@pytest.fixture(scope="module")
def mlm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return saved(tmp_path_factory.mktemp("mlm"), AutoModelForMaskedLM, bert(), word_pieces())


def reference(folder: Path, *modules: Any) -> SentenceTransformer:
    return SentenceTransformer(modules=[st.Transformer(str(folder)), *modules], device="cpu").eval()


@pytest.mark.parametrize(
    ("mode", "theirs"), [("cls", "cls"), ("mean", "mean"), ("max", "max"), ("last_token", "lasttoken")]
)
def test_pooling_equals_the_reference(folder: Path, mode: Any, theirs: Any) -> None:
    dense = operations_of(spec_of(folder, {"dense": [Pool(mode)]}, Text(64)))["dense"]
    expected = reference(folder, st.Pooling(32, theirs)).encode(TEXTS)
    assert furthest(vectors(dense, TEXTS), expected) < 1e-4


@pytest.mark.parametrize("mode", ["cls", "mean", "max"])
def test_a_prompt_can_be_left_out_of_the_pool(folder: Path, mode: Any) -> None:
    text = Text(64, prompts=Prompts(query="a query of code: ", passage=""))
    dense = operations_of(spec_of(folder, {"dense": [Pool(mode, include_prompt=False)]}, text))["dense"]
    expected = reference(folder, st.Pooling(32, mode, include_prompt=False)).encode(
        TEXTS[1:], prompt="a query of code: "
    )
    assert furthest(vectors(dense, TEXTS[1:], "query"), expected) < 1e-4


def test_layers_behind_the_pool_equal_the_reference(folder: Path) -> None:
    torch.manual_seed(1)
    modules = [
        st.Pooling(32, "mean"),
        st.Dense(32, 24),
        st.LayerNorm(24),
        st.Dense(24, 8, bias=False, activation_function=torch.nn.GELU()),
        st.Normalize(),
    ]
    for parameter in modules[2].parameters():
        torch.nn.init.normal_(parameter)
    model = reference(folder, *modules)
    for name, module in zip("abc", modules[1:4], strict=True):
        save_file(module.state_dict(), folder / f"{name}.safetensors")
    steps: list[Step] = [
        Pool("mean"),
        Dense("a.safetensors", "Tanh"),
        LayerNorm("b.safetensors"),
        Dense("c.safetensors", "GELU", bias=False),
        Normalize(),
    ]
    dense = operations_of(spec_of(folder, {"dense": steps}, Text(64)))["dense"]
    assert furthest(vectors(dense, TEXTS), model.encode(TEXTS)) < 1e-4


def test_the_embedded_model_equals_sentence_transformers() -> None:
    config = json.loads((embedded.FOLDER / "config.json").read_text(encoding="utf-8"))
    network = Network(config, ("model.safetensors",))
    outputs = {"dense": Output((Pool("mean"), Normalize()))}
    dense = operations_of(Spec("mini", embedded.FOLDER, "1", network, Text(256), outputs, 384))["dense"]
    transformer = st.Transformer(str(embedded.FOLDER), max_seq_length=256, model_kwargs={"dtype": torch.float32})
    model = SentenceTransformer(modules=[transformer, st.Pooling(384, "mean"), st.Normalize()], device="cpu")
    texts = [*TEXTS, "word " * 400, "def f(x):\n    return x ** 2  # Ünïcode 文字", "\n\t "]
    assert furthest(vectors(dense, texts), model.encode(texts)) < 1e-5


def test_a_static_table_equals_the_reference(tmp_path: Path) -> None:
    tokenizer = word_pieces()
    torch.manual_seed(2)
    static = st.StaticEmbedding(tokenizer, embedding_weights=torch.randn(len(tokenizer), 12))
    static.save(str(tmp_path))
    expected = SentenceTransformer(modules=[static, st.Normalize()], device="cpu").encode(TEXTS)
    text = Text(2**20, add_special_tokens=False)
    steps = (StaticBag("model.safetensors"), Normalize())
    spec = Spec(
        "static", tmp_path, "1", Network({}, ("model.safetensors",), "static"), text, {"dense": Output(steps)}, 12
    )
    dense = operations_of(spec)["dense"]
    assert furthest(vectors(dense, TEXTS), expected) < 1e-5
    assert not dense.tokenise([TextInput("")])[0].pieces


def as_entries(weights: torch.Tensor) -> Any:
    index = weights.nonzero().squeeze(1)
    return torch.stack([index.float(), weights[index]], 1).numpy()


@pytest.mark.parametrize(("doubled", "activation"), [(False, "relu"), (True, "log1p_relu")])
def test_splade_equals_the_reference(mlm: Path, doubled: bool, activation: Any) -> None:
    model = SparseEncoder(
        modules=[st.Transformer(str(mlm), transformer_task="fill-mask"), SpladePooling("max", activation)], device="cpu"
    )
    expected = model.encode(TEXTS, convert_to_sparse_tensor=False)
    sparse = operations_of(spec_of(mlm, {"sparse": [Splade(doubled)]}, Text(64), "masked_lm"))["sparse"]
    found = vectors(sparse, TEXTS)
    assert all(len(row) > 10 for row in found)
    assert furthest(found, [as_entries(row) for row in expected]) < 1e-4


@pytest.mark.parametrize("file", ["idf.json", "idf.safetensors"])
def test_queries_weigh_what_a_file_says(mlm: Path, file: str) -> None:
    known = {"engine": 2.5, "what": 0.5, "the": 0.0, "[SEP]": 1.5}
    (mlm / "known.json").write_text(json.dumps(known), encoding="utf-8")
    (mlm / "idf.json").write_text(json.dumps(known | {"no token": 9.0}), encoding="utf-8")
    table = SparseStaticEmbedding.from_json(str(mlm / "known.json"), word_pieces())
    save_file({"weight": table.weight.detach()}, mlm / "idf.safetensors")
    queries = ["what is the engine, the engine?", "", "[SEP] of", "code " * 63 + "engine engine"]
    expected = SparseEncoder(modules=[table], device="cpu").encode(queries, convert_to_sparse_tensor=False)
    spec = spec_of(mlm, {"sparse": [Splade()]}, Text(64), "masked_lm")
    spec = replace(spec, outputs={"sparse": Output((Splade(),), query=(Idf(file),))})
    sparse = operations_of(spec)["sparse"]
    asked = [TextInput(query, "query") for query in queries]
    assert not any(each.pieces for each in sparse.tokenise(asked))
    assert [each.truncated for each in sparse.tokenise(asked)] == [False, False, False, True]
    assert furthest(vectors(sparse, queries, "query"), [as_entries(row) for row in expected]) < 1e-6
    mixed = rows(sparse, [TextInput("engine"), TextInput("engine", "query"), TextInput("code")])
    assert [len(row.values) == 1 for row in mixed] == [False, True, False]


@torch.inference_mode()
def states(folder: Path, ids: list[int]) -> torch.Tensor:
    """Of plain transformers."""
    return AutoModel.from_pretrained(folder).eval()(input_ids=torch.tensor([ids])).last_hidden_state[0]


@torch.inference_mode()
def test_one_network_has_the_three_outputs_of_bge_m3(folder: Path) -> None:
    torch.manual_seed(4)
    heads = {"sparse_linear.pt": torch.nn.Linear(32, 1), "colbert_linear.pt": torch.nn.Linear(32, 32)}
    for file, head in heads.items():
        torch.save(head.state_dict(), folder / file)
    outputs: dict[Any, list[Step]] = {
        "dense": [Pool("cls"), Normalize()],
        "sparse": [TokenWeights("sparse_linear.pt")],
        "multivector": [TokenVectors("colbert_linear.pt", "weight", 32, skip_first=True)],
    }
    found = operations_of(spec_of(folder, outputs, Text(64)))
    for text in TEXTS:
        ids = word_pieces()(text, truncation=True, max_length=64)["input_ids"]
        last = states(folder, ids)
        weights: dict[int, float] = {}
        for id_, weight in zip(ids, heads["sparse_linear.pt"](last).relu().squeeze(1).tolist(), strict=True):
            if weight > max(weights.get(id_, 0), 0) and id_ not in word_pieces().all_special_ids:
                weights[id_] = weight
        tokens = torch.nn.functional.normalize(heads["colbert_linear.pt"](last[1:]), dim=-1)
        assert furthest(vectors(found["dense"], [text]), [torch.nn.functional.normalize(last[0], dim=0)]) < 1e-4
        assert furthest(vectors(found["sparse"], [text]), [np.array(sorted(weights.items())).reshape(-1, 2)]) < 1e-4
        assert furthest(vectors(found["multivector"], [text]), [tokens]) < 1e-4


@pytest.fixture(scope="module", params=["bert", "modernbert"])
def colbert(request: pytest.FixtureRequest, folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    if request.param == "bert":
        return folder
    sizes = {"hidden_size": 32, "num_hidden_layers": 3, "num_attention_heads": 4, "intermediate_size": 48}
    windows = {"local_attention": 10, "global_attn_every_n_layers": 3, "pad_token_id": 0}
    config = AutoConfig.for_model("modernbert", **sizes, **windows, vocab_size=len(word_pieces()))
    return saved(tmp_path_factory.mktemp("modernbert"), AutoModel, config, word_pieces())


@pytest.mark.parametrize("attend", [False, True])
@pytest.mark.parametrize("role", ["query", "passage"])
def test_a_colbert_with_markers_equals_the_reference(colbert: Path, attend: bool, role: Any) -> None:
    torch.manual_seed(6)
    projection = st.Dense(
        32, 16, bias=False, activation_function=torch.nn.Identity(), module_input_name="token_embeddings"
    )
    save_file(projection.state_dict(), colbert / "projection.safetensors")
    expansion: Any = {"strategy": "fixed", "attend": attend, "length": 24}
    transformer = st.Transformer(str(colbert), document_length=40, query_expansion=expansion)
    model = MultiVectorEncoder(
        modules=[transformer, projection, MultiVectorMask(skiplist_words=list(string.punctuation))],
        prompts={"query": "[unused0] ", "document": "[unused1] "},
        device="cpu",
    )
    recipe = TokenVectors(
        "projection.safetensors", "linear.weight", 16, "[unused0]", "[unused1]", 24, attend, tuple(string.punctuation)
    )
    found = operations_of(spec_of(colbert, {"multivector": [recipe]}, Text(40, query_tokens=24)))["multivector"]
    expected = (model.encode_query if role == "query" else model.encode_document)(TEXTS, normalize_embeddings=True)
    assert furthest(vectors(found, TEXTS, role), expected) < 1e-4


def test_a_late_interaction_model_without_markers_or_expansion_equals_the_reference(folder: Path) -> None:
    save_file({"linear.weight": torch.eye(32)[:8]}, folder / "eye.safetensors")
    recipe = TokenVectors("eye.safetensors", dimensions=8)
    text = Text(64, prompts=Prompts(query="query: ", passage="of "))
    found = operations_of(spec_of(folder, {"multivector": [recipe]}, text))["multivector"]
    for passage in TEXTS:
        ids = word_pieces()("of " + passage, truncation=True, max_length=64)["input_ids"]
        expected = torch.nn.functional.normalize(states(folder, ids)[:, :8], dim=-1)
        assert furthest(vectors(found, [passage]), [expected]) < 1e-4


def test_what_is_not_read_is_reported(folder: Path) -> None:
    dense = operations_of(spec_of(folder, {"dense": [Pool("mean")]}, Text(64, query_tokens=8)))["dense"]
    long = "code " * 70
    found = rows(
        dense, [TextInput(long), TextInput(long, "query"), TextInput("code " * 6, "query"), TextInput("code " * 62)]
    )
    assert [(row.tokens, row.truncated) for row in found] == [(72, True), (72, True), (8, False), (64, False)]


def test_only_texts_are_encoded(folder: Path) -> None:
    dense = operations_of(spec_of(folder, {"dense": [Pool("mean")]}, Text(64)))["dense"]
    with pytest.raises(RequestInvalid, match="single texts"):
        dense.tokenise([PairInput("a", "b")])
