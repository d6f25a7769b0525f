"""GLiNER's head (v2.1, "markerV0"): states of words and labels to the probability of every span and label."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_sequence, unpack_sequence

from tamis_engine.compute.tensors import tensors_of
from tamis_engine.errors import ModelInvalid

if TYPE_CHECKING:
    from tamis_engine.models.spec import SpanMarker, Spec

BACKBONE = "token_rep_layer.bert_layer."
NAMES = {"token_rep_layer.projection": "projection", "span_rep_layer.span_rep_layer": "span", "rnn.lstm": "lstm"}
"""What the checkpoint calls the parts."""


def _two_layers(width: int, out: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(width, out * 4), nn.ReLU(), nn.Identity(), nn.Linear(out * 4, out))


class Markers(nn.Module):
    """A span is what its first and its last word say."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.project_start = _two_layers(width, width)
        self.project_end = _two_layers(width, width)
        self.out_project = _two_layers(2 * width, width)


class SpanHead(nn.Module):
    """`backbone` is the width of the states, `width` that of all which follows."""

    def __init__(self, backbone: int, width: int, max_width: int) -> None:
        super().__init__()
        self.max_width = max_width
        self.projection = nn.Identity() if backbone == width else nn.Linear(backbone, width)
        self.lstm = nn.LSTM(width, width // 2, batch_first=True, bidirectional=True)
        self.span = Markers(width)
        self.prompt_rep_layer = _two_layers(width, width)

    def narrowed(self, states: Tensor) -> Tensor:
        """(tokens, backbone) to (tokens, width)."""
        return self.projection(states)

    def words(self, states: Sequence[Tensor]) -> list[Tensor]:
        """(words, width) each, with their neighbours read."""
        packed, _ = self.lstm(pack_sequence(list(states), enforce_sorted=False))
        return unpack_sequence(packed)

    def labels(self, states: Tensor) -> Tensor:
        """(labels, width) for the dot product."""
        return self.prompt_rep_layer(states)

    def spans(self, words: Tensor, labels: Tensor) -> Tensor:
        """(words, widths, labels): the probability that the words from one on, so many more, are of a label."""
        starts, ends = self.span.project_start(words).relu(), self.span.project_end(words).relu()
        likely = words.new_zeros(len(words), self.max_width, len(labels))
        for more in range(min(self.max_width, len(words))):
            whole = len(words) - more
            spans = self.span.out_project(torch.cat((starts[:whole], ends[more:]), dim=-1))
            likely[:whole, more] = (spans @ labels.T).sigmoid()
        return likely


def load_span_head(spec: Spec, backbone: int, step: SpanMarker) -> SpanHead:
    """Raises `ModelInvalid` where the checkpoint holds anything but what this head has."""
    found = {name: tensor for file in spec.network.weights for name, tensor in tensors_of(spec, file).items()}
    own = {_renamed(name): tensor.float() for name, tensor in found.items() if not name.startswith(BACKBONE)}
    with torch.device("meta"):
        head = SpanHead(backbone, step.hidden, step.max_width)
    try:
        head.load_state_dict(own, assign=True)
    except RuntimeError as error:
        raise ModelInvalid(spec.name, f"the weights of its head do not fit ({error}).") from error
    head.lstm.flatten_parameters()
    return head.eval().requires_grad_(False)


def _renamed(name: str) -> str:
    return next((name.replace(old, new, 1) for old, new in NAMES.items() if name.startswith(old)), name)
