import json
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError

from tamis_engine.models import catalogue
from tamis_engine.models.catalogue import Catalogue, Entry
from tamis_engine.models.resolution import resolve
from tamis_engine.models.spec import ChatPair, KeepWords, LogitPick, Prompts, Splade
from tests.engine.models import folders
from tests.engine.models.folders import Files, folder_of

ENTRIES = {entry.id: entry for entry in catalogue.catalogue().models}

BGE = Prompts("Represent this sentence for searching relevant passages: ")
E5 = Prompts("query: ", "passage: ")
INSTRUCT = Prompts(
    "Instruct: {instruction}\nQuery:",
    "",
    "Given a web search query, retrieve relevant passages that answer the query",
)
PROMPTS = {
    "mdbr-leaf-ir": BGE,
    "bge-small-en-v1.5": BGE,
    "bge-base-en-v1.5": BGE,
    "snowflake-arctic-embed-xs": BGE,
    "snowflake-arctic-embed-m-v1.5": BGE,
    "e5-small-v2": E5,
    "e5-base-v2": E5,
    "denseon": Prompts("query: ", "document: "),
    "nomic-embed-text-v1.5": Prompts("search_query: ", "search_document: "),
    "embeddinggemma-300m": Prompts("task: search result | query: ", "title: none | text: "),
    "qwen3-embedding-0.6b": INSTRUCT,
    "harrier-oss-v1-270m": INSTRUCT,
    "harrier-oss-v1-0.6b": INSTRUCT,
}

QWEN3_RERANKER = """<|im_start|>system
Judge whether the Document meets the requirements based on the Query and the Instruct provided. \
Note that the answer can only be "yes" or "no".<|im_end|>
<|im_start|>user
<Instruct>: {instruction}
<Query>: {query}
<Document>: {passage}<|im_end|>
<|im_start|>assistant
<think>

</think>

"""
MXBAI_V2 = """<|im_start|>system
You are Qwen, created by Alibaba Cloud. You are a helpful assistant.<|im_end|>
<|im_start|>user
query: {query}
document: {passage}
{instruction}
Relevance:<|im_end|>
<|im_start|>assistant
"""
PAIRS = {
    "qwen3-reranker-0.6b": ChatPair(
        QWEN3_RERANKER, "Given a web search query, retrieve relevant passages that answer the query"
    ),
    "swe-pruner": ChatPair(QWEN3_RERANKER, "Given a query, judge if the document(code) is related to query."),
    "mxbai-rerank-base-v2": ChatPair(
        MXBAI_V2,
        "You are a search relevance expert who evaluates how well documents match search queries. For each "
        "query-document pair, carefully analyze the semantic relationship between them, then provide your binary "
        "relevance judgment (0 for not relevant, 1 for relevant).",
    ),
}

POOLED = {"word_embedding_dimension": 32, "pooling_mode_cls_token": True}
FAMILIES: dict[str, Files] = {
    "bge-m3": folders.bge_m3(),
    "colbert": folders.stanford(),
    "ettin": folders.layers_reranker(),
    "gliner": folders.gliner(),
    "static": folders.static(),
    "pylate": folders.pylate(),
    "splade": folders.splade(),
    "routed": folders.routed(),
    "causal": folders.causal(),
    "provence": folders.provence(),
    "pruner": folders.pruner(),
    "reranker": folders.classifier("LABEL_0"),
    "words": folders.classifier("drop", "keep", architecture="BertForTokenClassification"),
    "zeroshot": folders.classifier("entailment", "not_entailment"),
    "answers": folders.NETWORK | folders.config("RobertaForQuestionAnswering", "roberta"),
    "dense": folders.dense(POOLED),
}
OF = {
    "potion": "static",
    "static-": "static",
    "splade": "splade",
    "opensearch": "routed",
    "granite-embedding-30m-sparse": "splade",
    "colbertv2": "colbert",
    "answerai": "colbert",
    "gte-moderncolbert": "pylate",
    "lateon": "pylate",
    "ettin": "ettin",
    "qwen3-reranker": "causal",
    "mxbai-rerank-base-v2": "causal",
    "open-provence": "provence",
    "swe-pruner": "pruner",
    "llmlingua": "words",
    "gliner": "gliner",
    "deberta": "zeroshot",
    "tinyroberta": "answers",
    "bge-m3": "bge-m3",
}


def family(entry: Entry) -> str:
    named = next((family for start, family in OF.items() if entry.id.startswith(start)), None)
    return named or ("reranker" if entry.abilities == ("score",) else "dense")


