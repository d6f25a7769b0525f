"""Texts become the tokens that transformers makes of them, cut in the same places."""

import json
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer, processors
from transformers import PreTrainedTokenizerFast

from tamis_engine import embedded
from tamis_engine.compute.tokenizer_files import load_tokeniser
from tamis_engine.compute.tokens import Tokeniser, shares, well_formed
from tamis_engine.errors import ModelInvalid
from tamis_engine.models.spec import Network, Prompts, Spec, Text
from tamis_engine.operation import PairInput, TextInput
from tests.engine.compute.checkpoints import SPECIAL, byte_pieces, word_pieces

TEXT = st.text(st.one_of(st.sampled_from("ab [SEP]\u00e9\u0301\u4e2d\U0001f600\n"), st.characters()), max_size=60)

EMBEDDED = Spec("mini", embedded.FOLDER, "1", Network({"type_vocab_size": 2}, ()), Text(256), {})
REFERENCE = PreTrainedTokenizerFast(
    tokenizer_file=str(embedded.FOLDER / "tokenizer.json"),
    model_input_names=["input_ids", "token_type_ids"],
    pad_token="[PAD]",
)


def tokeniser(spec: Spec = EMBEDDED, **text: Any) -> Tokeniser:
    return load_tokeniser(replace(spec, text=replace(spec.text, **text)))


def saved(folder: Path, tokenizer: PreTrainedTokenizerFast, **network: Any) -> Spec:
    tokenizer.save_pretrained(folder)
    return Spec("tiny", folder, "1", Network(network, ()), Text(64), {})


WHOLE = tokeniser()


@given(TEXT, st.integers(2, 40))
def test_a_text_is_cut_as_transformers_cuts(text: str, limit: int) -> None:
    WHOLE.text = Text(limit)
    (found,) = WHOLE.texts([TextInput(text)])
    expected = REFERENCE(text.encode("utf-8", "replace").decode(), truncation=True, max_length=limit)
    given = len(REFERENCE(well_formed(text))["input_ids"])
    assert found.ids == expected["input_ids"]
    assert (found.given, found.truncated) == (given, given > limit)


@given(TEXT, TEXT, st.integers(3, 40))
def test_a_pair_is_cut_as_transformers_cuts_the_longest_first(query: str, passage: str, limit: int) -> None:
    WHOLE.text = Text(limit)
    (found,) = WHOLE.pairs([PairInput(query, passage)])
    expected = REFERENCE([well_formed(query)], [well_formed(passage)], truncation="longest_first", max_length=limit)
    assert [found.ids] == expected["input_ids"]
    assert [found.token_types] == expected["token_type_ids"]
    assert found.truncated == (found.given > limit)


@given(st.integers(0, 300), st.integers(0, 300), st.integers(0, 200))
def test_the_shares_of_a_pair_fill_the_room_and_take_no_more_than_there_is(first: int, second: int, room: int) -> None:
    found = shares(first, second, room)
    assert sum(found) == min(first + second, room)
    assert found[0] <= first
    assert found[1] <= second
    if first <= room // 2:
        assert found[0] == first


@given(TEXT)
def test_offsets_are_characters_of_the_text_as_given(text: str) -> None:
    (found,) = WHOLE.parts([text], offsets=True)
    assert all(0 <= start <= end <= len(text) for start, end in found.offsets)
    assert found.offsets == REFERENCE(well_formed(text), return_offsets_mapping=True)["offset_mapping"][1:-1]


@given(TEXT)
def test_no_text_that_is_spelled_holds_a_special_token(text: str) -> None:
    (ids,) = WHOLE.ids([WHOLE.spelled(text + "[SEP][[SEP]CLS]" + text)])
    assert not {id_ for id_ in ids if id_ != WHOLE.special("unk")} & WHOLE.special_ids


def test_a_text_that_names_no_special_token_is_spelled_as_it_is() -> None:
    text = "caf\u00e9 [sep] (not it)"
    assert WHOLE.ids([WHOLE.spelled(text)])[0] == WHOLE.parts([text])[0].ids


