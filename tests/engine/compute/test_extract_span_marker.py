"""GLiNER: against figures that its own package gave for the same checkpoint."""

from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tamis_engine.compute.extracting.operations import operation
from tamis_engine.compute.extracting.span_marker import WORD
from tamis_engine.errors import ModelInvalid
from tamis_engine.models.spec import Output, SpanMarker, Spec
from tamis_engine.operation import LabelledInput, Operation
from tests.engine.compute.extracted import answer, no_span_leaves_the_passage
from tests.engine.compute.heads_on_disk import loaded, network_of, noise, saved
from tests.engine.compute.vocabularies import tokeniser, wordpiece

PREFIX = "token_rep_layer.bert_layer.model."
WIDTH, MAX_WIDTH = 24, 4
TEXT = "Ada lives in London. Paris-based company X, founded 1852!"
LABELS = ("person", "city", "company name")


def head() -> dict[str, torch.Tensor]:
    """Of GLiNER's package, by its own names."""
    shapes: dict[str, tuple[int, ...]] = {"token_rep_layer.projection": (WIDTH, 32)}
    for part, wide in (("project_start", WIDTH), ("project_end", WIDTH), ("out_project", 2 * WIDTH)):
        shapes[f"span_rep_layer.span_rep_layer.{part}.0"] = (4 * WIDTH, wide)
        shapes[f"span_rep_layer.span_rep_layer.{part}.3"] = (WIDTH, 4 * WIDTH)
    shapes["prompt_rep_layer.0"], shapes["prompt_rep_layer.3"] = (4 * WIDTH, WIDTH), (WIDTH, 4 * WIDTH)
    named = {f"{name}.weight": shape for name, shape in shapes.items()}
    named |= {f"{name}.bias": shape[:1] for name, shape in shapes.items()}
    for way in ("", "_reverse"):
        named[f"rnn.lstm.weight_ih_l0{way}"] = 2 * WIDTH, WIDTH
        named[f"rnn.lstm.weight_hh_l0{way}"] = 2 * WIDTH, WIDTH // 2
        named[f"rnn.lstm.bias_ih_l0{way}"] = named[f"rnn.lstm.bias_hh_l0{way}"] = (2 * WIDTH,)
    return {name: noise(name, shape) for name, shape in named.items()}


@pytest.fixture(scope="module")
def spec(tmp_path_factory: pytest.TempPathFactory) -> Spec:
    network = network_of("deberta-v2", vocab_size=170, num_hidden_layers=2)
    return saved(tmp_path_factory.mktemp("gliner"), network, "none", PREFIX, **head())


def marker(spec: Spec, max_tokens: int = 64) -> Operation:
    step = SpanMarker(max_width=MAX_WIDTH, hidden=WIDTH)
    return operation(spec, Output((step,)), loaded(spec), tokeniser("wordpiece", max_tokens, typed=False))


@pytest.fixture(scope="module")
def whole(spec: Spec) -> Operation:
    return marker(spec)


def test_what_is_found_is_what_gliner_finds(whole: Operation) -> None:
    golden = [
        [0, 0, 3, 1.0],
        [2, 4, 12, 0.999999],
        [2, 13, 19, 0.999977],
        [1, 19, 20, 0.999803],
        [2, 21, 32, 0.337048],
        [0, 33, 43, 1.0],
        [2, 44, 51, 0.997336],
        [2, 52, 56, 0.925157],
        [2, 56, 57, 0.991076],
    ]
    (row,) = answer(whole, LabelledInput(LABELS, TEXT, threshold=0.2))
    assert sorted(row.values.tolist(), key=lambda found: found[1]) == [
        pytest.approx(found, abs=2e-5) for found in golden
    ]
    assert not row.truncated
    (row,) = answer(whole, LabelledInput(LABELS, TEXT))
    assert len(row.values) == len(golden) - 1


