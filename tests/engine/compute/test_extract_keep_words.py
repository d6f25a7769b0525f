"""LLMLingua-2: against its recipe, written out word by word on the plain network."""

import string
from collections.abc import Sequence

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tamis_engine.compute.extracting.keep_words import chunks
from tamis_engine.compute.extracting.operations import operation
from tamis_engine.errors import RequestInvalid
from tamis_engine.models.spec import KeepWords, Output
from tamis_engine.operation import LabelledInput, Operation
from tests.engine.compute.extracted import answer, no_span_leaves_the_passage
from tests.engine.compute.heads_on_disk import loaded, network_of, saved
from tests.engine.compute.vocabularies import MAKERS, tokeniser

STEPS = {"unigram": KeepWords(), "wordpiece": KeepWords(word_start="", continuation="##")}
NETWORKS = {
    "unigram": network_of("xlm-roberta", "token_classification", vocab_size=170, num_labels=2),
    "wordpiece": network_of("bert", "token_classification", vocab_size=170, num_labels=2),
}
TEXT = "Ada, founded in London. The company works-in Paris: who lives where is (of) interest. X e\u0301"
KINDS = pytest.mark.parametrize("kind", list(STEPS))


@pytest.fixture(scope="module")
def operations(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[int, Operation]]:
    found: dict[str, dict[int, Operation]] = {}
    for kind, step in STEPS.items():
        spec = saved(tmp_path_factory.mktemp(kind), NETWORKS[kind], "token_classification")
        backbone = loaded(spec)
        found[kind] = {size: operation(spec, Output((step,)), backbone, tokeniser(kind, size)) for size in (78, 22)}
    return found


def begins(kind: str, token: str) -> bool:
    return (
        not token.startswith("##") if kind == "wordpiece" else token.startswith("\u2581") or token in string.punctuation
    )


@torch.inference_mode()
def expected(kind: str, passage: str, share: float, room: int) -> list[tuple[int, int]]:
    """Characters of the words that are kept; one list of tokens after the other, as the reference goes."""
    tokenizer = MAKERS[kind]()
    read = tokenizer.encode(passage, add_special_tokens=False)
    kept: list[tuple[int, int]] = []
    first = 0
    while first < len(read):
        last = first + room
        if last < len(read):
            while read.tokens[last - 1] != "." and last > first + 1:
                last -= 1
            last = last if read.tokens[last - 1] == "." else first + room
        begin, end = tokenizer.encode("").ids
        ids = torch.tensor([[begin, *read.ids[first:last], end]])
        logits = NETWORKS[kind](input_ids=ids).logits[0, 1:-1]
        words: list[tuple[int, int, list[float]]] = []
        tokens, offsets = read.tokens[first:last], read.offsets[first:last]
        for token, (start, end), p in zip(tokens, offsets, logits.softmax(-1)[:, 1], strict=True):
            if not words or begins(kind, token):
                words.append((start, end, [float(p)]))
            else:
                words[-1] = (words[-1][0], end, [*words[-1][2], float(p)])
        means = [(start, end, float(np.mean(each)), len(each)) for start, end, each in words]
        least = np.percentile([p for *_, p, count in means for _ in range(count)], int(100 * (1 - share) + 1))
        kept += [(start, end) for start, end, p, _ in means if p > least]
        first = last
    return kept


@KINDS
@pytest.mark.parametrize("share", [0.2, 0.5, 0.9])
def test_the_words_that_are_kept_are_those_of_the_recipe(
    operations: dict[str, dict[int, Operation]], kind: str, share: float
) -> None:
    for size, passage in ((78, TEXT[:60]), (22, TEXT * 3)):
        (row,) = answer(operations[kind][size], LabelledInput(("",), passage, share=share))
        spans = sorted((int(start), int(end)) for _, start, end, _ in row.values)
        words = expected(kind, passage, share, size - 2)
        inside = [any(start <= at < end for start, end in spans) for at in range(len(passage))]
        wanted = [any(start <= at < end for start, end in words) for at in range(len(passage))]
        visible = [at for at, letter in enumerate(passage) if not letter.isspace() and letter != "\u0301"]
        assert [inside[at] for at in visible] == [wanted[at] for at in visible]
        assert 0 < sum(wanted) < len(passage)


@KINDS
def test_neighbouring_words_are_one_span_and_all_is_kept_where_all_was_asked_for(
    operations: dict[str, dict[int, Operation]], kind: str
) -> None:
    (row,) = answer(operations[kind][22], LabelledInput(("", "not read"), TEXT, share=1.0))
    assert row.values[:, :3].tolist() == [[0, 0, len(TEXT)]]
    (none,) = answer(operations[kind][22], LabelledInput((), TEXT, share=0.0))
    assert none.values.shape == (0, 4)


def test_the_default_share_is_the_models(operations: dict[str, dict[int, Operation]]) -> None:
    asked = [LabelledInput(("",), TEXT, share=share) for share in (None, STEPS["unigram"].share, 0.7)]
    default, same, more = answer(operations["unigram"][22], *asked)
    assert default.values.tolist() == same.values.tolist() != more.values.tolist()


def test_a_share_beyond_the_whole_is_refused(operations: dict[str, dict[int, Operation]]) -> None:
    with pytest.raises(RequestInvalid, match=r"1\.5"):
        operations["unigram"][22].tokenise([LabelledInput(("",), "a", share=1.5)])


@pytest.mark.parametrize(
    ("passage", "ends"), [("a b. c d. e f", [6, 8]), ("a b c d e f g h", [7, 8]), (". . . . . . . .", [7, 8])]
)
def test_chunks_end_with_the_last_full_stop_in_them(passage: str, ends: Sequence[int]) -> None:
    (read,) = tokeniser("wordpiece").parts([passage], offsets=True)
    assert [last for _, last in chunks(read, 7)] == ends


def test_white_space_alone_is_no_word(operations: dict[str, dict[int, Operation]]) -> None:
    no_span_leaves_the_passage(operations["unigram"][22], LabelledInput(("",), "\r:0", share=0.5))


@KINDS
@given(passage=st.text(max_size=150), share=st.floats(0, 1))
def test_every_span_is_words_of_the_passage(
    operations: dict[str, dict[int, Operation]], kind: str, passage: str, share: float
) -> None:
    no_span_leaves_the_passage(operations[kind][22], LabelledInput(("",), passage, share=share))
