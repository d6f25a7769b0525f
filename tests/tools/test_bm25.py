"""BM25 by hand, and beside the library that everyone uses."""

from __future__ import annotations

import math

import bm25s
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis_tools import bm25

ROWS = st.lists(st.lists(st.integers(0, 3), min_size=1, max_size=8), min_size=1, max_size=8)


def test_the_score_of_one_term_by_hand() -> None:
    found = bm25.scores(bm25.counted([[1, 1, 0], [0], [0, 0]], 1))
    inverse = math.log(1 + (3 - 1 + 0.5) / 1.5)
    assert found[0] == pytest.approx(inverse * 2 / (2 + 0.9 * (0.6 + 0.4 * 3 / 2)))
    assert found[1:].tolist() == [0, 0]


@given(ROWS)
def test_scores_are_those_of_the_library(rows: list[list[int]]) -> None:
    index = bm25s.BM25(k1=bm25.K1, b=bm25.B, method="lucene")
    index.index((rows, {str(number): number for number in range(4)}), show_progress=False)
    np.testing.assert_allclose(bm25.scores(bm25.counted(rows, 3)), index.get_scores_from_ids([1, 2, 3]), rtol=1e-4)


@given(ROWS, st.integers(0, 3), st.integers(1, 3))
def test_a_window_counts_as_its_texts_written_one_after_the_other(rows: list[list[int]], reach: int, size: int) -> None:
    groups = np.arange(len(rows)) // size
    joined = [
        [word for other in range(at - reach, at + reach + 1) if 0 <= other < len(rows) and groups[other] == groups[at]
         for word in rows[other]]
        for at in range(len(rows))
    ]  # fmt: skip
    windowed = bm25.windows(bm25.counted(rows, 3), groups, reach)
    np.testing.assert_allclose(bm25.scores(windowed), bm25.scores(bm25.counted(joined, 3)))


def test_nothing_to_count_is_no_error() -> None:
    assert bm25.scores(bm25.counted([], 2)).shape == (0,)
    assert bm25.scores(bm25.counted([[0, 0]], 0)).tolist() == [0]
