"""Provence: against the plain network, one sequence at a time."""

from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tamis_engine.compute.extracting.operations import operation
from tamis_engine.compute.extracting.units import sentences
from tamis_engine.errors import ModelInvalid
from tamis_engine.models.spec import KeepTokens, Output, Spec
from tamis_engine.operation import LabelledInput, Operation, PairInput
from tests.engine.compute.extracted import answer, no_span_leaves_the_passage
from tests.engine.compute.heads_on_disk import loaded, network_of, noise, saved
from tests.engine.compute.vocabularies import tokeniser, wordpiece

STEP = KeepTokens("model.safetensors", "pruning_head.classifier", "before_final_norm", threshold=0.0)
NETWORK = network_of("modernbert", "sequence_classification", vocab_size=170, num_labels=1)
HEAD = {"weight": noise("pruning", (2, 32)), "bias": noise("bias", (2,))}
TEXT = "Ada lives in London. She works! Paris, founded long ago,\nis a city. Who works where?\n\nX: [SEP] it is."
SENTENCES = [
    "Ada lives in London.",
    "She works!",
    "Paris, founded long ago,",
    "is a city.",
    "Who works where?",
    "X: [SEP] it is.",
]


@pytest.fixture(scope="module")
def spec(tmp_path_factory: pytest.TempPathFactory) -> Spec:
    tensors = {f"pruning_head.classifier.{name}": tensor for name, tensor in HEAD.items()}
    return saved(tmp_path_factory.mktemp("provence"), NETWORK, "sequence_classification", "ranking_model.", **tensors)


def pruner(spec: Spec, max_tokens: int = 128) -> Operation:
    return operation(spec, Output((STEP,)), loaded(spec), tokeniser("wordpiece", max_tokens, typed=False))


@pytest.fixture(scope="module")
def whole(spec: Spec) -> Operation:
    return pruner(spec)


@torch.inference_mode()
def expected(question: str, passage: str) -> list[float]:
    """The mean over each sentence of `passage`, read in one piece."""
    read = wordpiece().encode(question, passage)
    inner: list[torch.Tensor] = []
    hook = NETWORK.model.final_norm.register_forward_pre_hook(lambda _, given: inner.append(given[0]))
    NETWORK(input_ids=torch.tensor([read.ids]))
    hook.remove()
    keep = (inner[0][0] @ HEAD["weight"].T + HEAD["bias"]).softmax(-1)[:, 1].tolist()
    tokens = [(*span, keep[at]) for at, span in enumerate(read.offsets) if read.sequence_ids[at] == 1]
    inside = [[p for start, end, p in tokens if unit.start <= start and end <= unit.end] for unit in sentences(passage)]
    return [sum(each) / len(each) for each in inside]


def test_a_sentence_is_as_likely_as_the_mean_of_its_tokens(whole: Operation) -> None:
    labels = ("who works?", "where")
    (row,) = answer(whole, LabelledInput(labels, TEXT))
    for at, label in enumerate(labels):
        found = sorted(row.values[row.values[:, 0] == at].tolist(), key=lambda each: each[1])
        assert [TEXT[int(start) : int(end)] for _, start, end, _ in found] == [
            each if "Paris" not in each else "Paris, founded long ago,\nis a city."
            for each in SENTENCES
            if each != "is a city."
        ]
        assert [each[3] for each in found] == pytest.approx(expected(label, TEXT), abs=1e-5)
    assert row.values[:, 3].std() > 0.02


def test_only_what_reaches_the_threshold_is_found(whole: Operation) -> None:
    means = expected("where", TEXT)
    middle = sorted(means)[3]
    (row,) = answer(whole, LabelledInput(("where",), TEXT, threshold=middle - 1e-4))
    assert sorted(row.values[:, 3].tolist()) == pytest.approx(sorted(means)[3:], abs=1e-5)


def test_a_long_passage_is_read_in_blocks_of_whole_sentences(spec: Spec) -> None:
    narrow = pruner(spec, 64)
    passage = " ".join(["Ada lives in London.", "The city is the company.", "Who works in Paris?"] * 9)
    (tokenised,) = narrow.tokenise([LabelledInput(("where",), passage)])
    assert len(tokenised.pieces) > 1
    assert all(len(piece.ids) <= 64 for piece in tokenised.pieces)
    assert not tokenised.truncated
    (row,) = answer(narrow, LabelledInput(("where",), passage))
    found = sorted(row.values.tolist(), key=lambda each: each[1])
    means: list[float] = []
    while len(means) < 27:
        first = int(found[len(means)][1])
        fits = [end for _, _, end, _ in found if len(wordpiece().encode("where", passage[first : int(end)])) <= 64]
        means += expected("where", passage[first : int(max(fits))])
    assert [each[3] for each in found] == pytest.approx(means, abs=1e-5)


def test_a_sentence_longer_than_a_block_is_read_to_its_end(spec: Spec) -> None:
    (tokenised,) = pruner(spec, 32).tokenise([LabelledInput(("where",), "ada " * 100)])
    assert [piece.notes.last - piece.notes.first for piece in tokenised.pieces] == [28, 28, 28, 16]
    (row,) = answer(pruner(spec, 32), LabelledInput(("where",), "ada " * 100))
    assert row.values[:, 1:3].tolist() == [[0, 399]]


def test_a_question_longer_than_half_of_what_is_read_is_cut_and_said_so(spec: Spec) -> None:
    (row,) = answer(pruner(spec, 32), LabelledInput(("ada " * 40,), "Ada lives."))
    assert row.truncated
    assert row.tokens == 40 + 3


def test_the_pair_is_the_one_that_is_scored(whole: Operation) -> None:
    (tokenised,) = whole.tokenise([LabelledInput(("who works",), "Ada. She works.")])
    (pair,) = tokeniser("wordpiece", 128).pairs([PairInput("who works", "Ada. She works.")])
    assert [list(piece.ids) for piece in tokenised.pieces] == [list(pair.ids)]


def test_an_empty_passage_has_nothing_to_keep(whole: Operation) -> None:
    for row in answer(whole, *(LabelledInput(("where",), passage) for passage in ("", " \n ", "\u200d"))):
        assert row.values.shape == (0, 4)


def test_a_head_that_is_not_there_is_refused(spec: Spec) -> None:
    with pytest.raises(ModelInvalid, match=r"other\.weight"):
        operation(spec, Output((replace(STEP, tensor="other"),)), loaded(spec), tokeniser("wordpiece"))


@given(st.text(max_size=200), st.text(max_size=20))
def test_every_span_is_a_sentence_of_the_passage(whole: Operation, passage: str, label: str) -> None:
    no_span_leaves_the_passage(whole, LabelledInput((label,), passage))
