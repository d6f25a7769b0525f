"""Requests as inputs, rows as answers."""

from __future__ import annotations

import numpy as np
import pytest

from tamis_engine.calibration import CALIBRATION
from tamis_engine.errors import RequestInvalid
from tamis_engine.operation import LabelledInput, PairInput, Row, TextInput
from tamis_engine.protocol import EncodeRequest, EncodeResult, ExtractRequest, ExtractResult, ScoreRequest, ScoreResult
from tamis_engine.running.plans import cost, plan
from tests.engine.fake_models import spec


def row(*values: float, tokens: int = 3, truncated: bool = False) -> Row:
    return Row(np.array(values, np.float32), tokens, truncated)


def test_a_model_with_vectors_scores_by_their_calibrated_cosine() -> None:
    made = plan(ScoreRequest("q", ("p", "r")), spec())
    assert made.inputs == (TextInput("q", "query"), TextInput("p"), TextInput("r"))
    result = made.finish([row(1, 0), row(1, 0), row(0, 1, truncated=True)])
    assert isinstance(result, ScoreResult)
    assert result.scores == pytest.approx(CALIBRATION.probability(np.array([1, 0], np.float32)))
    assert (result.truncated, result.calibrated) == ((False, True), True)


def test_a_model_with_a_head_for_pairs_scores_by_it() -> None:
    made = plan(ScoreRequest("q", ("p",), instruction="i"), spec(abilities=("dense", "score")))
    assert (made.operation, made.inputs) == ("score", (PairInput("q", "p", "i"),))


def test_late_interaction_is_the_mean_of_the_best_cosine_of_each_query_token() -> None:
    uncalibrated = spec(abilities=("multivector",))
    made = plan(ScoreRequest("q", ("p",)), uncalibrated)
    query = Row(np.eye(2, 3, dtype=np.float32), 2, False)
    passage = Row(np.array([[1, 0, 0], [0, 0, 1]], np.float32), 2, False)
    result = made.finish([query, passage])
    assert isinstance(result, ScoreResult)
    expected = float(CALIBRATION.probability(np.array(0.5, np.float32)))
    assert result.scores == pytest.approx([expected])


def test_sparse_vectors_score_by_the_entries_that_they_share() -> None:
    made = plan(ScoreRequest("q", ("p", "r")), spec(abilities=("sparse",)))
    query = Row(np.array([[3, 2.0], [7, 1.0]], np.float32), 2, False)
    shares = Row(np.array([[1, 9.0], [7, 3.0]], np.float32), 2, False)
    result = made.finish([query, shares, Row(np.empty((0, 2), np.float32), 2, False)])
    assert isinstance(result, ScoreResult)
    assert result.scores.tolist() == [0.75, 0]


def test_every_label_gets_whole_passages_best_first_from_a_model_with_vectors() -> None:
    made = plan(ExtractRequest(("b?", "a?"), ("apple", "berry")), spec())
    result = made.finish([row(0, 1), row(1, 0), row(1, 0), row(0, 1)])
    assert isinstance(result, ExtractResult)
    assert [(one.label, one.passage, one.start, one.end) for one in result.extractions] == [
        ("b?", 1, 0, 5),
        ("b?", 0, 0, 5),
        ("a?", 0, 0, 5),
        ("a?", 1, 0, 5),
    ]


def test_extractions_of_a_head_come_best_first_within_a_label() -> None:
    made = plan(ExtractRequest(("x", "y"), ("one", "two"), threshold=0.3), spec(abilities=("extract",)))
    assert made.inputs[0] == LabelledInput(("x", "y"), "one", 0.3, None)
    rows = [
        Row(np.array([[1, 0, 2, 0.5], [0, 0, 3, 0.4]], np.float32), 3, False),
        Row(np.array([[0, 1, 2, 0.9]], np.float32), 3, True),
    ]
    result = made.finish(rows)
    assert isinstance(result, ExtractResult)
    assert [(one.label, one.passage, round(one.score, 1)) for one in result.extractions] == [
        ("x", 1, 0.9),
        ("x", 0, 0.4),
        ("y", 0, 0.5),
    ]
    assert result.truncated == (False, True)


def test_shortened_vectors_have_length_1_again() -> None:
    result = plan(EncodeRequest(("a",), dimensions=2), spec()).finish([row(3, 4, 5, 6)])
    assert isinstance(result, EncodeResult)
    assert result.vectors.tolist() == [[pytest.approx(0.6), pytest.approx(0.8)]]


def test_ragged_kinds_say_how_many_rows_each_text_has() -> None:
    rows = [Row(np.ones((2, 2), np.float32), 2, False), Row(np.ones((1, 2), np.float32), 1, False)]
    result = plan(EncodeRequest(("a b", "c"), kind="sparse"), spec(abilities=("sparse",))).finish(rows)
    assert isinstance(result, EncodeResult)
    assert (result.vectors.shape, result.rows, result.kind) == ((3, 2), (2, 1), "sparse")


@pytest.mark.parametrize(
    ("request_", "reason"),
    [
        (EncodeRequest(("a",), kind="sparse"), "has no sparse vectors. What it does: dense"),
        (EncodeRequest(("a",), dimensions=385), "has 384"),
        (EncodeRequest(("a",), dimensions=-1), "dimensions=-1"),
    ],
)
def test_what_the_model_can_not_do_is_refused_with_what_it_does(request_: EncodeRequest, reason: str) -> None:
    with pytest.raises(RequestInvalid, match=reason):
        plan(request_, spec())


def test_a_model_that_only_extracts_judges_nothing() -> None:
    with pytest.raises(RequestInvalid, match="can't judge"):
        plan(ScoreRequest("q", ("p",)), spec(abilities=("extract",)))


def test_the_query_costs_once_for_each_passage() -> None:
    assert cost(ScoreRequest("q" * 400, ("p" * 400,) * 10)) == 2020
