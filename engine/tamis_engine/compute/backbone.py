"""The network of a model in memory: pieces of tokens in, states or logits out."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal, cast

import torch
from torch import Tensor, nn
from torch.nn.functional import linear
from transformers.configuration_utils import PreTrainedConfig
from transformers.modeling_outputs import BaseModelOutputWithPast, BaseModelOutputWithPooling
from transformers.modeling_utils import PreTrainedModel
from transformers.utils.generic import ModelOutput

from tamis_engine.compute import padding
from tamis_engine.compute.architectures import pack, position_offset, reads_ahead
from tamis_engine.compute.attention import reading
from tamis_engine.compute.networks import load_network
from tamis_engine.compute.packing import Packed, Row, filled_up, row_of, row_with_shared_prefixes
from tamis_engine.compute.tensors import tensors_of
from tamis_engine.models.spec import Spec
from tamis_engine.operation import Piece

__all__ = ["Backbone", "Layer", "Packed", "load_backbone", "tensors_of"]

Layer = Literal["last", "before_final_norm"] | int
"""Which states: behind the last layer and its norm, before that norm, or an index into hidden_states."""

FINAL_NORMS = ("final_norm", "norm", "encoder.final_layer_norm")
"""What the architectures that end in a norm call it; the others end with their last layer."""


@dataclass(frozen=True, slots=True)
class Read:
    """What a network made of a batch. `flat` takes (rows, tokens, width) to (tokens, width), all pieces end to end."""

    output: Any
    flat: Callable[[Tensor], Tensor]


class Backbone:
    """A network and the way in which it reads many pieces at once. Not safe to call from two threads."""

    def __init__(self, model: PreTrainedModel) -> None:
        self._model = model.eval().requires_grad_(False)
        self._shares = not reads_ahead(model)
        self._takes = frozenset(inspect.signature(self._base.forward).parameters)
        # GPT-2 would take types, and read them as tokens.
        self._has_types = "token_type_ids" in self._takes and getattr(model.config, "type_vocab_size", 0) > 1
        self._offset = position_offset(model)
        self.mode = pack(model)
        self.config: PreTrainedConfig = model.config
        self.width = int(self.config.hidden_size)

    @property
    def device(self) -> torch.device:
        """Where it computes."""
        return self._model.device

    @property
    def dtype(self) -> torch.dtype:
        """What it computes with."""
        return self._model.dtype

    @property
    def network(self) -> nn.Module:
        """All that it holds on its device, for who parks it."""
        return self._model

    @property
    def footprint_bytes(self) -> int:
        """Of weights and buffers, each counted once."""
        return sum(tensor.nbytes for tensor in (*self._model.parameters(), *self._model.buffers()))

    def to(self, device: torch.device) -> None:
        """Move all weights."""
        cast("nn.Module", self._model).to(device)

    @torch.inference_mode()
    def states(self, pieces: Sequence[Piece], layers: Sequence[Layer] = ("last",)) -> tuple[Packed, ...]:
        """The hidden states of every token, for each of `layers`."""
        with self._before_final_norm("before_final_norm" in layers) as before:
            read = self._read(self._base, pieces, output_hidden_states=any(isinstance(layer, int) for layer in layers))
        last = read.output.last_hidden_state
        named = {"last": last, "before_final_norm": before[0] if before else last}
        lengths = _lengths(pieces)
        return tuple(
            Packed(read.flat(read.output.hidden_states[layer] if isinstance(layer, int) else named[layer]), lengths)
            for layer in layers
        )

    @torch.inference_mode()
    def token_logits(self, pieces: Sequence[Piece]) -> Packed:
        """Logits of every token: (tokens, labels); of question answering: start and end."""
        read = self._read(self._model, pieces)
        output = read.output
        logits = output.logits if "logits" in output else torch.stack((output.start_logits, output.end_logits), dim=-1)
        return Packed(read.flat(logits), _lengths(pieces))

    @torch.inference_mode()
    def class_logits(self, pieces: Sequence[Piece]) -> Tensor:
        """Logits of every piece: (pieces, labels), float32."""
        if self.config.pad_token_id is None:
            # Such heads find a piece's end by the padding behind it: without any, one at a time.
            return torch.cat([self._class_logits([piece]) for piece in pieces])
        return self._class_logits(pieces)

    @torch.inference_mode()
    def last_logits(self, pieces: Sequence[Piece], token_ids: Sequence[int]) -> Tensor:
        """Of `token_ids`, at each piece's last token: (pieces, len(token_ids)), float32."""
        head = _linear_head(self._model)
        if self.mode == "padded" or head is None:
            return self._last_logits_padded(pieces, token_ids)
        row = row_with_shared_prefixes(pieces) if self._shares else row_of(pieces)
        states = self._read_row(self._base, row).last_hidden_state[0, row.lasts]
        wanted = list(token_ids)
        bias = cast("Tensor | None", head.bias)
        return linear(states.float(), head.weight[wanted].float(), None if bias is None else bias[wanted].float())

    @property
    def _base(self) -> PreTrainedModel:
        return cast("PreTrainedModel", self._model.base_model)

    def _read(self, model: PreTrainedModel, pieces: Sequence[Piece], **options: Any) -> Read:
        if self.mode == "padded":
            present = padding.present(pieces, self.device)
            return Read(self._read_padded(model, pieces, **options), lambda states: states[present])
        row = row_of(pieces)
        return Read(self._read_row(model, row, **options), lambda states: states[0, : row.layout.tokens])

    def _read_row(self, model: PreTrainedModel, row: Row, **options: Any) -> Any:
        if self.device.type == "cpu":
            row = row.filled(filled_up(len(row.ids)))
        inputs = {"input_ids": self._row(row.ids)}
        if "position_ids" in self._takes:
            inputs["position_ids"] = self._row(row.positions) + self._offset
        if self._has_types:
            inputs["token_type_ids"] = self._row(row.token_types)
        with reading(row.layout):
            return model(**inputs, **self._uncached(), **options)

    def _read_padded(self, model: PreTrainedModel, pieces: Sequence[Piece], **options: Any) -> Any:
        inputs = {
            "input_ids": padding.padded_ids(pieces, self.config.pad_token_id or 0, self.device),
            "attention_mask": padding.attended(pieces, self.device),
        }
        if self._has_types:
            inputs["token_type_ids"] = padding.padded_types(pieces, self.device)
        return model(**inputs, **self._uncached(), **options)

    def _uncached(self) -> dict[str, bool]:
        return {"use_cache": False} if "use_cache" in self._takes else {}

    def _row(self, values: list[int]) -> Tensor:
        return torch.tensor([values], device=self.device)

    def _class_logits(self, pieces: Sequence[Piece]) -> Tensor:
        if self.mode == "padded":
            return self._read_padded(self._model, pieces).logits.float()
        states = self.states(pieces)[0].values
        with _answering(self._model, padding.repadded(states, pieces)):
            return self._read_padded(self._model, pieces).logits.float()

    def _last_logits_padded(self, pieces: Sequence[Piece], token_ids: Sequence[int]) -> Tensor:
        logits: Tensor = self._read_padded(self._model, pieces).logits
        lasts = [len(piece.ids) - 1 for piece in pieces]
        return logits[range(len(pieces)), lasts][:, list(token_ids)].float()

    @contextmanager
    def _before_final_norm(self, wanted: bool) -> Generator[list[Tensor]]:
        """Collects what the final norm is given; nothing where there is none."""
        found: list[Tensor] = []
        norm = _final_norm(self._base) if wanted else None
        if norm is None:
            yield found
            return
        hook = norm.register_forward_pre_hook(lambda _, given: found.append(given[0]))
        try:
            yield found
        finally:
            hook.remove()


