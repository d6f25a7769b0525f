from __future__ import annotations

import math

import pytest

from tamis_evals.metrics.ranking import measured, ndcg, recall, reciprocal_rank, success


def test_a_perfect_ranking_has_an_ndcg_of_one() -> None:
    assert ndcg([4, 2, 9], {2, 4}, 10) == pytest.approx(1)


def test_ndcg_discounts_by_the_logarithm_of_the_rank() -> None:
    # hits at ranks 2 and 4 of two: (1/log2 3 + 1/log2 5) / (1/log2 2 + 1/log2 3)
    expected = (1 / math.log2(3) + 1 / math.log2(5)) / (1 + 1 / math.log2(3))
    assert ndcg([7, 1, 8, 2], {1, 2}, 10) == pytest.approx(expected)
    assert expected == pytest.approx(0.65092, abs=1e-5)


def test_the_best_order_is_cut_where_the_ranking_is() -> None:
    assert ndcg([1, 2], {1, 2, 3, 4}, 2) == pytest.approx(1)


def test_what_comes_after_the_cut_does_not_count() -> None:
    ranked = [*range(100, 110), 1]
    assert ndcg(ranked, {1}, 10) == 0
    assert recall(ranked, {1}, 10) == 0
    assert recall(ranked, {1}, 11) == 1


def test_recall_is_a_share_and_success_is_yes_or_no() -> None:
    assert recall([1, 5, 2], {1, 2, 3}, 3) == pytest.approx(2 / 3)
    assert success([1, 5, 2], {1, 2, 3}, 3) == 1
    assert success([5, 6], {1}, 3) == 0


def test_the_reciprocal_rank_is_that_of_the_first_hit() -> None:
    assert reciprocal_rank([9, 8, 3, 4], {3, 4}) == pytest.approx(1 / 3)
    assert reciprocal_rank([9, 8], {3}) == 0


def test_a_number_that_comes_twice_counts_once() -> None:
    assert recall([1, 1, 2], {1, 2}, 2) == 1
    assert ndcg([1, 1, 1], {1, 2}, 10) == pytest.approx(1 / (1 + 1 / math.log2(3)))


def test_with_nothing_relevant_nothing_is_defined() -> None:
    assert set(measured([1, 2], ()).values()) == {None}


def test_an_empty_ranking_finds_nothing() -> None:
    assert set(measured([], {1}).values()) == {0.0}


def test_pass_at_k_is_the_share_of_golden_chunks_found() -> None:
    found = measured([1, *range(10, 16), 2], {1, 2})
    assert found["pass_at_5"] == 0.5
    assert found["pass_at_10"] == 1
    assert found["success_at_10"] == 1
