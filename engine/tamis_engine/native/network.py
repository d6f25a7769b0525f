"""A BERT in the kernel's memory: pieces of tokens in, the last layer's states out."""

from __future__ import annotations

import ctypes
import weakref
from collections.abc import Mapping, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from tamis_engine.errors import ModelInvalid, OutOfMemory
from tamis_engine.native import weights
from tamis_engine.native.kernel import Shape

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tamis_engine.models.spec import Spec
    from tamis_engine.native.weights import Stored
    from tamis_engine.operation import Piece

Precision = Literal["int8", "float32"]
"""What the matrices of the layers are multiplied in; all else is float32."""

NO_MEMORY = 3
WRONG = {
    1: "its tokenizer makes tokens that its network does not know.",
    2: "a sequence of no token, or of more than the network has positions for, was to be read.",
}


class NativeBert:
    """The backbone. Any number of threads may ask it at once."""

    def __init__(self, kernel: ctypes.CDLL, spec: Spec, found: Mapping[str, Stored], precision: Precision) -> None:
        self._kernel = kernel
        self._name = spec.name
        self._tables = _tables(found)
        self.width = int(spec.network.config["hidden_size"])
        shape = _shape(spec.network.config, self._tables, precision)
        norm = [found[f"embeddings.LayerNorm.{part}"].floats() for part in ("weight", "bias")]
        given = [array.ctypes.data for array in (*self._tables, *norm)]
        self._handle = kernel.tamis_bert_new(ctypes.byref(shape), *given)
        if not self._handle:
            raise self._too_large()
        weakref.finalize(self, kernel.tamis_bert_free, self._handle)
        for layer in range(shape.layers):
            self._add_layer(found, layer)

    @property
    def footprint_bytes(self) -> int:
        """Of layers and tables."""
        return int(self._kernel.tamis_bert_bytes(self._handle)) + sum(table.nbytes for table in self._tables)

    def states(self, pieces: Sequence[Piece], threads: int) -> list[NDArray[np.float32]]:
        """(tokens, width) for each piece."""
        lengths = np.array([len(piece.ids) for piece in pieces], np.int32)
        ids = _row((piece.ids for piece in pieces), lengths)
        typed = any(piece.token_types for piece in pieces)
        types = _row((piece.token_types or [0] * len(piece.ids) for piece in pieces), lengths) if typed else None
        out = np.empty((len(ids), self.width), np.float32)
        where = (ids.ctypes.data, None if types is None else types.ctypes.data, lengths.ctypes.data)
        answer = self._kernel.tamis_bert_states(self._handle, *where, len(pieces), threads, out.ctypes.data)
        if answer == NO_MEMORY:
            raise self._too_large()
        if answer:
            raise ModelInvalid(self._name, WRONG[answer])
        return np.split(out, lengths.cumsum()[:-1]) if pieces else []

    def _add_layer(self, found: Mapping[str, Stored], layer: int) -> None:
        names = (f"encoder.layer.{layer}.{part}.{kind}" for part in weights.LAYER for kind in ("weight", "bias"))
        arrays = [found[name].floats() for name in names]
        pointers = (ctypes.c_void_p * len(arrays))(*(array.ctypes.data for array in arrays))
        if self._kernel.tamis_bert_layer(self._handle, pointers):
            raise self._too_large()

    def _too_large(self) -> OutOfMemory:
        return OutOfMemory(f"There is no memory for model {self._name!r} or for this request to it.")


def _tables(found: Mapping[str, Stored]) -> list[NDArray[Any]]:
    """In float16 where they are stored so: most of a small model is its vocabulary."""
    stored = [found[f"embeddings.{name}_embeddings.weight"] for name in weights.TABLES]
    half = all(table.dtype == "F16" for table in stored)
    return [np.ascontiguousarray(table.read()) if half else table.floats() for table in stored]


def _shape(config: Mapping[str, Any], tables: Sequence[NDArray[Any]], precision: Precision) -> Shape:
    words, places, kinds = tables
    return Shape(
        vocabulary=len(words),
        positions=len(places),
        types=len(kinds),
        hidden=words.shape[1],
        heads=int(config["num_attention_heads"]),
        wide=int(config["intermediate_size"]),
        layers=int(config["num_hidden_layers"]),
        half=words.dtype == np.float16,
        int8=precision == "int8",
        epsilon=float(config.get("layer_norm_eps", 1e-12)),
    )


def _row(values: Any, lengths: NDArray[np.int32]) -> NDArray[np.int32]:
    return np.fromiter(chain.from_iterable(values), np.int32, int(lengths.sum()))
