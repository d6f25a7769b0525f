"""A forward pass that fails takes as few with it as it can: make room, halve the batch, fail one piece alone."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from tamis_engine.errors import OutOfMemory
from tamis_engine.running.failures import told

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from tamis_engine.operation import Operation, Piece

Relief = Callable[[], object]
"""Something that may give memory back."""


def ran_out_of_memory(error: BaseException) -> bool:
    """Whatever library it comes from: torch raises its own, and plain RuntimeErrors on a CPU."""
    text = str(error).lower()
    return (
        isinstance(error, MemoryError)
        or type(error).__name__ == "OutOfMemoryError"
        or (isinstance(error, RuntimeError) and ("not enough memory" in text or "out of memory" in text))
    )


def forward(
    operation: Operation, pieces: Sequence[Piece], reliefs: Sequence[Relief] = ()
) -> list[NDArray[np.float32] | Exception]:
    """An output a piece, or why there is none."""
    try:
        return list(operation.forward(pieces))
    except Exception as error:  # noqa: BLE001 -- the outer edge: what fails is told to whom it belongs
        problem = error
        traceback.clear_frames(error.__traceback__)  # they hold the very tensors that there was no room for
    if reliefs and ran_out_of_memory(problem):
        reliefs[0]()
        return forward(operation, pieces, reliefs[1:])
    if len(pieces) == 1:
        return [_told(problem, len(pieces[0].ids))]
    half = len(pieces) // 2
    return forward(operation, pieces[:half]) + forward(operation, pieces[half:])


def _told(problem: Exception, tokens: int) -> Exception:
    if ran_out_of_memory(problem):
        return OutOfMemory(f"A text of {tokens:,} tokens does not fit into memory beside the model. Send it in parts.")
    return told(problem)
