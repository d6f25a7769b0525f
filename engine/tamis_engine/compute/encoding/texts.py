"""What the three kinds of encoding share: texts are asked for, and each is one piece."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tamis_engine.errors import RequestInvalid
from tamis_engine.operation import Input, Piece, Row, TextInput, Tokenised

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tamis_engine.compute.tokens import Reading


def text_inputs(inputs: Sequence[Input]) -> list[TextInput]:
    """Raises `RequestInvalid` for anything but texts."""
    texts = [each for each in inputs if isinstance(each, TextInput)]
    if len(texts) < len(inputs):
        raise RequestInvalid("Only single texts can be encoded.")
    return texts


def as_tokenised(read: Reading, notes: Any = None) -> Tokenised:
    """One piece; none for a text without any token."""
    return Tokenised((Piece(read.ids, notes=notes),) if read.ids else (), read.given, read.truncated)


class OnePiece:
    """Joins what is one piece or none; `nothing` is the shape of the row of zeros that the latter is."""

    nothing: tuple[int, ...]

    def join(self, asked: Input, tokenised: Tokenised, outputs: Sequence[NDArray[np.float32]]) -> Row:  # noqa: ARG002
        """See `Operation`."""
        values = outputs[0] if outputs else np.zeros(self.nothing, np.float32)
        return Row(values, tokenised.tokens, tokenised.truncated)
