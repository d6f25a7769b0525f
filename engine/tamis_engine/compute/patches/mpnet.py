"""MPNet: BERT with a bias by distance, which all layers share."""

from __future__ import annotations

from typing import Any

from torch import Tensor
from transformers.models.mpnet.modeling_mpnet import MPNetEncoder, MPNetSelfAttention

from tamis_engine.compute.attention import Rule, attend, layout_being_read


class PackedMPNetSelfAttention(MPNetSelfAttention):
    """Within each sequence of the row."""

    def forward(
        self,
        hidden_states: Tensor,
        attention_mask: Any = None,  # noqa: ARG002 -- given by place
        position_bias: Tensor | None = None,
        output_attentions: bool = False,  # noqa: ARG002
        **_: Any,
    ) -> tuple[Tensor]:
        """(1, tokens, width) in and out."""
        query, key, value = (
            part(hidden_states).unflatten(-1, (self.num_attention_heads, -1)).transpose(1, 2)
            for part in (self.q, self.k, self.v)
        )
        rule = Rule(bias=None if position_bias is None else position_bias[0])
        return (self.o(attend(query, key, value, layout_being_read(), rule).flatten(1).unsqueeze(0)),)


class PackedMPNetEncoder(MPNetEncoder):
    """Distances alone count, so the bias of a sequence is the corner of the longest one's."""

    def compute_position_bias(self, x: Tensor, *args: Any, **options: Any) -> Tensor:
        """(1, heads, longest, longest)."""
        return super().compute_position_bias(x.new_empty(1, layout_being_read().longest), *args, **options)


CLASSES = {MPNetSelfAttention: PackedMPNetSelfAttention, MPNetEncoder: PackedMPNetEncoder}
