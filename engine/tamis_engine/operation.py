"""The seam between what runs requests and what computes: inputs, pieces of tokens, rows of numbers.

A request is a list of inputs; an input becomes one or more pieces (long ones are cut into windows); pieces of many
requests share one forward pass; the outputs of an input's pieces are joined to its row, which is cached and answered.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from tamis_engine.models.spec import OperationName
    from tamis_engine.protocol import Role


@dataclass(frozen=True, slots=True)
class TextInput:
    """For dense, sparse and multivector."""

    text: str
    role: Role = "passage"
    instruction: str = ""


@dataclass(frozen=True, slots=True)
class PairInput:
    """For score."""

    query: str
    passage: str
    instruction: str = ""


@dataclass(frozen=True, slots=True)
class LabelledInput:
    """For extract: names or questions to look for in one passage. `threshold`, `share`: None is the model's default."""

    labels: tuple[str, ...]
    passage: str
    threshold: float | None = None
    share: float | None = None


Input = TextInput | PairInput | LabelledInput


@dataclass(frozen=True, slots=True)
class Piece:
    """One sequence of a forward pass.

    The first `shared` ids may be computed once for all pieces of a batch in which they are equal. The last `unread`
    ids read the others and are themselves read by none (ColBERT's expansion of queries). `notes` is whatever the
    operation needs again when it joins: offsets, words, labels.
    """

    ids: Sequence[int]
    token_types: Sequence[int] | None = None
    shared: int = 0
    unread: int = 0
    notes: Any = None


@dataclass(frozen=True, slots=True)
class Tokenised:
    """One input as pieces; none where no forward pass is needed. `tokens` counts the input as given, prompt included;
    `truncated` says that some of it was not read."""

    pieces: tuple[Piece, ...]
    tokens: int
    truncated: bool
    notes: Any = None


@dataclass(frozen=True, slots=True)
class Row:
    """The answer to one input, float32.

    dense (dimensions,) · sparse (entries, 2): index, weight, by index · multivector (tokens, dimensions) ·
    score () · extract (found, 4): label, start, end (characters of the passage), probability.
    """

    values: NDArray[np.float32]
    tokens: int
    truncated: bool


class Operation(Protocol):
    """One thing that a model in memory does."""

    def tokenise(self, inputs: Sequence[Input]) -> list[Tokenised]:
        """Any thread, also while others do. Raises `RequestInvalid` for what the model can't be asked."""
        ...

    def forward(self, pieces: Sequence[Piece]) -> list[NDArray[np.float32]]:
        """One pass over all pieces, an output each. Called by one thread at a time, the one that owns the device."""
        ...

    def join(self, asked: Input, tokenised: Tokenised, outputs: Sequence[NDArray[np.float32]]) -> Row:
        """The row of one input, from the outputs of its pieces. Any thread."""
        ...


class Model(Protocol):
    """A model in memory. Dropping the last reference to it frees what it holds."""

    @property
    def footprint_bytes(self) -> int:
        """Of weights and tables, measured."""
        ...

    @property
    def operations(self) -> Mapping[OperationName, Operation]:
        """What it serves."""
        ...

    @property
    def batch_tokens(self) -> int:
        """How many tokens make a good batch on its device."""
        ...

    def park(self) -> None:
        """Leave the accelerator for host memory; does nothing on a CPU."""
        ...

    def unpark(self) -> None:
        """Come back."""
        ...
