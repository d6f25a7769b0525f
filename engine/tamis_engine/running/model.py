"""What the service needs of a model, whatever computes it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Batch:
    """Vectors of the texts at `rows`, shape (rows, dimensions), float32; `tokens` as `EncodeResult` has them."""

    rows: tuple[int, ...]
    vectors: NDArray[np.float32]
    tokens: tuple[int, ...]


class Encoder(Protocol):
    """A bi-encoder in memory."""

    @property
    def footprint_bytes(self) -> int: ...

    def encode(self, texts: Sequence[str]) -> Iterator[Batch]:
        """Every text once, in any order; nothing is computed ahead of the caller."""
        ...