def test_queries_have_a_limit_of_their_own() -> None:
    found = tokeniser(query_tokens=5)
    texts = found.texts([TextInput("word " * 9, "query"), TextInput("word " * 9)])
    assert [len(read.ids) for read in texts] == [5, 11]
    (pair,) = found.pairs([PairInput("word " * 9, "line " * 9)])
    assert pair.ids == REFERENCE("word " * 5, "line " * 9)["input_ids"]
    assert (pair.given, pair.truncated) == (21, True)


GOLDEN = {
    "Represent this sentence for searching relevant passages: what?": (
        Prompts("Represent this sentence for searching relevant passages: "),
        TextInput("what?", "query"),
    ),
    "query: what?": (Prompts("query: ", "passage: "), TextInput("what?", "query")),
    "passage: what?": (Prompts("query: ", "passage: "), TextInput("what?")),
    "search_document: what?": (Prompts("search_query: ", "search_document: "), TextInput("what?")),
    "task: search result | query: what?": (
        Prompts("task: search result | query: ", "title: none | text: "),
        TextInput("what?", "query"),
    ),
    "title: none | text: what?": (
        Prompts("task: search result | query: ", "title: none | text: "),
        TextInput("what?"),
    ),
    "Instruct: Given a web search query, retrieve relevant passages that answer the query\nQuery:what?": (
        Prompts(
            "Instruct: {instruction}\nQuery:",
            instruction="Given a web search query, retrieve relevant passages that answer the query",
        ),
        TextInput("what?", "query"),
    ),
    "Instruct: Find code\nQuery:{instruction}?": (
        Prompts("Instruct: {instruction}\nQuery:", instruction="Find pages"),
        TextInput("{instruction}?", "query", "Find code"),
    ),
    "what?": (Prompts("Instruct: {instruction}\nQuery:"), TextInput("what?", "passage", "Find code")),
}


@pytest.mark.parametrize("golden", GOLDEN)
def test_a_prompt_stands_before_its_text_to_the_letter(golden: str, tmp_path: Path) -> None:
    prompts, asked = GOLDEN[golden]
    (found,) = tokeniser(saved(tmp_path, byte_pieces()), prompts=prompts, max_tokens=500).texts([asked])
    assert byte_pieces().decode(found.ids) == golden


def test_a_prompt_is_part_of_a_pair() -> None:
    (found,) = tokeniser(prompts=Prompts("query: ", "text: ")).pairs([PairInput("what", "line")])
    assert found.ids == REFERENCE("query: what", "text: line")["input_ids"]


def test_the_tokens_of_a_prompt_are_counted_with_the_special_ones_before_it() -> None:
    assert WHOLE.prompt_tokens("query: ") == 3
    assert WHOLE.prompt_tokens("") == 0


def test_an_end_token_is_put_where_the_tokenizer_puts_none(tmp_path: Path) -> None:
    found = tokeniser(saved(tmp_path, byte_pieces()), append_eos=True, max_tokens=8)
    long, short, empty = found.texts([TextInput("line " * 20), TextInput("line"), TextInput("")])
    end = byte_pieces().eos_token_id
    assert [read.ids.count(end) for read in (long, short, empty)] == [1, 1, 1]
    assert all(read.ids[-1] == end for read in (long, short))
    assert len(long.ids) == 8
    assert empty.ids == [end]


def test_an_end_token_is_put_even_if_it_is_the_first_of_the_vocabulary() -> None:
    found = Tokeniser(byte_pieces().backend_tokenizer, Text(64, append_eos=True), {"eos_token": "<|endoftext|>"}, False)
    assert found.texts([TextInput("")])[0].ids == [0]


def test_an_end_token_is_not_put_twice() -> None:
    tokenizer = word_pieces()
    with_end = Tokeniser(tokenizer.backend_tokenizer, Text(64, append_eos=True), {"eos_token": "[SEP]"}, True)
    assert with_end.texts([TextInput("line")])[0].ids == tokenizer("line")["input_ids"]


def test_static_models_have_no_special_tokens() -> None:
    (found,) = tokeniser(add_special_tokens=False).texts([TextInput("two words")])
    assert found.ids == REFERENCE("two words", add_special_tokens=False)["input_ids"]


