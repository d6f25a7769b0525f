"""Known answers for intervals and tests."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tamis_evals import statistics


def test_independent_yes_and_no_get_wilsons_interval() -> None:
    # 8 of 10: centre (0.8 + z²/20) / (1 + z²/10) with z = 1.96, Wilson 1927
    found = statistics.mean([1] * 8 + [0] * 2, range(10))
    assert found is not None
    assert (found.value, found.n, found.clusters) == (0.8, 10, 10)
    assert (found.low, found.high) == pytest.approx((0.4902, 0.9433), abs=1e-4)


def test_an_undefined_value_is_left_out_and_not_taken_as_zero() -> None:
    found = statistics.mean([0.5, math.nan, 0.7], [0, 1, 2])
    assert found is not None
    assert (found.value, found.n) == (pytest.approx(0.6), 2)
    assert statistics.mean([math.nan], [0]) is None


def test_whole_clusters_are_drawn_so_copies_of_a_sample_add_no_certainty() -> None:
    values = np.random.default_rng(1).random(40)
    once = statistics.mean(values, np.arange(40))
    often = statistics.mean(np.repeat(values, 25), np.repeat(np.arange(40), 25))
    naive = statistics.mean(np.repeat(values, 25), np.arange(1000))
    assert once is not None
    assert often is not None
    assert naive is not None
    assert (often.low, often.high) == pytest.approx((once.low, once.high))
    assert naive.high - naive.low < (often.high - often.low) / 4


def test_the_bootstrap_agrees_with_the_standard_error_of_a_mean() -> None:
    values = np.random.default_rng(2).random(400)
    found = statistics.mean(values, np.arange(400))
    assert found is not None
    error = 1.96 * values.std() / 20
    assert found.high - found.value == pytest.approx(error, rel=0.05)
    assert found.value - found.low == pytest.approx(error, rel=0.05)


def test_the_same_call_gives_the_same_interval() -> None:
    values = np.random.default_rng(3).random(30)
    assert statistics.mean(values, np.arange(30)) == statistics.mean(values, np.arange(30))


def test_one_cluster_has_no_interval() -> None:
    found = statistics.mean([0.2, 0.4], ["a", "a"])
    assert found is not None
    assert found.value == pytest.approx(0.3)
    assert not found.bounded


def test_values_that_never_differ_do_not_claim_certainty() -> None:
    # no discordant pair among 20: an upper bound as of 0 of 20, z² / (20 + z²)
    found = statistics.difference([1.0] * 20, [1.0] * 20, range(20))
    assert found is not None
    assert (found.value, found.low, found.high) == pytest.approx((0.0, -0.1611, 0.1611), abs=1e-4)


def test_a_difference_is_paired() -> None:
    rng = np.random.default_rng(4)
    hard = rng.random(200)
    found = statistics.difference(hard * 0.9 + 0.1, hard * 0.9, range(200))
    assert found is not None
    assert (found.value, found.low, found.high) == pytest.approx((0.1, 0.0, 0.2), abs=0.11)
    assert found.high - found.low < 0.04


def test_a_pair_with_one_side_missing_is_left_out_on_both() -> None:
    found = statistics.difference([1.0, 0.5, math.nan], [0.5, math.nan, 0.0], range(3))
    assert found is not None
    assert (found.value, found.n) == (0.5, 1)


def test_a_ratio_without_a_denominator_is_not_defined() -> None:
    assert statistics.ratio([0.5, 0.5], [0.0, 0.0], range(2)) is None
    assert statistics.ratio([], [], []) is None


def test_mcnemar_is_a_binomial_test_of_the_discordant_pairs() -> None:
    # 9 won, 1 lost: 2 · (1 + 10) / 2^10
    first = [1] * 9 + [0] + [1] * 5
    second = [0] * 9 + [1] + [1] * 5
    assert statistics.mcnemar(first, second) == pytest.approx(22 / 1024)
    assert statistics.mcnemar([1, 0], [1, 0]) == 1.0
    assert statistics.p_value(first, second, range(15)) == pytest.approx(22 / 1024)


def test_sign_flips_of_few_clusters_are_counted_out() -> None:
    # five clusters, all better: only two of 32 patterns are as far from zero
    assert statistics.sign_flip([0.1, 0.2, 0.3, 0.1, 0.1], range(5)) == pytest.approx(2 / 32)
    # four samples, two clusters: two of four patterns
    assert statistics.sign_flip([0.1, 0.2, 0.3, 0.1], [0, 0, 1, 1]) == pytest.approx(2 / 4)


def test_sign_flips_of_many_clusters_are_never_certain() -> None:
    assert statistics.sign_flip([0.5] * 50, range(50)) == pytest.approx(1 / 10_001)
    assert statistics.sign_flip([0.5, -0.5] * 25, range(50)) == 1.0


def test_clustered_yes_and_no_are_not_given_to_mcnemar() -> None:
    first, second = [1.0] * 20, [0.0] * 20
    assert statistics.p_value(first, second, [0] * 10 + [1] * 10) == pytest.approx(0.5)


def test_holm_steps_down() -> None:
    # sorted 0.005 · 4, 0.01 · 3, 0.03 · 2, 0.04 · 1, each at least the one before
    assert statistics.holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert statistics.holm([0.6, 0.9]) == [1.0, 1.0]
    assert statistics.holm([]) == []


def test_the_interval_of_an_area_under_the_curve_holds_it() -> None:
    rng = np.random.default_rng(5)
    kinds = np.arange(300) % 2 == 0
    # normal scores one deviation apart: area Φ(1 / √2) = 0.760
    scores = rng.normal(kinds.astype(float), 1.0)
    low, high = statistics.auroc_interval(scores, kinds, np.arange(300))
    assert low < 0.76 < high
    assert high - low == pytest.approx(2 * 1.96 * 0.027, rel=0.15)


def test_ties_count_half_in_an_area_under_the_curve() -> None:
    assert statistics.auroc_interval([1.0] * 20, [True, False] * 10, range(20)) == (0.5, 0.5)
    assert all(math.isnan(bound) for bound in statistics.auroc_interval([], [], []))
