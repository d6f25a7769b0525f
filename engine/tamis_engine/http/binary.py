"""Vectors as bytes: safetensors, which every language reads and nobody can hide a program in."""

from __future__ import annotations

import json

from tamis_engine.protocol import EncodeResult

MEDIA_TYPE = "application/vnd.safetensors"
_TAKEN = frozenset({MEDIA_TYPE, "application/octet-stream"})


def accepted(accept: str) -> bool:
    """Whether a header `Accept` names it; `*/*` does not."""
    return any(part.split(";")[0].strip().lower() in _TAKEN for part in accept.split(","))


def packed(result: EncodeResult) -> bytes:
    """Tensors `vectors` (float32), `rows`, `tokens` (int64) and `truncated` (uint8); model and kind as metadata."""
    # late: a service that never sends vectors needs neither
    import numpy as np
    from safetensors.numpy import save

    tensors = {
        "vectors": np.ascontiguousarray(result.vectors),
        "rows": np.array(result.rows, np.int64),
        "tokens": np.array(result.tokens, np.int64),
        "truncated": np.array(result.truncated, np.uint8),
    }
    return save(tensors, {"model": result.model, "kind": result.kind})


def unpacked(data: bytes) -> EncodeResult:
    """The result again. Raises `ValueError` and `KeyError` for what is none."""
    # late: see above
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        tensors = load(data)
    except SafetensorError as error:
        raise ValueError(str(error)) from error
    # `load` leaves out the metadata, which stand in the header
    facts = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])["__metadata__"]
    return EncodeResult(
        tensors["vectors"],
        tuple(tensors["tokens"].tolist()),
        tuple(map(bool, tensors["truncated"])),
        facts["model"],
        facts["kind"],
        tuple(tensors["rows"].tolist()),
    )
