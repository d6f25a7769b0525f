"""The encoder that is shipped in the wheel: where its files lie, and its facts, known without loading it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tamis_engine.protocol import DEFAULT_MODEL, ModelState, ModelStatus

if TYPE_CHECKING:
    from tamis_engine.compute.encoder import BertEncoder

NAME = DEFAULT_MODEL
FOLDER = Path(__file__).parent / "embedded" / NAME
DIMENSIONS = 384
MAX_TOKENS = 256
LICENCE = "Apache-2.0"


def status(state: ModelState, footprint_bytes: int = 0) -> ModelStatus:
    """The encoder's facts, with the state that it is in."""
    return ModelStatus(NAME, state, DIMENSIONS, MAX_TOKENS, footprint_bytes, LICENCE)


def load() -> BertEncoder:
    """The embedded encoder, ready to use. Raises `ModelInvalid` where the files are not what was shipped."""
    # torch and transformers: 200 MB and a second or two, so only where something is computed
    from tamis_engine.compute.loading import load_bert

    return load_bert(FOLDER, MAX_TOKENS)