@pytest.mark.parametrize("id_", ENTRIES)
def test_every_entry_resolves_to_what_it_promises(id_: str, tmp_path: Path) -> None:
    entry = ENTRIES[id_]
    folder = folder_of(tmp_path / "it", FAMILIES[family(entry)])
    base = folder_of(tmp_path / "base", folders.deberta() if family(entry) == "gliner" else folders.causal())
    spec = resolve(entry.id, folder, entry, base)
    assert tuple(spec.outputs) == entry.abilities
    assert spec.licence == entry.licence
    assert spec.text.pair == PAIRS.get(id_)
    assert spec.text.prompts == PROMPTS.get(id_, Prompts())


def test_prompts_templates_and_words_are_those_of_the_models_cards() -> None:
    overrides = {id_: entry.overrides for id_, entry in ENTRIES.items()}
    assert {id_: told.prompts for id_, told in overrides.items() if told.prompts} == PROMPTS
    assert {id_: told.pair for id_, told in overrides.items() if told.pair} == PAIRS
    assert {id_: told.logits for id_, told in overrides.items() if told.logits} == {
        "qwen3-reranker-0.6b": LogitPick("yes", "no"),
        "mxbai-rerank-base-v2": LogitPick("1", "0"),
    }
    assert {id_: told.words for id_, told in overrides.items() if told.words} == {
        "llmlingua-2": KeepWords("\u2581", "", 0.5),
        "llmlingua-2-small": KeepWords("", "##", 0.5),
    }
    assert {id_: told.template for id_, told in overrides.items() if told.template} == {
        "deberta-v3-base-zeroshot-v2.0": "This text is about {}."
    }
    assert {id_: told.splade for id_, told in overrides.items() if told.splade} == {
        "splade-v3": Splade(),
        "granite-embedding-30m-sparse": Splade(),
        "opensearch-doc-v3-distill": Splade(doubled=True),
        "opensearch-doc-v3-gte": Splade(doubled=True),
    }


def test_gemma_is_never_computed_in_float16() -> None:
    forbidden = {id_ for id_, entry in ENTRIES.items() if entry.overrides.forbidden_dtypes == ("float16",)}
    assert forbidden == {"embeddinggemma-300m", "harrier-oss-v1-270m"}


def test_every_name_means_one_model() -> None:
    names = [name.lower() for entry in ENTRIES.values() for name in {name.lower() for name in entry.names()}]
    assert sorted(names) == sorted(set(names))


def test_a_model_is_found_by_id_repository_and_alias_in_any_case() -> None:
    found = {catalogue.find(name) for name in ("BGE-Small-EN-v1.5", "baai/bge-small-en-v1.5", "bge-small")}
    assert found == {ENTRIES["bge-small-en-v1.5"]}
    assert catalogue.find("bge-smal") is None


def test_a_slip_of_the_keyboard_is_understood() -> None:
    assert catalogue.suggestions("bge-smal")[0] == "bge-small"


def test_every_set_is_a_trio_of_models_that_do_their_part() -> None:
    sets = catalogue.catalogue().sets
    assert sets.keys() == {"laptop", "gpu", "multilingual"}
    for name in sets:
        trio = catalogue.trio(name)
        assert trio
        assert "dense" in ENTRIES[trio.encode].abilities
        assert "score" in ENTRIES[trio.score].abilities
        assert "extract" in ENTRIES[trio.extract].abilities


def test_the_laptops_models_are_small_free_and_open() -> None:
    trio = catalogue.catalogue().sets["laptop"]
    chosen = [ENTRIES[name] for name in (trio.encode, trio.score, trio.extract)]
    assert {entry.licence for entry in chosen} <= {"Apache-2.0", "MIT"}
    assert not any(entry.gated for entry in chosen)
    assert sum(entry.expected_bytes for entry in chosen) < 350e6


def test_a_misspelt_key_or_revision_is_refused() -> None:
    raw = json.loads(catalogue.PATH.read_text(encoding="utf-8"))
    for wrong in ({"licens": "MIT"}, {"revision": "main"}, {"overrides": {"promts": {}}}, {"abilities": ["chat"]}):
        broken = raw | {"models": [raw["models"][0] | wrong]}
        with pytest.raises(ValidationError):
            Catalogue.model_validate(broken)


def test_reading_the_catalogue_needs_no_torch() -> None:
    program = (
        "import sys; from tamis_engine.models.registry import Registry; registry = Registry();"
        "[registry.facts(name) for name in registry.known()]; print(*sys.modules)"
    )
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, encoding="utf-8", check=True).stdout
    assert not {"torch", "transformers", "numpy"} & set(loaded.split())