def load_backbone(spec: Spec, device: torch.device, dtype: torch.dtype) -> Backbone:
    """Raises `ModelInvalid` where the files do not fit the network."""
    backbone = Backbone(load_network(spec, dtype))
    backbone.to(device)
    return backbone


class _Answer(nn.Module):
    """Stands in for the backbone of a model with a pooled head, which reads the first token of each row."""

    def __init__(self, states: Tensor, pooled: Tensor | None) -> None:
        super().__init__()
        given: dict[str, Any] = {"last_hidden_state": states}
        self._output = (
            BaseModelOutputWithPast(**given)
            if pooled is None
            else BaseModelOutputWithPooling(**given, pooler_output=cast("torch.FloatTensor", pooled))
        )

    def forward(self, *_: Any, **__: Any) -> ModelOutput:
        """What was computed already."""
        return self._output


@contextmanager
def _answering(model: PreTrainedModel, states: Tensor) -> Generator[None]:
    """The head computes on `states`, (pieces, longest, width), instead of asking the backbone."""
    base = model.base_model
    setattr(model, model.base_model_prefix, _Answer(states, _pooled(base, states)))
    try:
        yield
    finally:
        setattr(model, model.base_model_prefix, base)


def _pooled(base: nn.Module, states: Tensor) -> Tensor | None:
    pooler = getattr(base, "pooler", None)
    if pooler is None:
        return None
    activation = getattr(base, "pooler_activation", None)  # ALBERT's pooler is but a linear layer
    return activation(pooler(states[:, 0])) if activation else pooler(states)


def _final_norm(model: nn.Module) -> nn.Module | None:
    named = dict(model.named_modules())
    return next((named[name] for name in FINAL_NORMS if name in named), None)


def _linear_head(model: PreTrainedModel) -> nn.Linear | None:
    """The head of a causal model that is one matrix and no more: a few of its rows are all that is needed."""
    head = model.get_output_embeddings()
    scaled = any(getattr(model.config, name, None) for name in ("final_logit_softcapping", "logits_scaling"))
    alone = {name for name, _ in model.named_children()} == {model.base_model_prefix, "lm_head"}
    return head if isinstance(head, nn.Linear) and alone and not scaled else None


def _lengths(pieces: Sequence[Piece]) -> tuple[int, ...]:
    return tuple(len(piece.ids) for piece in pieces)
