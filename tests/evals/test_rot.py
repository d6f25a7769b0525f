"""Known answers for what is lost to length."""

from __future__ import annotations

import numpy as np
import pytest

from tamis_evals.metrics import rot


def test_the_slope_of_a_logistic_curve_is_its_fall_a_doubling() -> None:
    lengths = np.array([1_000, 4_000, 16_000, 64_000])
    odds = 2.0 - 0.5 * np.log2(lengths / 1_000)
    shares = 1 / (1 + np.exp(-odds))
    found = rot.slope(lengths, shares * 200, np.full(4, 200))
    # from σ(2) = 0.8808 to σ(−1) = 0.2689 in six doublings
    assert float(found) == pytest.approx(100 * (0.26894 - 0.88080) / 6, abs=1e-3)


def test_unequal_counts_weigh_in() -> None:
    # two lengths: the curve goes through both, whatever their weight
    assert float(rot.slope([1_000, 2_000], [80, 5], [100, 10])) == pytest.approx(-30.0)


def test_flat_scores_have_no_slope() -> None:
    assert float(rot.slope([1_000, 8_000], [30, 30], [30, 30])) == 0.0
    assert float(rot.slope([1_000, 8_000], [0, 0], [30, 30])) == 0.0


def test_where_length_separates_the_scores_the_line_is_taken() -> None:
    # all right, then all wrong: from 1 to 0 in two doublings
    assert float(rot.slope([1_000, 4_000], [50, 0], [50, 50])) == pytest.approx(-50.0)


def test_one_length_has_no_slope() -> None:
    assert np.isnan(rot.slope([1_000], [5], [10]))
    assert np.isnan(rot.slope([1_000, 2_000], [5, 0], [10, 0]))


def test_many_fits_at_once_are_those_of_each() -> None:
    rng = np.random.default_rng(1)
    lengths, counts = [1_000, 4_000, 16_000], np.full((50, 3), 40.0)
    sums = rng.uniform(2, 38, (50, 3))
    together = rot.slope(lengths, sums, counts)
    alone = [float(rot.slope(lengths, row, [40.0] * 3)) for row in sums]
    assert together == pytest.approx(alone, abs=1e-6)


def test_effective_length_is_the_longest_that_keeps_85_percent() -> None:
    # 85 % of 80 is 68
    assert rot.effective_length({1_000: 0.8, 4_000: 0.7, 16_000: 0.68, 64_000: 0.5}) == 16_000
    assert rot.effective_length({64_000: 0.9, 1_000: 0.8}) == 64_000
    assert rot.effective_length({1_000: 0.0, 4_000: 0.0}) is None
    assert rot.effective_length({}) is None


def test_rot_recovery_is_a_ratio_of_gaps() -> None:
    # full 40, focused 90, arm 80: 40 of 50 points
    full, focused, arm = ([1] * part + [0] * (100 - part) for part in (40, 90, 80))
    found = rot.recovery(arm, full, focused, range(100))
    assert found is not None
    assert found.value == pytest.approx(0.8)
    assert 0.6 < found.low < 0.8 < found.high < 0.95


def test_rot_recovery_is_undefined_where_little_was_lost() -> None:
    full, focused = [1] * 60 + [0] * 40, [1] * 64 + [0] * 36
    assert rot.recovery(focused, full, focused, range(100)) is None
    assert rot.recovery(focused, full, [1] * 65 + [0] * 35, range(100)) is not None


def test_rot_recovery_has_no_interval_where_the_gap_may_be_none() -> None:
    full, focused = [1, 0, 1, 0, 1, 0, 0, 0], [0, 1, 1, 0, 1, 1, 0, 0]
    found = rot.recovery(focused, full, focused, range(8))
    assert found is not None
    assert found.value == pytest.approx(1.0)
    assert not found.bounded
