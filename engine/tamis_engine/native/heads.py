"""What stands on the states, in numpy: pooling, and layers with weights of their own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file

from tamis_engine.errors import ModelInvalid
from tamis_engine.models.spec import Dense, Normalize

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tamis_engine.models.spec import Pool, Spec, Step
    from tamis_engine.native.weights import Stored

    Floats = NDArray[np.float32]
    Layer = Callable[[Floats], Floats]


def sigmoid(logits: Floats) -> Floats:
    """Without overflow."""
    return (0.5 + 0.5 * np.tanh(0.5 * logits)).astype(np.float32)


ACTIVATIONS: Mapping[str, Layer] = {
    "Identity": lambda rows: rows,
    "ReLU": lambda rows: np.maximum(rows, 0),
    "Sigmoid": sigmoid,
    "Tanh": np.tanh,
}


def layers(spec: Spec, steps: Sequence[Step]) -> list[Layer]:
    """Rows to rows, in order."""
    return [_dense(spec, step) if isinstance(step, Dense) else normalize for step in steps]


def are_known(steps: Sequence[Step]) -> bool:
    """Whether `layers` knows them all."""
    return all(
        isinstance(step, Normalize)
        or (isinstance(step, Dense) and step.activation in ACTIVATIONS and step.weights.endswith(".safetensors"))
        for step in steps
    )


def pooled(states: Floats, pool: Pool, skipped: int) -> Floats:
    """(tokens, width) to (width); the first `skipped` tokens are left out, but never all."""
    read = states[min(skipped, len(states) - 1) :]
    match pool.mode:
        case "cls":
            return read[0]
        case "last_token":
            return read[-1]
        case "max":
            return read.max(axis=0)
        case "mean":
            return read.mean(axis=0)


def normalize(rows: Floats) -> Floats:
    """Each row to length 1; a row of zeros stays as it is."""
    return rows / np.maximum(np.linalg.norm(rows, axis=-1, keepdims=True), 1e-12)


def classifier(found: Mapping[str, Stored]) -> Layer:
    """BERT's own: (pieces, width) states of the first tokens to (pieces, 1) logits."""
    pooler = linear(found["pooler.dense.weight"].floats(), found["pooler.dense.bias"].floats())
    head = linear(found["classifier.weight"].floats(), found["classifier.bias"].floats())
    return lambda states: head(np.tanh(pooler(states)))


def span_ends(found: Mapping[str, Stored]) -> Layer:
    """BERT's own: (tokens, width) states to (tokens, 2) logits, of being an answer's first token and its last."""
    return linear(found["qa_outputs.weight"].floats(), found["qa_outputs.bias"].floats())


def linear(weight: Floats, bias: Floats | float) -> Layer:
    """A layer of these weights: (out, in), (out)."""
    return lambda rows: rows @ weight.T + bias


def _dense(spec: Spec, step: Dense) -> Layer:
    try:
        tensors = load_file(spec.folder / step.weights)
        weight = tensors["linear.weight"].astype(np.float32)
        bias = tensors["linear.bias"].astype(np.float32) if step.bias else 0.0
    except (OSError, KeyError, ValueError, SafetensorError) as error:
        raise ModelInvalid(spec.name, f"the weights of a head do not fit ({step.weights}: {error}).") from error
    layer, activation = linear(weight, bias), ACTIVATIONS[step.activation]
    return lambda rows: activation(layer(rows))
