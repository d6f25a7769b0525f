import pytest
import torch
from torch import Tensor, nn

from tamis_engine.compute.attention import Rule, attend, packed_attention, reading
from tamis_engine.compute.packing import Layout, Run, filled_up, row_of, row_with_shared_prefixes
from tamis_engine.operation import Piece


def some_heads(tokens: int, heads: int = 2) -> Tensor:
    return torch.randn(1, heads, tokens, 4)


def ask(tokens: int, mask: Tensor | None = None, **options: object) -> Tensor:
    row = some_heads(tokens)
    return packed_attention(nn.Identity(), row, row, row, mask, **options)[0]  # pyright: ignore


def test_a_forward_call_without_bounds_is_refused() -> None:
    with pytest.raises(ValueError, match="bounds"):
        ask(5)


def test_a_mask_is_refused_rather_than_ignored() -> None:
    with reading(Layout.of_lengths([5])), pytest.raises(ValueError, match="no mask"):
        ask(5, torch.ones(1, 1, 5, 5))


def test_options_of_other_kinds_of_attention_are_refused_rather_than_ignored() -> None:
    with reading(Layout.of_lengths([5])), pytest.raises(ValueError, match="softcap"):
        ask(5, softcap=30.0)


def test_another_row_than_the_one_described_is_refused() -> None:
    with reading(Layout.of_lengths([5, 2])), pytest.raises(ValueError, match="one row"):
        ask(5)


def test_bounds_end_with_their_forward_call() -> None:
    with reading(Layout.of_lengths([5])):
        ask(5)
    with pytest.raises(ValueError, match="bounds"):
        ask(5)


def test_filler_comes_out_as_zeros() -> None:
    with reading(Layout.of_lengths([3, 2])):
        mixed = ask(16)
    assert mixed.shape == (1, 16, 2, 4)
    assert mixed[0, :5].abs().min() > 0
    assert not mixed[0, 5:].any()


@pytest.mark.parametrize("causal", [True, False])
@pytest.mark.parametrize("window", [None, 1, 9, 300, 2000])
def test_a_window_reads_what_is_nearer_than_it_is_wide(causal: bool, window: int | None) -> None:
    torch.manual_seed(1)
    tokens = 900
    query, key, value = some_heads(tokens, 4), some_heads(tokens), some_heads(tokens)
    ahead = torch.arange(tokens).unsqueeze(1) - torch.arange(tokens)
    read = (ahead >= (0 if causal else -tokens)) & (ahead.abs() < (window or tokens))
    scores = (query @ key.repeat_interleave(2, 1).transpose(2, 3) / 3).masked_fill(~read, -torch.inf)
    expected = (scores.softmax(-1) @ value.repeat_interleave(2, 1))[0].transpose(0, 1)
    mixed = attend(query, key, value, Layout.of_lengths([tokens]), Rule(causal, window, 1 / 3))
    assert (mixed - expected).abs().max() < 1e-5


def test_neighbours_of_equal_length_share_a_run() -> None:
    assert Layout.of_lengths([3, 3, 4, 3]).runs == (Run(0, 2, 3), Run(6, 1, 4), Run(10, 1, 3))


def test_neighbours_with_other_unread_tokens_do_not() -> None:
    row = row_of([Piece([1, 2, 3]), Piece([1, 2, 3], unread=1), Piece([4, 5, 6], unread=1)])
    assert row.layout.runs == (Run(0, 1, 3), Run(3, 2, 3, 1))


def test_a_prefix_that_several_pieces_share_is_laid_down_once() -> None:
    row = row_with_shared_prefixes(
        [Piece([7, 8, 1], shared=2), Piece([7, 8, 2], shared=2), Piece([9, 8, 3], shared=2), Piece([5])]
    )
    assert row.ids == [7, 8, 1, 2, 9, 8, 3, 5]
    assert row.positions == [0, 1, 2, 2, 0, 1, 2, 0]
    assert row.lasts == [2, 3, 6, 7]
    assert row.layout.runs == (Run(0, 1, 2), Run(2, 2, 1, 0, 0, 2), Run(4, 1, 3), Run(7, 1, 1))
    assert row.layout.longest == 3


def test_rows_come_in_few_lengths_and_little_is_filled_up() -> None:
    lengths = [filled_up(tokens) for tokens in range(1, 2049)]
    assert len(set(lengths)) == 30
    assert all(0 <= length - tokens < max(16, tokens / 2) for tokens, length in enumerate(lengths, start=1))
