"""Vectors that were computed before, so that nothing is computed twice; bounded in bytes, oldest use out first."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from tamis_engine.protocol import Role

BUDGET_BYTES = 64 * 2**20
OVERHEAD_BYTES = 400
"""Key, array header, entry and link, beside the numbers themselves."""


@dataclass(frozen=True, slots=True)
class Vector:
    """One text's vector, shape (dimensions,), and its tokens as given."""

    numbers: NDArray[np.float32]
    tokens: int


def key(model: str, role: Role, text: str) -> bytes:
    """Names a vector without keeping the text."""
    return hashlib.sha256(f"{model}\0{role}\0{text}".encode("utf-8", "surrogatepass")).digest()


class VectorCache:
    """Least recently used out first. Belongs to one thread."""

    def __init__(self, budget_bytes: int = BUDGET_BYTES) -> None:
        self._budget_bytes = budget_bytes
        self._vectors: OrderedDict[bytes, Vector] = OrderedDict()
        self.used_bytes = 0

    def get(self, key: bytes) -> Vector | None:
        """The vector, which counts as used now."""
        if key in self._vectors:
            self._vectors.move_to_end(key)
        return self._vectors.get(key)

    def put(self, key: bytes, vector: Vector) -> None:
        """Keep `vector`, and let go of what was unused the longest where it no longer fits."""
        if key in self._vectors:
            self.used_bytes -= _size(self._vectors.pop(key))
        self._vectors[key] = vector
        self.used_bytes += _size(vector)
        while self.used_bytes > self._budget_bytes:
            self.used_bytes -= _size(self._vectors.popitem(last=False)[1])


def _size(vector: Vector) -> int:
    return vector.numbers.nbytes + OVERHEAD_BYTES
