"""Zero-shot classification: against transformers' own network, one pair at a time."""

from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tamis_engine.compute.extracting.operations import operation
from tamis_engine.models.spec import Entailment, Output, Spec
from tamis_engine.operation import LabelledInput, Operation
from tests.engine.compute.extracted import answer
from tests.engine.compute.heads_on_disk import loaded, network_of, saved
from tests.engine.compute.vocabularies import tokeniser, wordpiece

STEP = Entailment(entailment=2, contradiction=0, template="this is of {}.", threshold=0.0)
NETWORK = network_of("bert", "sequence_classification", vocab_size=170, num_labels=3)
LABELS = ("a person", "the city", "work")
TEXT = "Ada lives in London [SEP] Paris."


@pytest.fixture(scope="module")
def spec(tmp_path_factory: pytest.TempPathFactory) -> Spec:
    return saved(tmp_path_factory.mktemp("nli"), NETWORK, "sequence_classification")


def classifier(spec: Spec, max_tokens: int = 78, step: Entailment = STEP) -> Operation:
    return operation(spec, Output((step,)), loaded(spec), tokeniser("wordpiece", max_tokens))


@pytest.fixture(scope="module")
def whole(spec: Spec) -> Operation:
    return classifier(spec)


@torch.inference_mode()
def logits(label: str, passage: str) -> torch.Tensor:
    read = wordpiece().encode(passage, f"this is of {label}.")
    return NETWORK(input_ids=torch.tensor([read.ids]), token_type_ids=torch.tensor([read.type_ids])).logits[0]


def test_a_passage_is_of_a_label_as_entailment_outweighs_contradiction(whole: Operation) -> None:
    (row,) = answer(whole, LabelledInput(LABELS, TEXT))
    expected = [float(logits(label, TEXT)[[0, 2]].softmax(0)[1]) for label in LABELS]
    assert row.values == pytest.approx(
        torch.tensor([[at, 0, len(TEXT), p] for at, p in enumerate(expected)]).numpy(), abs=1e-5
    )


def test_without_contradiction_the_logit_alone_counts(spec: Spec) -> None:
    (row,) = answer(classifier(spec, step=replace(STEP, contradiction=None)), LabelledInput(LABELS, TEXT))
    assert row.values[:, 3].tolist() == pytest.approx([float(logits(label, TEXT)[2].sigmoid()) for label in LABELS])


def test_only_what_reaches_the_threshold_is_found(whole: Operation) -> None:
    (everything,) = answer(whole, LabelledInput(LABELS, TEXT))
    middle = sorted(everything.values[:, 3].tolist())[1]
    (row,) = answer(whole, LabelledInput(LABELS, TEXT, threshold=middle))
    assert len(row.values) == 2


def test_a_long_passage_entails_what_any_of_its_windows_does(spec: Spec) -> None:
    narrow = classifier(spec, 24)
    passage = "ada works. paris is the city where who lives. london founded company of person x! " * 2
    asked = LabelledInput(LABELS[:1], passage)
    (tokenised,) = narrow.tokenise([asked])
    read = wordpiece().encode(passage, add_special_tokens=False)
    windows = [
        passage[read.offsets[at.first][0] : read.offsets[at.last - 1][1]]
        for at in (piece.notes for piece in tokenised.pieces)
    ]
    assert len(windows) > 2
    assert tokenised.pieces[-1].notes.last == len(read)
    assert not tokenised.truncated
    (row,) = answer(narrow, asked)
    best = max(float(logits(LABELS[0], window)[[0, 2]].softmax(0)[1]) for window in windows)
    assert row.values[0, 3] == pytest.approx(best, abs=1e-5)


@given(st.text(max_size=150), st.lists(st.text(max_size=9), max_size=3))
def test_what_is_found_is_the_passage(whole: Operation, passage: str, labels: list[str]) -> None:
    (row,) = answer(whole, LabelledInput(tuple(labels), passage))
    assert {tuple(found[1:3]) for found in row.values.tolist()} <= {(0, len(passage))}
    assert len(row.values) in (0, len(labels))
