"""Many texts through the encoder, a batch at a time, as far as the call's time goes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tamis_engine.protocol import DEFAULT_MODEL, EncodeRequest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from tamis_engine.protocol import Engine, Kind
    from tamis_tools.pace import Pace

BATCH = 64


async def encoded(
    engine: Engine, texts: Sequence[str], pace: Pace, *, model: str = DEFAULT_MODEL, kind: Kind = "dense"
) -> NDArray[np.float32]:
    """Vectors of the first texts, shape (encoded, dimensions): all of them unless time ran out.

    Raises `EngineError`. There must be a text.
    """
    done: list[NDArray[np.float32]] = []
    for start in range(0, len(texts), BATCH):
        if start and pace.expired:
            break
        await pace.step(0.5 + 0.5 * start / len(texts), f"encoded {start} of {len(texts)} texts")
        batch = EncodeRequest(tuple(texts[start : start + BATCH]), model, kind)
        done.append((await engine.encode(batch)).vectors)
    return np.concatenate(done)
