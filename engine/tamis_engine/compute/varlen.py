"""Packed attention in one kernel, where there is one: CUDA, half precision, no bias."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate, chain

import torch
from torch import Tensor

from tamis_engine.compute.packing import Layout, Run

try:
    from torch.nn.attention.varlen import varlen_attn
except ImportError:  # torch before 2.10
    varlen_attn = None


@dataclass(frozen=True, slots=True)
class Window:
    """Which keys a query reads; see `attention.Rule`."""

    causal: bool
    width: int | None
    scale: float | None

    @property
    def sides(self) -> tuple[int, int]:
        """Keys before and behind the query; -1 is all."""
        side = -1 if self.width is None else self.width - 1
        return side, 0 if self.causal else side


def is_possible(query: Tensor) -> bool:
    """The kernel is for processors from Ampere on."""
    return (
        query.is_cuda
        and varlen_attn is not None
        and query.dtype in (torch.float16, torch.bfloat16)
        and query.shape[-1] <= 256
        and torch.cuda.get_device_capability(query.device) >= (8, 0)
    )


def attend(query: Tensor, key: Tensor, value: Tensor, layout: Layout, window: Window) -> Tensor:
    """(1, heads, tokens, width) in, (tokens, heads, width) out."""
    assert varlen_attn is not None
    bounds = _bounds(layout, query.device)
    q, k, v = (part[0].transpose(0, 1) for part in (query, key, value))
    if bounds.read is not None:
        k, v = k.index_select(0, bounds.read), v.index_select(0, bounds.read)
    mixed = varlen_attn(
        q[: layout.tokens],
        k[: bounds.keys],
        v[: bounds.keys],
        bounds.queries_at,
        bounds.keys_at,
        max(run.length for run in layout.runs),
        layout.longest,
        scale=window.scale,
        window_size=window.sides,
        enable_gqa=q.shape[1] != k.shape[1],
    )
    assert isinstance(mixed, Tensor)
    return mixed


@dataclass(frozen=True, slots=True)
class Bounds:
    """Cumulative lengths; `read` gathers the keys where they are not simply the row."""

    queries_at: Tensor
    keys_at: Tensor
    keys: int
    read: Tensor | None


@lru_cache(maxsize=1)
def _bounds(layout: Layout, device: torch.device) -> Bounds:
    """Made once a row, for all of its layers: the device would wait for each copy."""
    sequences = [(run, run.start + at * run.length) for run in layout.runs for at in range(run.count)]
    queries = list(accumulate((run.length for run, _ in sequences), initial=0))
    keys = list(accumulate((run.prefix_length + run.length - run.unread for run, _ in sequences), initial=0))
    read = None
    if any(run.unread or run.prefix_length for run in layout.runs):
        read = torch.tensor(list(chain.from_iterable(_read(run, start) for run, start in sequences)), device=device)
    return Bounds(
        torch.tensor(queries, dtype=torch.int32, device=device),
        torch.tensor(keys, dtype=torch.int32, device=device),
        keys[-1],
        read,
    )


def _read(run: Run, start: int) -> chain[int]:
    prefix = range(run.prefix_start, run.prefix_start + run.prefix_length)
    return chain(prefix, range(start, start + run.length - run.unread))
