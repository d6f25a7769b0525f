from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tamis_engine.running.batching import fill

LANES = st.lists(st.lists(st.integers(1, 50), max_size=30), max_size=6)


def test_two_lanes_share_a_batch_equally() -> None:
    assert fill([[10] * 20, [10] * 20], 100) == [5, 5]


def test_what_a_short_lane_leaves_goes_to_the_others() -> None:
    assert fill([[10], [10] * 20], 100) == [1, 9]


def test_a_piece_larger_than_the_budget_runs_alone_when_its_lane_is_first() -> None:
    assert fill([[500, 1], [10] * 3], 100) == [1, 0]


@given(LANES, st.integers(1, 200))
def test_a_batch_stays_in_its_budget_unless_its_first_piece_alone_is_larger(
    lanes: list[list[int]], budget: int
) -> None:
    counts = fill(lanes, budget)
    taken = [sum(lane[:count]) for lane, count in zip(lanes, counts, strict=True)]
    assert sum(taken) <= budget or sum(counts) == 1


@given(LANES, st.integers(1, 200))
def test_the_first_lane_with_a_piece_gets_at_least_one_in(lanes: list[list[int]], budget: int) -> None:
    counts = fill(lanes, budget)
    first = next((number for number, lane in enumerate(lanes) if lane), None)
    assert first is None or counts[first] >= 1


@given(LANES, st.integers(1, 200))
def test_whoever_is_served_after_the_oldest_first_is_served_within_as_many_batches_as_there_are_lanes(
    lanes: list[list[int]], budget: int
) -> None:
    served = dict.fromkeys(range(len(lanes)), 0)
    left = [list(lane) for lane in lanes]
    for batch in range(1, len(lanes) + 1):
        order = sorted((number for number in served if left[number]), key=lambda number: served[number])
        for number, count in zip(order, fill([left[number] for number in order], budget), strict=True):
            served[number] = batch if count else served[number]
            del left[number][:count]
    assert all(served[number] for number, lane in enumerate(lanes) if lane)