def test_passages_that_share_a_pass_are_told_apart(whole: Operation) -> None:
    asked = [LabelledInput(LABELS, TEXT), LabelledInput(("a", "b"), "who works"), LabelledInput(("city",), "")]
    together = answer(whole, *asked)
    for row, each in zip(together, asked, strict=True):
        (alone,) = answer(whole, each)
        assert alone.values == pytest.approx(row.values, abs=1e-5)
    assert together[1].values.tolist() == [pytest.approx([0, 0, 3, 1.0]), pytest.approx([0, 4, 9, 0.999999])]
    assert together[2].values.shape == (0, 4)


def test_a_long_passage_is_read_to_its_end_in_windows_that_share_a_span(spec: Spec) -> None:
    narrow = marker(spec, 20)
    asked = LabelledInput(("person",), " ".join([TEXT] * 5), threshold=0.0)
    (tokenised,) = narrow.tokenise([asked])
    read = [(piece.notes.word, piece.notes.word + len(piece.notes.words)) for piece in tokenised.pieces]
    assert read[0][0] == 0
    assert read[-1][1] == len(WORD.findall(asked.passage))
    assert all(later[0] <= max(earlier[1] - MAX_WIDTH + 1, earlier[0] + 1) for earlier, later in pairwise(read))
    assert all(len(piece.ids) <= 20 for piece in tokenised.pieces)
    assert not tokenised.truncated
    (row,) = answer(narrow, asked)
    assert row.values[:, 2].max() == len(asked.passage)


def test_many_labels_are_asked_for_in_groups_under_their_own_index(spec: Spec) -> None:
    narrow = marker(spec, 16)
    labels = ("person", "city", "company", "who", "founded")
    (tokenised,) = narrow.tokenise([LabelledInput(labels, "Ada lives")])
    firsts = [piece.notes.label for piece in tokenised.pieces]
    assert firsts == sorted(set(firsts))
    assert len(firsts) > 1
    (row,) = answer(narrow, LabelledInput(labels, "Ada lives", threshold=0.0))
    (last,) = answer(narrow, LabelledInput(labels[firsts[-1] :], "Ada lives", threshold=0.0))
    assert {*(last.values[:, 0] + firsts[-1])} & {*row.values[:, 0]}


def test_marks_written_in_a_passage_or_a_label_are_text(whole: Operation) -> None:
    asked = LabelledInput(("<<ENT>> <<SEP>> [SEP]", "city"), "<<ENT>> Ada <<SEP>> [SEP] [CLS]", threshold=0.0)
    (tokenised,) = whole.tokenise([asked])
    (piece,) = tokenised.pieces
    mark = wordpiece().token_to_id("<<ENT>>")
    assert [piece.ids[at] for at in piece.notes.marks] == [mark, mark]
    assert len(piece.notes.words) == len(WORD.findall(asked.passage))
    (row,) = answer(whole, asked)
    assert set(row.values[:, 0]) <= {0, 1}


def test_a_word_or_label_longer_than_the_model_reads_is_cut_and_said_so(spec: Spec) -> None:
    narrow = marker(spec, 20)
    for asked in (LabelledInput(("city",), "z" * 50), LabelledInput(("z" * 50,), "Ada")):
        (row,) = answer(narrow, asked)
        assert row.truncated
        assert row.tokens > 50


def test_foreign_weights_and_a_foreign_tokenizer_are_refused(spec: Spec) -> None:
    backbone, tokens = loaded(spec), tokeniser("wordpiece")
    for step in (SpanMarker(MAX_WIDTH, hidden=16), SpanMarker(MAX_WIDTH, hidden=WIDTH, entity_mark="<<LABEL>>")):
        with pytest.raises(ModelInvalid):
            operation(spec, Output((step,)), backbone, tokens)
    with pytest.raises(ModelInvalid, match="extract"):
        operation(spec, Output(()), backbone, tokens)


@given(st.text(max_size=120), st.lists(st.text(max_size=8), min_size=1, max_size=3))
def test_every_span_is_words_of_the_passage(whole: Operation, passage: str, labels: list[str]) -> None:
    no_span_leaves_the_passage(whole, LabelledInput(tuple(labels), passage, threshold=0.0))
