"""T5: a bias by distance, made for the longest sequence rather than for the row."""

from __future__ import annotations

from typing import Any

from torch import Tensor
from transformers.models.t5.modeling_t5 import T5Attention

from tamis_engine.compute.attention import layout_being_read


class PackedT5Attention(T5Attention):
    """Distances alone count, so the bias of a sequence is the corner of the longest one's."""

    def compute_bias(self, *_: Any, device: Any = None, **__: Any) -> Tensor:
        """(1, heads, longest, longest)."""
        longest = layout_being_read().longest
        return super().compute_bias(longest, longest, device=device)


CLASSES = {T5Attention: PackedT5Attention}
