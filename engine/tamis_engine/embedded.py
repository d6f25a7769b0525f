"""The encoder that is shipped in the wheel: where its files lie, and its facts, known without loading it."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from tamis_engine.protocol import DEFAULT_MODEL, ModelState, ModelStatus

if TYPE_CHECKING:
    from tamis_engine.models.spec import Spec

NAME = DEFAULT_MODEL
NAMES = frozenset({NAME.lower(), f"sentence-transformers/{NAME}".lower()})
"""In lower case: the original on the hub is the same model."""
FOLDER = Path(__file__).parent / "embedded" / NAME
DIMENSIONS = 384
MAX_TOKENS = 256
LICENCE = "Apache-2.0"
WHAT_FOR = "English retrieval on a CPU; comes with Tamis"
FOOTPRINT_BYTES = 45_141_904
"""Of the weights, in the files' own precision."""


def status(state: ModelState, footprint_bytes: int = 0) -> ModelStatus:
    """The encoder's facts, with the state that it is in."""
    return ModelStatus(NAME, state, DIMENSIONS, MAX_TOKENS, footprint_bytes, LICENCE, what_for=WHAT_FOR)


def spec() -> Spec:
    """All about the encoder, out of its own files. Raises `ModelInvalid` where they are not what was shipped."""
    # late: the server asks for nothing but the status
    from tamis_engine.calibration import CALIBRATION
    from tamis_engine.models.resolution import resolve
    from tamis_engine.models.spec import Calibration

    return replace(
        resolve(NAME, FOLDER, None),
        # the hashes of all files: other than their times they are the same on every machine
        revision=hashlib.sha256((FOLDER / "hashes.json").read_bytes()).hexdigest(),
        licence=LICENCE,
        calibration=Calibration(CALIBRATION.slope, CALIBRATION.midpoint),
    )
