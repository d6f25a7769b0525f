"""DeBERTa v2 and v3: scores of content with content, content with distance, distance with content."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention
from transformers.models.deberta_v2.modeling_deberta_v2 import (
    DebertaV2Encoder,
    DisentangledSelfAttention,
    make_log_bucket_position,
)

from tamis_engine.compute.attention import keys_of, layout_being_read, of_run


class PackedDebertaV2Encoder(DebertaV2Encoder):
    """Leaves masks and distances, which would be as wide as the row, to the layers."""

    def get_attention_mask(self, attention_mask: Tensor) -> Tensor:
        """Of no use: the bounds say what is read."""
        return attention_mask

    def get_rel_pos(self, *_: Any, **__: Any) -> Tensor | None:
        """Buckets of the distances in the longest sequence, (longest, longest), counted from 0."""
        if not self.relative_attention:
            return None
        device = self.rel_embeddings.weight.device
        places = torch.arange(layout_being_read().longest, device=device)
        distances = places.unsqueeze(1) - places
        if self.position_buckets > 0 and self.max_relative_positions > 0:
            distances = make_log_bucket_position(distances, self.position_buckets, self.max_relative_positions)
        span = self.rel_embeddings.num_embeddings // 2
        return (distances.long() + span).clamp(0, 2 * span - 1)


class PackedDisentangledSelfAttention(DisentangledSelfAttention):
    """Within each sequence of the row, through torch's fused attention with the distances' scores as its bias."""

    def forward(
        self,
        hidden_states: Tensor,
        attention_mask: Any = None,  # noqa: ARG002 -- given by place
        *_: Any,
        relative_pos: Tensor | None = None,
        rel_embeddings: Tensor | None = None,
        **__: Any,
    ) -> tuple[Tensor, None]:
        """(1, tokens, width) in and out."""
        query, key, value = (
            self._heads(part(hidden_states)) for part in (self.query_proj, self.key_proj, self.value_proj)
        )
        scale = (self.attention_head_size * (1 + len({"c2p", "p2c"} & set(self.pos_att_type)))) ** -0.5
        mixed = torch.zeros_like(query[0].transpose(0, 1))
        near = _Distances(self, relative_pos, rel_embeddings) if relative_pos is not None else None
        for run in layout_being_read().runs:
            q, k, v = of_run(query, run), keys_of(key, run), keys_of(value, run)
            bias = near.scores(q, k) * scale if near else None
            states = scaled_dot_product_attention(q, k, v, attn_mask=bias, scale=scale)
            mixed[run.start : run.end] = states.transpose(1, 2).flatten(0, 1)
        return mixed.flatten(1).unsqueeze(0), None

    def _heads(self, states: Tensor) -> Tensor:
        return states.unflatten(-1, (self.num_attention_heads, -1)).transpose(1, 2)

    def position_keys(self, embeddings: Tensor) -> Tensor | None:
        """(1, heads, distances, width) that queries are compared with."""
        if "c2p" not in self.pos_att_type:
            return None
        return self._heads((self.key_proj if self.share_att_key else self.pos_key_proj)(embeddings).unsqueeze(0))

    def position_queries(self, embeddings: Tensor) -> Tensor | None:
        """(1, heads, distances, width) that keys are compared with."""
        if "p2c" not in self.pos_att_type:
            return None
        return self._heads((self.query_proj if self.share_att_key else self.pos_query_proj)(embeddings).unsqueeze(0))


class _Distances:
    """The distances that occur in this row, projected once for all of its sequences."""

    def __init__(self, layer: PackedDisentangledSelfAttention, buckets: Tensor, embeddings: Tensor | None) -> None:
        assert embeddings is not None
        # Row 0 looks ahead, column 0 back: the outermost buckets. A short query needs a few of the hundreds there are.
        first, last = int(buckets[0, -1]), int(buckets[-1, 0])
        near = embeddings[first : last + 1]
        self._buckets = buckets - first
        self._keys, self._queries = layer.position_keys(near), layer.position_queries(near)

    def scores(self, q: Tensor, k: Tensor) -> Tensor:
        """(sequences, heads, queries, keys), unscaled."""
        buckets = self._buckets[: q.shape[2], : k.shape[2]]
        found = q.new_zeros(())
        if self._keys is not None:
            found = found + _picked(q @ self._keys.transpose(-1, -2), buckets)
        if self._queries is not None:
            found = found + _picked(k @ self._queries.transpose(-1, -2), buckets.transpose(0, 1)).transpose(-1, -2)
        return found.expand(*q.shape[:3], k.shape[2])


def _picked(scores: Tensor, buckets: Tensor) -> Tensor:
    return scores.gather(-1, buckets.expand(*scores.shape[:2], -1, -1))


CLASSES = {DisentangledSelfAttention: PackedDisentangledSelfAttention, DebertaV2Encoder: PackedDebertaV2Encoder}
