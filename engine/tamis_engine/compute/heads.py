"""What stands on a network's states: pooling, and layers with weights of their own. All in float32."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from tamis_engine.compute.backbone import Packed, tensors_of
from tamis_engine.errors import ModelInvalid
from tamis_engine.models.spec import Dense, LayerNorm, Normalize, Spec, Step

Layer = TypeVar("Layer", bound=nn.Module)

ACTIVATIONS: Mapping[str, Callable[[], nn.Module]] = {
    "ELU": nn.ELU,
    "GELU": nn.GELU,
    "Identity": nn.Identity,
    "LeakyReLU": nn.LeakyReLU,
    "Mish": nn.Mish,
    "ReLU": nn.ReLU,
    "SELU": nn.SELU,
    "SiLU": nn.SiLU,
    "Sigmoid": nn.Sigmoid,
    "Softplus": nn.Softplus,
    "Tanh": nn.Tanh,
}
"""Those that a file may name."""


class UnitLength(nn.Module):
    """Each row to length 1; a row of zeros stays as it is."""

    def forward(self, rows: Tensor) -> Tensor:
        return normalize(rows, dim=-1)


def layers(spec: Spec, steps: Sequence[Step]) -> nn.Sequential:
    """Rows to rows. Raises `ModelInvalid` for weights that do not fit, and for steps that are no layers."""
    return nn.Sequential(*(layer for step in steps for layer in _layer(spec, step)))


def _layer(spec: Spec, step: Step) -> tuple[nn.Module, ...]:
    match step:
        case Dense():
            if step.activation not in ACTIVATIONS:
                raise ModelInvalid(spec.name, f"its activation {step.activation!r} is not one of {list(ACTIVATIONS)}.")
            tensors = tensors_of(spec, step.weights)
            bias = taken(spec, tensors, "linear.bias") if step.bias else None
            return linear(spec, taken(spec, tensors, "linear.weight"), bias), ACTIVATIONS[step.activation]()
        case LayerNorm():
            tensors = tensors_of(spec, step.weights)
            weight, bias = taken(spec, tensors, "norm.weight"), taken(spec, tensors, "norm.bias")
            return (given(spec, nn.LayerNorm(weight.shape, step.epsilon, device="meta"), weight=weight, bias=bias),)
        case Normalize():
            return (UnitLength(),)
        case _:
            raise ModelInvalid(spec.name, f"{type(step).__name__} can't stand where a layer is expected.")


def linear(spec: Spec, weight: Tensor, bias: Tensor | None) -> nn.Linear:
    """A layer of these weights: (out, in), (out)."""
    if weight.ndim != 2:
        raise ModelInvalid(spec.name, f"a linear layer has weights of shape {tuple(weight.shape)}, expected two axes.")
    empty = nn.Linear(weight.shape[1], weight.shape[0], bias=bias is not None, device="meta")
    return given(spec, empty, weight=weight, bias=bias)


def taken(spec: Spec, tensors: Mapping[str, Tensor], name: str) -> Tensor:
    """The tensor of that name. Raises `ModelInvalid` where there is none."""
    if name not in tensors:
        raise ModelInvalid(spec.name, f"{name} is missing; a head needs it.")
    return tensors[name]


def given(spec: Spec, layer: Layer, **tensors: Tensor | None) -> Layer:
    """The layer with these weights, in float32; fixed."""
    state = {name: tensor.float() for name, tensor in tensors.items() if tensor is not None}
    try:
        layer.load_state_dict(state, assign=True)
    except RuntimeError as error:
        raise ModelInvalid(spec.name, f"the weights of a head do not fit ({error}).") from error
    return layer.eval().requires_grad_(False)


def pooled(states: Packed, mode: str, skipped: Sequence[int]) -> Tensor:
    """(tokens, width) to (pieces, width), float32; each piece without its first `skipped` tokens."""
    device = states.values.device
    lengths = torch.tensor(states.lengths)
    ends = lengths.cumsum(0)
    firsts = ends - lengths + torch.minimum(torch.tensor(skipped), lengths - 1)
    if mode in ("cls", "last_token"):
        return states.values[(firsts if mode == "cls" else ends - 1).to(device)].float()
    values = states.values.float()
    if any(skipped):
        owner = torch.repeat_interleave(firsts, lengths)
        values = values[(torch.arange(len(owner)) >= owner).to(device)]
    return _reduced(values, (ends - firsts), mode)


def _reduced(values: Tensor, lengths: Tensor, mode: str) -> Tensor:
    if mode == "max":
        return torch.segment_reduce(values, "max", lengths=lengths.to(values.device))
    owner = torch.repeat_interleave(torch.arange(len(lengths)), lengths).to(values.device)
    sums = values.new_zeros(len(lengths), values.shape[1]).index_add_(0, owner, values)
    return sums / lengths.to(values.device).unsqueeze(1)
