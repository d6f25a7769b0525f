"""Attention over sequences laid end to end in one row: no padding, and no model code rewritten.

transformers hands every attention layer to the function registered under the model's attention name. Under a name of
our own no mask is built. Where the sequences lie is known from the context (`reading`): not every model passes its
keyword arguments on.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention
from transformers.modeling_utils import AttentionInterface, PreTrainedModel

from tamis_engine.compute import varlen
from tamis_engine.compute.packing import Layout, Run

NAME = "packed_varlen"

BLOCK = 256
"""Queries that share one call where a window leaves most keys of a long sequence unread."""

_layout: ContextVar[Layout | None] = ContextVar("layout", default=None)


@dataclass(frozen=True, slots=True)
class Rule:
    """Which keys a query reads, and how: those nearer than `window` and, where `causal`, not behind it."""

    causal: bool = False
    window: int | None = None
    scale: float | None = None
    bias: Tensor | None = None
    """(heads, longest, longest), added to the scores."""


@contextmanager
def reading(layout: Layout) -> Generator[None]:
    """The row of the forward call inside."""
    token = _layout.set(layout)
    try:
        yield
    finally:
        _layout.reset(token)


def layout_being_read() -> Layout:
    """Of the row of this forward call."""
    layout = _layout.get()
    if layout is None:
        raise ValueError("packed attention outside `reading`: the bounds of the sequences in the row are not known")
    return layout


def use_packed_attention(model: PreTrainedModel) -> None:
    """Let `model` read packed rows; from here on its forward call needs `reading` around it."""
    AttentionInterface.register(NAME, packed_attention)
    model.set_attn_implementation(NAME)


def packed_attention(  # noqa: PLR0913 -- the signature is transformers'
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    *,
    scaling: float | None = None,
    sliding_window: int | None = None,
    position_bias: Tensor | None = None,
    is_causal: bool | None = None,
    **options: object,
) -> tuple[Tensor, None]:
    """Attention within each sequence: (1, heads, tokens, width) in, (1, tokens, heads, width) out.

    Filler comes out as zeros. Refuses what it would otherwise get silently wrong: no bounds, a mask, options of other
    kinds of attention, keys of another row.
    """
    layout = layout_being_read()
    if attention_mask is not None:
        raise ValueError("packed attention takes no mask: the bounds say what is read")
    unknown = [name for name in ("softcap", "s_aux", "score_mod") if options.get(name) is not None]
    if unknown:
        raise ValueError(f"packed attention knows nothing of {', '.join(unknown)}")
    if query.shape[0] != 1 or key.shape[2] != query.shape[2] or query.shape[2] < layout.tokens:
        raise ValueError("packed attention reads one row, all of it at once")
    causal = bool(getattr(module, "is_causal", False)) if is_causal is None else is_causal
    rule = Rule(causal, sliding_window, scaling, None if position_bias is None else position_bias[0])
    return attend(query, key, value, layout, rule).unsqueeze(0), None


def attend(query: Tensor, key: Tensor, value: Tensor, layout: Layout, rule: Rule) -> Tensor:
    """(1, heads, tokens, width) in, (tokens, heads, width) out."""
    if rule.bias is None and varlen.is_possible(query):
        return varlen.attend(query, key, value, layout, varlen.Window(rule.causal, rule.window, rule.scale))
    mixed = torch.zeros_like(query[0].transpose(0, 1))
    for run in layout.runs:
        q, k, v = of_run(query, run), keys_of(key, run), keys_of(value, run)
        for part, states in _blocks(q, k, v, run, rule):
            mixed[run.start : run.end].unflatten(0, (run.count, run.length))[:, part] = states.transpose(1, 2)
    return mixed


def of_run(row: Tensor, run: Run) -> Tensor:
    """(1, heads, tokens, width) of the row to (sequences, heads, tokens, width) of the run."""
    return row[0, :, run.start : run.end].unflatten(1, (run.count, run.length)).transpose(0, 1)


def keys_of(row: Tensor, run: Run) -> Tensor:
    """What the run's sequences read: the prefix, then their own tokens."""
    own = of_run(row, run)[:, :, : run.length - run.unread]
    if not run.prefix_length:
        return own
    prefix = row[:, :, run.prefix_start : run.prefix_start + run.prefix_length]
    return torch.cat((prefix.expand(run.count, -1, -1, -1), own), dim=2)


def _blocks(q: Tensor, k: Tensor, v: Tensor, run: Run, rule: Rule) -> Iterator[tuple[slice, Tensor]]:
    """Queries in blocks where a window is much narrower than the sequence, else all at once."""
    keys = k.shape[2]
    step = run.length if rule.window is None or keys <= 2 * (BLOCK + rule.window) else BLOCK
    for start in range(0, run.length, step):
        stop = min(start + step, run.length)
        place, first, last = run.prefix_length + start, 0, keys
        if step < run.length and rule.window:
            first = max(0, place - rule.window + 1)
            last = min(keys, run.prefix_length + stop + (0 if rule.causal else rule.window - 1))
        mask = _mask(range(place, run.prefix_length + stop), range(first, last), rule, q)
        top_left = rule.causal and mask is None
        yield (
            slice(start, stop),
            scaled_dot_product_attention(
                q[:, :, start:stop],
                k[:, :, first:last],
                v[:, :, first:last],
                attn_mask=mask,
                is_causal=top_left,
                scale=rule.scale,
                enable_gqa=q.shape[1] != k.shape[1],
            ),
        )


def _mask(places: range, read: range, rule: Rule, like: Tensor) -> Tensor | None:
    """None where all is read, or all that is not ahead in a square."""
    narrow = rule.window is not None and max(places.stop - read.start, read.stop - places.start) > rule.window
    if rule.bias is not None:
        if rule.causal or narrow:
            raise ValueError("packed attention with a bias is neither causal nor windowed")
        return rule.bias[:, places.start : places.stop, read.start : read.stop].to(like.dtype)
    if not narrow and (not rule.causal or places == read):
        return None
    ahead = torch.arange(places.start, places.stop, device=like.device).unsqueeze(1) - torch.arange(
        read.start, read.stop, device=like.device
    )
    allowed = ahead >= 0 if rule.causal else torch.ones_like(ahead, dtype=torch.bool)
    return allowed & (ahead.abs() < rule.window) if rule.window is not None else allowed
