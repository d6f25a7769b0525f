import torch

from tamis_engine.compute import varlen
from tamis_engine.compute.packing import Layout, row_of, row_with_shared_prefixes
from tamis_engine.operation import Piece

CPU = torch.device("cpu")


def bounds(layout: Layout) -> tuple[list[int], list[int], list[int] | None]:
    found = varlen._bounds(layout, CPU)
    return found.queries_at.tolist(), found.keys_at.tolist(), None if found.read is None else found.read.tolist()


def test_keys_are_the_row_where_each_sequence_reads_itself() -> None:
    assert bounds(Layout.of_lengths([3, 3, 2])) == ([0, 3, 6, 8], [0, 3, 6, 8], None)


def test_keys_of_a_shared_prefix_are_gathered_for_each_ending() -> None:
    row = row_with_shared_prefixes([Piece([7, 8, 1], shared=2), Piece([7, 8, 2, 3], shared=2)])
    assert bounds(row.layout) == ([0, 2, 3, 5], [0, 2, 5, 9], [0, 1, 0, 1, 2, 0, 1, 3, 4])


def test_unread_tokens_are_no_keys() -> None:
    row = row_of([Piece([1, 2, 3], unread=1), Piece([4, 5])])
    assert bounds(row.layout) == ([0, 3, 5], [0, 2, 4], [0, 1, 3, 4])


def test_a_window_is_told_by_its_sides() -> None:
    assert varlen.Window(causal=False, width=None, scale=None).sides == (-1, -1)
    assert varlen.Window(causal=True, width=None, scale=None).sides == (-1, 0)
    assert varlen.Window(causal=False, width=9, scale=None).sides == (8, 8)
    assert varlen.Window(causal=True, width=9, scale=None).sides == (8, 0)


def test_the_kernel_is_not_asked_on_a_cpu() -> None:
    assert not varlen.is_possible(torch.zeros(1, 2, 3, 4, dtype=torch.bfloat16))
