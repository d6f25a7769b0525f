"""Many texts through a model, a batch at a time, as far as the call's time goes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tamis_engine.protocol import DEFAULT_MODEL, EncodeRequest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from tamis_engine.protocol import Engine, Kind
    from tamis_tools.pace import Pace

BATCH = 64


@dataclass(frozen=True, slots=True)
class Vectors:
    """Of the first texts. The rows of text i are `values[offsets[i]:offsets[i + 1]]`; see `EncodeResult`.

    `truncated` counts the texts that the model did not read to their end.
    """

    values: NDArray[np.float32]
    offsets: NDArray[np.int64]
    truncated: int

    @property
    def texts(self) -> int:
        """How many were encoded."""
        return len(self.offsets) - 1


async def encoded(engine: Engine, texts: Sequence[str], pace: Pace) -> NDArray[np.float32]:
    """The default model's vectors of the first texts, shape (encoded, dimensions); see `encoded_as`."""
    return (await encoded_as(engine, texts, pace)).values


async def encoded_as(
    engine: Engine, texts: Sequence[str], pace: Pace, *, model: str = DEFAULT_MODEL, kind: Kind = "dense"
) -> Vectors:
    """Vectors of the first texts: of all of them unless time ran out.

    Raises `EngineError`. There must be a text.
    """
    done: list[NDArray[np.float32]] = []
    rows, truncated = [0], 0
    for start in range(0, len(texts), BATCH):
        if start and pace.expired:
            break
        await pace.step(0.5 + 0.5 * start / len(texts), f"encoded {start} of {len(texts)} texts")
        batch = EncodeRequest(tuple(texts[start : start + BATCH]), model, kind)
        result = await engine.encode(batch)
        done.append(result.vectors)
        rows += result.rows or (1,) * len(batch.texts)
        truncated += sum(result.truncated)
    return Vectors(np.concatenate(done), np.cumsum(rows, dtype=np.int64), truncated)