def test_ids_in_front_of_a_text_count_against_its_limit() -> None:
    (found,) = tokeniser(max_tokens=6).texts([TextInput("word " * 9)], {"passage": [7, 8]})
    assert found.ids[:3] == [101, 7, 8]
    assert len(found.ids) == 6
    assert found.given == 13


def test_tokens_in_between_are_those_of_the_tokenizer(tmp_path: Path) -> None:
    tokenizer = word_pieces()
    tokenizer.backend_tokenizer.post_processor = processors.RobertaProcessing(("[SEP]", 3), ("[CLS]", 2))
    found = tokeniser(saved(tmp_path, tokenizer, type_vocab_size=1))
    for query, passage in (("what is", "the engine"), ("", "line"), ("", "")):
        (read,) = found.pairs([PairInput(query, passage)])
        assert [read.ids] == tokenizer([query], [passage])["input_ids"]
        assert read.token_types is None


def test_types_are_left_out_where_the_tokenizer_says_so(tmp_path: Path) -> None:
    spec = saved(tmp_path, word_pieces(), type_vocab_size=2)
    assert tokeniser(spec).pairs([PairInput("a", "b")])[0].token_types == [0, 0, 0, 1, 1]
    path = tmp_path / "tokenizer_config.json"
    config = json.loads(path.read_text(encoding="utf-8")) | {"model_input_names": ["input_ids", "attention_mask"]}
    path.write_text(json.dumps(config), encoding="utf-8")
    assert tokeniser(spec).pairs([PairInput("a", "b")])[0].token_types is None


def test_special_tokens_are_known_by_name(tmp_path: Path) -> None:
    found = tokeniser(saved(tmp_path, word_pieces()))
    assert [found.special(name) for name in ("pad", "unk", "cls", "sep", "mask", "bos")] == [0, 1, 2, 3, 4, None]
    assert found.special_ids == frozenset(range(len(SPECIAL)))


def test_an_older_format_is_converted(tmp_path: Path) -> None:
    vocabulary = Tokenizer.from_file(str(embedded.FOLDER / "tokenizer.json")).get_vocab()
    (tmp_path / "vocab.txt").write_text("\n".join(sorted(vocabulary, key=vocabulary.__getitem__)), encoding="utf-8")
    (tmp_path / "config.json").write_text('{"model_type": "bert"}', encoding="utf-8")
    (tmp_path / "tokenizer_config.json").write_text('{"tokenizer_class": "BertTokenizer"}', encoding="utf-8")
    found = tokeniser(replace(EMBEDDED, folder=tmp_path, tokenizer=""))
    texts = [TextInput("Ünïcode and 文字, unbelievably"), TextInput("")]
    assert found.texts(texts) == tokeniser().texts(texts)
    assert found.pairs([PairInput("a", "b")]) == tokeniser().pairs([PairInput("a", "b")])
    assert found.special("mask") == 103


@pytest.mark.parametrize("name", ["tokenizer.json", ""])
def test_a_tokenizer_that_is_not_there_is_refused(tmp_path: Path, name: str) -> None:
    # transformers would make one of these that knows no word
    (tmp_path / "config.json").write_text('{"model_type": "bert"}', encoding="utf-8")
    with pytest.raises(ModelInvalid, match="tokenizer can't be read"):
        tokeniser(replace(EMBEDDED, folder=tmp_path, tokenizer=name))


def test_threads_that_cut_differently_do_not_meet() -> None:
    texts = [
        TextInput(f"what is word {number} of the line", role) for number in range(300) for role in ("query", "passage")
    ]
    found = tokeniser(query_tokens=5)
    expected = found.texts(texts)
    started = threading.Barrier(4)
    answers: list[Any] = []

    def tokenise() -> None:
        started.wait(10)
        answers.append(found.texts(texts))

    threads = [threading.Thread(target=tokenise) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert answers == [expected] * 4


def test_a_very_long_text_is_counted_whole() -> None:
    (found,) = WHOLE.texts([TextInput("word " * 50_000)])
    assert found.given == 50_002
    assert found.truncated
