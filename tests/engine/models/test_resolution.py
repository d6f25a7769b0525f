import string
from pathlib import Path
from typing import Any

import pytest

from tamis_engine.models.catalogue import Entry, Overrides
from tamis_engine.models.resolution import base_repo, resolve
from tamis_engine.models.spec import (
    AnswerSpan,
    ChatPair,
    ClassHead,
    Dense,
    Entailment,
    Idf,
    KeepLines,
    KeepTokens,
    KeepWords,
    LayerNorm,
    LogitPick,
    Normalize,
    Output,
    Pool,
    Prompts,
    Sigmoid,
    SpanMarker,
    Spec,
    Splade,
    StaticBag,
    TokenVectors,
    TokenWeights,
)
from tests.engine.models import folders
from tests.engine.models.folders import folder_of

PUNCTUATION = tuple(string.punctuation)


def entry(**told: Any) -> Entry:
    return Entry(
        id="it",
        hub="some/it",
        licence="MIT",
        parameters=1,
        max_tokens=512,
        abilities=("dense",),
        what_for="tests",
        overrides=Overrides(**told),
    )


@pytest.fixture
def read(tmp_path: Path) -> Any:
    def read(files: folders.Files, told: Entry | None = None, base: folders.Files | None = None) -> Spec:
        lent = folder_of(tmp_path / "base", base) if base else None
        return resolve("it", folder_of(tmp_path / "it", files), told, lent)

    return read


def test_a_sentence_transformer_pools_and_ends_at_length_1(read: Any) -> None:
    spec = read(folders.dense())
    assert spec.outputs == {"dense": Output((Pool("mean"), Normalize()))}
    assert (spec.dimensions, spec.text.max_tokens, spec.network.head) == (32, 512, "none")
    assert spec.network.weights == ("model.safetensors",)


