"""Weights out of safetensors by the names that a BERT has, as numpy arrays; whatever does not fit is not taken."""

from __future__ import annotations

import re
from collections.abc import Generator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from safetensors import SafetensorError, safe_open

from tamis_engine.models.spec import SCALE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tamis_engine.models.spec import Spec

LAYER = (
    "attention.self.query",
    "attention.self.key",
    "attention.self.value",
    "attention.output.dense",
    "attention.output.LayerNorm",
    "intermediate.dense",
    "output.dense",
    "output.LayerNorm",
)
"""In the kernel's order; each has a weight and a bias."""

BASE = "bert."
TABLES = ("word", "position", "token_type")
UNUSED = (r"^embeddings\.position_ids$", r"^pooler\.", r"^cls\.seq_relationship\.")
"""Stored with most BERTs; the pooler is read by classifiers alone, which name it."""

READABLE = {"F16", "F32"}


@dataclass(frozen=True, slots=True)
class Stored:
    """One tensor of an open file; `scaled`: a matrix in int8 with its `SCALE` beside it."""

    file: Any
    name: str
    scaled: bool = False

    @property
    def shape(self) -> tuple[int, ...]:
        """Read from the head of the file."""
        return tuple(self.file.get_slice(self.name).get_shape())

    @property
    def dtype(self) -> str:
        """As safetensors calls it."""
        return str(self.file.get_slice(self.name).get_dtype())

    @property
    def readable(self) -> bool:
        """Whether its type is one of those that are read here."""
        return self.dtype in READABLE or (self.scaled and self.dtype == "I8")

    def read(self) -> NDArray[Any]:
        """Into memory, in its own type."""
        return self.file.get_tensor(self.name)

    def floats(self) -> NDArray[np.float32]:
        """Into memory, contiguous."""
        if self.scaled:
            return self.read() * self.file.get_tensor(self.name + SCALE).astype(np.float32)[:, None]
        return np.ascontiguousarray(self.read(), dtype=np.float32)


@contextmanager
def stored(spec: Spec) -> Generator[Mapping[str, Stored]]:
    """The network's tensors by transformers' names for a BERT without a head; a head's own keep theirs."""
    with ExitStack() as stack:
        found: dict[str, Stored] = {}
        for path in (*spec.network.base, *(spec.folder / each for each in spec.network.weights)):
            file: Any = stack.enter_context(safe_open(path, "numpy"))
            names = frozenset(file.keys())
            for name in sorted(names):
                if name.startswith(spec.network.prefix) and name.removesuffix(SCALE) not in names - {name}:
                    renamed = _renamed(name.removeprefix(spec.network.prefix), spec.network.renames)
                    found[renamed] = Stored(file, name, name + SCALE in names)
        yield _without_base(found, spec.network.head)


def shapes(config: Mapping[str, Any], head: str) -> dict[str, tuple[int, ...]]:
    """Of all tensors that the network is made of. Raises `ValueError` and the like for a config that makes no sense."""
    hidden, wide = int(config["hidden_size"]), int(config["intermediate_size"])
    if hidden % int(config["num_attention_heads"]):
        raise ValueError("the width of a head is no whole number")
    rows = (config["vocab_size"], config["max_position_embeddings"], config["type_vocab_size"])
    expected: dict[str, tuple[int, ...]] = {
        f"embeddings.{name}_embeddings.weight": (int(count), hidden) for name, count in zip(TABLES, rows, strict=True)
    }
    expected |= _with_bias("embeddings.LayerNorm", (hidden,))
    own = {"intermediate.dense": (wide, hidden), "output.dense": (hidden, wide)}
    for layer in range(int(config["num_hidden_layers"])):
        for part in LAYER:
            square = (hidden,) if part.endswith("LayerNorm") else (hidden, hidden)
            expected |= _with_bias(f"encoder.layer.{layer}.{part}", own.get(part, square))
    if head == "sequence_classification":
        expected |= _with_bias("pooler.dense", (hidden, hidden)) | _with_bias("classifier", (1, hidden))
    if head == "question_answering":
        expected |= _with_bias("qa_outputs", (2, hidden))
    return expected


def all_fit(spec: Spec) -> bool:
    """Whether the files hold exactly what the network is made of, in a type that is read here."""
    ignored = [re.compile(pattern) for pattern in (*spec.network.may_ignore, *UNUSED)]
    try:
        expected = shapes(spec.network.config, spec.network.head)
        with stored(spec) as found:
            return all(
                name in found and found[name].shape == shape and found[name].readable
                for name, shape in expected.items()
            ) and all(name in expected or any(one.search(name) for one in ignored) for name in found)
    except (OSError, KeyError, TypeError, ValueError, SafetensorError):
        return False


def _with_bias(name: str, shape: tuple[int, ...]) -> dict[str, tuple[int, ...]]:
    return {f"{name}.weight": shape, f"{name}.bias": shape[:1]}


def _renamed(name: str, renames: tuple[tuple[str, str], ...]) -> str:
    for pattern, replacement in renames:
        name = re.sub(pattern, replacement, name)
    return name


def _without_base(found: Mapping[str, Stored], head: str) -> dict[str, Stored]:
    """Files of a BERT with a head name the backbone's tensors so; where no head is wanted, the rest is that head."""
    based = any(name.startswith(BASE) for name in found)
    kept = (name for name in found if head != "none" or not based or name.startswith(BASE))
    return {name.removeprefix(BASE): found[name] for name in kept}
