"""Extractive question answering: against every span of a window, tried one by one on transformers' own network."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tamis_engine.compute.extracting.answer_span import ANSWER_TOKENS, best_span
from tamis_engine.compute.extracting.operations import operation
from tamis_engine.compute.extracting.units import trimmed
from tamis_engine.models.spec import AnswerSpan, Output, Spec
from tamis_engine.operation import LabelledInput, Operation
from tests.engine.compute.extracted import answer, no_span_leaves_the_passage
from tests.engine.compute.heads_on_disk import loaded, network_of, saved
from tests.engine.compute.vocabularies import MAKERS, tokeniser

NETWORKS = {
    "unigram": network_of("roberta", "question_answering", vocab_size=170),
    "wordpiece": network_of("bert", "question_answering", vocab_size=170),
}
KINDS = pytest.mark.parametrize("kind", list(NETWORKS))
TEXT = "Ada lives in London [SEP] the company works. </s> Paris, the city"


@pytest.fixture(scope="module")
def specs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Spec]:
    return {
        kind: saved(tmp_path_factory.mktemp(kind), network, "question_answering") for kind, network in NETWORKS.items()
    }


def reader(specs: dict[str, Spec], kind: str, max_tokens: int = 78) -> Operation:
    spec = specs[kind]
    return operation(spec, Output((AnswerSpan(stride=6),)), loaded(spec), tokeniser(kind, max_tokens))


@pytest.fixture(scope="module")
def whole(specs: dict[str, Spec]) -> dict[str, Operation]:
    return {kind: reader(specs, kind) for kind in specs}


@torch.inference_mode()
def expected(kind: str, question: str, passage: str) -> tuple[int, int, float, float]:
    """Start and end of the best answer to be had, its probability, and that of no answer."""
    read = MAKERS[kind]().encode(question, passage)
    types = {"token_type_ids": torch.tensor([read.type_ids])} if kind == "wordpiece" else {}
    output = NETWORKS[kind](input_ids=torch.tensor([read.ids]), **types)
    allowed = [0, *(at for at, part in enumerate(read.sequence_ids) if part == 1)]
    starts, ends = (logits[0, allowed].softmax(0) for logits in (output.start_logits, output.end_logits))
    spans = [
        (float(starts[first] * ends[last]), first, last)
        for first in range(1, len(allowed))
        for last in range(first, min(first + ANSWER_TOKENS, len(allowed)))
    ]
    likely, first, last = max(spans)
    none = float(starts[0] * ends[0])
    return read.offsets[allowed[first]][0], read.offsets[allowed[last]][1], likely, none


@KINDS
@pytest.mark.parametrize("question", ["who works", "where is paris?", "x", "[SEP] is city"])
def test_the_answer_is_the_likeliest_span_unless_none_is_likelier(
    whole: dict[str, Operation], kind: str, question: str
) -> None:
    start, end, likely, none = expected(kind, question, TEXT)
    (row,) = answer(whole[kind], LabelledInput(("who", question), TEXT))
    found = row.values[row.values[:, 0] == 1].tolist()
    start, end = trimmed(TEXT, start, end)
    assert found == ([pytest.approx([1, start, end, likely], abs=1e-5)] if likely > none else [])


def test_no_answer_is_an_answer() -> None:
    logits = np.zeros((8, 2), np.float32)
    assert best_span(logits, slice(3, 7)).tolist() == pytest.approx([0, 0, 0.04, 0.04])
    logits[5:7] = [[2.0, 0], [0, 2.0]]
    first, last, likely, none = best_span(logits, slice(3, 7)).tolist()
    assert (first, last) == (2, 3)
    assert likely > none
    logits[0] = 5
    first, last, likely, none = best_span(logits, slice(3, 7)).tolist()
    assert likely < none


def test_an_answer_never_ends_before_it_starts_nor_is_longer_than_answers_are() -> None:
    logits = np.zeros((60, 2), np.float32)
    logits[40, 0] = logits[20, 1] = 9
    first, last, *_ = best_span(logits, slice(10, 60)).tolist()
    assert 0 <= last - first < ANSWER_TOKENS
    logits = np.zeros((60, 2), np.float32)
    logits[12, 0] = logits[59, 1] = 9
    first, last, *_ = best_span(logits, slice(10, 60)).tolist()
    assert 0 <= last - first < ANSWER_TOKENS


@KINDS
def test_who_asks_for_a_threshold_is_given_what_reaches_it_likelier_than_no_answer_or_not(
    whole: dict[str, Operation], kind: str
) -> None:
    def found(threshold: float | None) -> int:
        asked = LabelledInput(("who",), TEXT, threshold=threshold)
        (tokenised,) = whole[kind].tokenise([asked])
        first_token_is_answer = np.array([0, 0, 0.25, 0.75], np.float32)
        return len(whole[kind].join(asked, tokenised, [first_token_is_answer]).values)

    assert [found(threshold) for threshold in (None, 0.0, 0.25, 0.3)] == [0, 1, 1, 0]


@KINDS
def test_a_long_passage_is_read_in_windows_that_share_the_stride(specs: dict[str, Spec], kind: str) -> None:
    narrow = reader(specs, kind, 26)
    passage = "ada works. paris is the city where who lives. london founded company of person x! " * 3
    (tokenised,) = narrow.tokenise([LabelledInput(("who works",), passage)])
    read = [(piece.notes.first, piece.notes.last) for piece in tokenised.pieces]
    assert all(later[0] == earlier[1] - 6 for earlier, later in pairwise(read))
    assert read[-1][1] == len(MAKERS[kind]().encode(passage, add_special_tokens=False))
    assert not tokenised.truncated
    (row,) = answer(narrow, LabelledInput(("who works",), passage))
    spans = sorted(tuple(found[1:3]) for found in row.values.tolist())
    assert all(earlier[1] <= later[0] for earlier, later in pairwise(spans))


@KINDS
@given(passage=st.text(max_size=150), question=st.text(max_size=20))
def test_every_answer_is_words_of_the_passage(
    whole: dict[str, Operation], kind: str, passage: str, question: str
) -> None:
    no_span_leaves_the_passage(whole[kind], LabelledInput((question,), passage))
