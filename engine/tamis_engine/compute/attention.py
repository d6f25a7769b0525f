"""Attention over sequences laid end to end in one row: no padding, and no model code rewritten.

transformers hands every attention layer to the function registered under the model's attention name, with
the keyword arguments of the forward call. Under a name of our own no mask is built, so the bounds of the
sequences travel as `cu_seq_lens_q`, as they do for flash attention.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention
from transformers.modeling_utils import AttentionInterface, PreTrainedModel

NAME = "packed_varlen"


@dataclass(frozen=True, slots=True)
class Run:
    """`count` neighbouring sequences of equal `length`, from token `start` on: one call computes them all."""

    start: int
    count: int
    length: int


def use_packed_attention(model: PreTrainedModel) -> None:
    """Let `model` read packed rows; from here on its forward call needs `cu_seq_lens_q`."""
    AttentionInterface.register(NAME, packed_attention)
    model.set_attn_implementation(NAME)


def runs(bounds: list[int]) -> list[Run]:
    """Neighbours of equal length joined; `bounds` are cumulative lengths, from 0 to the number of tokens."""
    joined: list[Run] = []
    for start, end in pairwise(bounds):
        if joined and joined[-1].length == end - start:
            joined[-1] = replace(joined[-1], count=joined[-1].count + 1)
        else:
            joined.append(Run(start, 1, end - start))
    return joined


def packed_attention(  # noqa: PLR0913 -- the signature is transformers'
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    *,
    cu_seq_lens_q: Tensor | None = None,
    scaling: float | None = None,
    **options: object,
) -> tuple[Tensor, None]:
    """Full attention within each sequence: (1, heads, tokens, width) in, (1, tokens, heads, width) out.

    Tokens past the last bound belong to no sequence and come out as zeros. Refuses what it would otherwise get
    silently wrong: no bounds, a mask, causal or windowed attention.
    """
    if cu_seq_lens_q is None:
        raise ValueError("packed attention needs cu_seq_lens_q: the bounds of the sequences in the row")
    if attention_mask is not None or getattr(module, "is_causal", False) or options.get("sliding_window"):
        raise ValueError("packed attention is neither masked, causal nor windowed")
    mixed = torch.zeros_like(query[0].transpose(0, 1))
    for run in runs(cu_seq_lens_q.tolist()):
        start, end = run.start, run.start + run.count * run.length
        q, k, v = (
            part[0, :, start:end].unflatten(1, (run.count, run.length)).transpose(0, 1) for part in (query, key, value)
        )
        attended = scaled_dot_product_attention(q, k, v, scale=scaling)
        mixed[start:end] = attended.transpose(1, 2).flatten(0, 1)
    return mixed.unsqueeze(0), None
