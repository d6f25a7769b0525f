from __future__ import annotations

import pytest

from tamis_evals.metrics.abstention import auroc


def test_scores_that_separate_have_an_area_of_one() -> None:
    assert auroc([0.9, 0.8], [0.1, 0.2, 0.3]) == 1
    assert auroc([0.1], [0.9]) == 0


def test_the_area_is_the_share_of_pairs_in_the_right_order() -> None:
    # of 6 pairs 0.8 wins 3 and 0.3 wins 1 of 0.1, 0.5, 0.6
    assert auroc([0.8, 0.3], [0.1, 0.5, 0.6]) == pytest.approx(4 / 6)


def test_ties_count_half() -> None:
    assert auroc([0.5], [0.5]) == 0.5
    assert auroc([1.0, 0.5], [0.5, 0.5]) == pytest.approx(3 / 4)


def test_one_class_alone_has_no_area() -> None:
    assert auroc([], [0.2]) is None
    assert auroc([0.2], []) is None