@pytest.mark.parametrize(
    ("pooling", "mode"),
    [
        ({"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False}, "cls"),
        ({"pooling_mode_lasttoken": True}, "last_token"),
        ({"pooling_mode": "mean", "embedding_dimension": 32}, "mean"),
        ({"pooling_mode": "max"}, "max"),
        ({}, "mean"),
    ],
)
def test_pooling_is_read_in_both_spellings(read: Any, pooling: dict[str, Any], mode: Any) -> None:
    assert read(folders.dense(pooling)).outputs["dense"].steps[0] == Pool(mode)


def test_a_prompt_can_stay_out_of_the_mean(read: Any) -> None:
    spec = read(folders.dense({"pooling_mode": "mean", "include_prompt": False}))
    assert spec.outputs["dense"].steps[0] == Pool("mean", include_prompt=False)


def test_a_projection_changes_the_dimensions(read: Any) -> None:
    spec = read(folders.projected(48))
    assert spec.outputs["dense"].steps[1:] == (Dense("2_Dense/model.safetensors", "Identity", True), Normalize())
    assert spec.dimensions == 48


def test_the_least_limit_holds(read: Any) -> None:
    limits = {"sentence_bert_config.json": {"max_seq_length": 256}}
    assert read(folders.dense() | limits).text.max_tokens == 256
    assert read(folders.dense() | {"sentence_bert_config.json": {"max_seq_length": 9999}}).text.max_tokens == 512


def test_roberta_has_fewer_places_than_it_says(read: Any) -> None:
    config = folders.config("XLMRobertaModel", "xlm-roberta", max_position_embeddings=514, pad_token_id=1)
    tokenizer = {"tokenizer_config.json": {"model_max_length": 1e30}}
    assert read(folders.dense() | config | tokenizer).text.max_tokens == 512


@pytest.mark.parametrize("name", ["document", "passage", "corpus"])
def test_prompts_are_those_that_were_saved(read: Any, name: str) -> None:
    saved = {"config_sentence_transformers.json": {"prompts": {"query": "Q: ", name: "P: "}}}
    assert read(folders.dense() | saved).text.prompts == Prompts("Q: ", "P: ")


def test_a_task_in_a_saved_prompt_can_be_replaced(read: Any) -> None:
    saved = {"config_sentence_transformers.json": {"prompts": {"query": "Instruct: Find it\nQuery:", "document": ""}}}
    assert read(folders.dense() | saved).text.prompts == Prompts("Instruct: {instruction}\nQuery:", "", "Find it")


def test_bge_m3_gives_three_kinds_from_one_network(read: Any) -> None:
    outputs = read(folders.bge_m3()).outputs
    assert outputs == {
        "dense": Output((Pool("cls"), Normalize())),
        "sparse": Output((TokenWeights("sparse_linear.pt"),)),
        "multivector": Output((TokenVectors("colbert_linear.pt", "weight", 32, skip_first=True),)),
    }


def test_model2vec_is_a_table(read: Any) -> None:
    spec = read(folders.static())
    assert spec.outputs == {"dense": Output((StaticBag("model.safetensors", "embeddings"), Normalize()))}
    assert (spec.network.head, spec.dimensions, spec.text.add_special_tokens) == ("static", 8, False)


def test_a_folder_of_model2vec_without_modules_is_the_same_table(read: Any) -> None:
    files = folders.static()
    del files["modules.json"]
    assert read(files).outputs["dense"].steps == (StaticBag("model.safetensors", "embeddings"), Normalize())


@pytest.mark.parametrize(("activation", "doubled"), [("relu", False), ("log1p_relu", True)])
def test_splade_takes_the_logarithm_once_or_twice(read: Any, activation: str, doubled: bool) -> None:
    spec = read(folders.splade(activation))
    assert spec.outputs == {"sparse": Output((Splade(doubled),))}
    assert (spec.network.head, spec.dimensions) == ("masked_lm", 14)


def test_a_router_sends_queries_to_a_table(read: Any) -> None:
    table = Idf("query_0_SparseStaticEmbedding/model.safetensors")
    assert read(folders.routed()).outputs == {"sparse": Output((Splade(doubled=True),), (table,))}


def test_a_router_may_name_the_table_as_json(read: Any) -> None:
    files = folders.routed() | {"query_0_SparseStaticEmbedding/config.json": {"path": "idf.json"}, "idf.json": {"a": 1}}
    assert read(files).outputs["sparse"].query == (Idf("idf.json"),)


def test_a_masked_model_of_the_catalogue_needs_no_modules(read: Any) -> None:
    told = entry(splade=Splade(doubled=True), idf="idf.json")
    spec = read(folders.masked() | {"idf.json": {"a": 1}}, told)
    assert spec.outputs == {"sparse": Output((Splade(doubled=True),), (Idf("idf.json"),))}


def test_stanfords_colbert_is_read_from_its_metadata(read: Any) -> None:
    spec = read(folders.stanford())
    vectors = TokenVectors("model.safetensors", "linear.weight", 16, "[unused0]", "[unused1]", 32, False, PUNCTUATION)
    assert spec.outputs == {"multivector": Output((vectors,))}
    assert (spec.text.max_tokens, spec.text.query_tokens, spec.dimensions) == (180, 32, 16)
    assert spec.text.prompts == Prompts()


def test_pylates_markers_are_tokens_and_all_else_its_own_config(read: Any) -> None:
    spec = read(folders.pylate(skiplist_words=["."], attend_to_expansion_tokens=True))
    vectors = TokenVectors("1_Dense/model.safetensors", "linear.weight", 16, "[Q] ", "[D] ", 48, True, (".",))
    assert spec.outputs == {"multivector": Output((vectors,))}
    assert (spec.text.max_tokens, spec.text.query_tokens) == (300, 48)


def test_pylate_without_markers_and_expansion_has_neither(read: Any) -> None:
    spec = read(folders.pylate(query_prefix="", document_prefix=None, do_query_expansion=False))
    (vectors,) = spec.outputs["multivector"].steps
    assert (vectors.query_marker, vectors.passage_marker, vectors.expand_query_to) == ("", "", 0)
    assert vectors.skip_words == PUNCTUATION
    assert spec.text.prompts == Prompts()


def test_a_prefix_that_is_no_token_is_text(read: Any) -> None:
    spec = read(folders.pylate(query_prefix="search: ", prompts={"query": "search: now "}))
    assert spec.text.prompts == Prompts("search: now ", "")
    assert spec.outputs["multivector"].steps[0].query_marker == ""


@pytest.mark.parametrize("architecture", ["BertForSequenceClassification", "XLMRobertaForSequenceClassification"])
def test_one_label_is_a_reranker(read: Any, architecture: str) -> None:
    spec = read(folders.classifier("LABEL_0", architecture=architecture))
    assert spec.outputs == {"score": Output((ClassHead(), Sigmoid()))}
    assert spec.network.head == "sequence_classification"


def test_raw_scores_are_probabilities_too(read: Any) -> None:
    identity = "torch.nn.modules.linear.Identity"
    for said in (
        {"sbert_ce_default_activation_function": identity},
        {"sentence_transformers": {"activation_fn": identity}},
    ):
        assert read(folders.classifier("LABEL_0", **said)).outputs["score"].steps == (ClassHead(), Sigmoid())


def test_a_reranker_of_modules_is_read_layer_by_layer(read: Any) -> None:
    assert read(folders.layers_reranker(), entry(score_scale=3.0)).outputs["score"].steps == (
        Pool("cls"),
        Dense("2_Dense/model.safetensors", "GELU", bias=False),
        LayerNorm("3_LayerNorm/model.safetensors"),
        Dense("4_Dense/model.safetensors", "Identity", bias=True),
        Sigmoid(3.0),
    )


def test_a_language_model_is_asked_as_the_catalogue_says(read: Any) -> None:
    pair = ChatPair("{query}{passage}", "judge")
    spec = read(folders.causal(), entry(pair=pair, logits=LogitPick("yes", "no"), max_tokens=8192))
    assert spec.outputs == {"score": Output((LogitPick("yes", "no"), Sigmoid()))}
    assert (spec.text.pair, spec.network.head) == (pair, "causal_lm")


def test_provence_scores_and_keeps_in_one_network(read: Any) -> None:
    spec = read(folders.provence())
    keep = KeepTokens("model.safetensors", "pruning_head.classifier", "before_final_norm", 0.1)
    assert spec.outputs == {"score": Output((ClassHead(), Sigmoid())), "extract": Output((keep,))}
    assert spec.network.prefix == "ranking_model."
    assert (spec.network.config["model_type"], spec.network.config["id2label"]) == ("modernbert", {"0": "LABEL_0"})
    assert spec.text.max_tokens == 512


def test_llmlingua_is_told_apart_by_the_catalogue(read: Any) -> None:
    keep = KeepWords("", "##")
    files = folders.classifier("drop", "keep", architecture="BertForTokenClassification")
    assert read(files, entry(words=keep)).outputs == {"extract": Output((keep,))}


@pytest.mark.parametrize(
    ("labels", "step"),
    [
        (("entailment", "not_entailment"), Entailment(0, 1)),
        (("CONTRADICTION", "NEUTRAL", "ENTAILMENT"), Entailment(2, 0)),
    ],
)
def test_inference_is_known_by_its_labels(read: Any, labels: tuple[str, ...], step: Entailment) -> None:
    assert read(folders.classifier(*labels)).outputs == {"extract": Output((step,))}


def test_question_answering_reads_windows(read: Any) -> None:
    spec = read(folders.NETWORK | folders.config("RobertaForQuestionAnswering", "roberta"))
    assert spec.outputs == {"extract": Output((AnswerSpan(),))}
    assert spec.text.max_tokens == 384


def test_gliner_takes_config_and_tokenizer_from_the_model_that_it_was_made_from(read: Any, tmp_path: Path) -> None:
    spec = read(folders.gliner(), base=folders.deberta())
    assert spec.outputs == {"extract": Output((SpanMarker(12, hidden=16),))}
    assert (spec.network.config["model_type"], spec.network.config["vocab_size"]) == ("deberta-v2", 128004)
    assert spec.network.prefix == "token_rep_layer.bert_layer.model."
    assert (spec.tokenizer_folder, spec.tokenizer) == (tmp_path / "base", "")
    assert spec.added_tokens == ("[FLERT]", "<<ENT>>", "<<SEP>>")
    assert base_repo("it", spec.folder) == "microsoft/deberta-v3-small"


def test_a_gliner_that_brings_everything_needs_no_other(read: Any) -> None:
    files = folders.PLAIN | folders.gliner(encoder_config=folders.BERT)
    spec = read(files)
    assert (spec.tokenizer_folder, spec.tokenizer, spec.added_tokens) == (None, "tokenizer.json", ())
    assert base_repo("it", spec.folder) == ""


def test_swe_pruner_keeps_lines_and_scores(read: Any) -> None:
    pair = ChatPair("{query}{passage}", "judge")
    spec = read(folders.pruner(), entry(pair=pair), folders.causal())
    assert spec.outputs == {
        "score": Output((LogitPick("yes", "no"), Sigmoid())),
        "extract": Output((KeepLines("model.safetensors"),)),
    }
    assert (spec.network.prefix, spec.network.head) == ("model.backbone.", "causal_lm")
    assert spec.network.config["model_type"] == "qwen3"
    assert spec.tokenizer_folder is None


def test_gte_under_its_first_name_is_gte(read: Any) -> None:
    code = {"AutoModel": "new-impl--modeling.NewModel"}
    files = folders.dense() | folders.config("NewModel", "new", auto_map=code, pack_qkv=True)
    config = read(files).network.config
    assert config["model_type"] == "gte"
    assert "auto_map" not in config


def test_ntk_scaling_of_gte_is_linear_scaling_of_a_larger_theta(read: Any) -> None:
    scaling = {"rope_theta": 20_000, "rope_scaling": {"type": "ntk", "factor": 8.0}, "num_attention_heads": 2}
    config = read(folders.dense() | folders.config("NewModel", "new", **scaling)).network.config
    size, factor = 16, 8.0
    rotation = config["rope_parameters"]
    assert rotation["rope_type"] == "linear"
    for i in range(size // 2):
        ours = rotation["rope_theta"] ** (-2 * i / size) / rotation["factor"]
        assert ours == pytest.approx((20_000 * factor) ** (-2 * i / size) / factor ** (2 / size))


def test_nomics_first_names_are_translated(read: Any) -> None:
    legacy = {"n_embd": 64, "n_head": 4, "n_inner": 128, "n_layer": 3, "n_positions": 8192, "rotary_emb_base": 1000}
    files = folders.dense() | folders.config("NomicBertModel", "nomic_bert", auto_map={"AutoModel": "x"}, **legacy)
    config = read(files).network.config
    named = ("hidden_size", "num_attention_heads", "intermediate_size", "num_hidden_layers", "max_position_embeddings")
    assert [config[name] for name in named] == [64, 4, 128, 3, 8192]
    assert config["rope_parameters"] == {"rope_type": "default", "rope_theta": 1000.0}


def test_shards_count_as_one(read: Any) -> None:
    files = folders.dense()
    del files["model.safetensors"]
    index = {"weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors"}}
    shards = {"model-1.safetensors": {"a": (1,)}, "model-2.safetensors": {"b": (1,)}}
    spec = read(files | {"model.safetensors.index.json": index} | shards)
    assert spec.network.weights == ("model.safetensors.index.json",)
    sizes = [(spec.folder / name).stat().st_size for name in shards]
    assert spec.footprint_bytes == sum(sizes)


def test_the_revision_is_the_commit_or_changes_with_the_files(tmp_path: Path) -> None:
    snapshot = folder_of(tmp_path / "snapshots" / ("a" * 40), folders.dense())
    assert resolve("it", snapshot, None).revision == "a" * 40
    local = folder_of(tmp_path / "local", folders.dense())
    before = resolve("it", local, None).revision
    assert resolve("it", local, None).revision == before
    (local / "model.safetensors").write_bytes(folders.safetensors({"embeddings": (15, 32)}))
    assert resolve("it", local, None).revision != before
