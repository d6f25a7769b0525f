"""Requests, results and errors of the protocol as the headers and bodies of frames, and back."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from tamis_engine import errors
from tamis_engine.errors import EngineError, RequestInvalid
from tamis_engine.limits import Request
from tamis_engine.process.wire import Frame
from tamis_engine.protocol import (
    EncodeRequest,
    EncodeResult,
    Extraction,
    ExtractRequest,
    ExtractResult,
    ModelStatus,
    ScoreRequest,
    ScoreResult,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Operation = Literal["encode", "score", "extract", "models", "ready"]
Result = EncodeResult | ScoreResult | ExtractResult | tuple[ModelStatus, ...] | None

REQUESTS: dict[str, type[Request]] = {"encode": EncodeRequest, "score": ScoreRequest, "extract": ExtractRequest}
ERRORS: dict[str, type[EngineError]] = {
    kind.__name__: kind
    for kind in (
        errors.EngineError,
        errors.EngineUnavailable,
        errors.ModelNotFound,
        errors.ModelInvalid,
        errors.RequestInvalid,
    )
}


def request_fields(request: Request) -> dict[str, Any]:
    """What `request_from` takes."""
    return dataclasses.asdict(request)


def request_from(operation: str, fields: Mapping[str, Any]) -> Request:
    """The request of that operation. Raises `RequestInvalid` where the fields are not its own."""
    try:
        values: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in fields.items()
        }
        return REQUESTS[operation](**values)
    except (KeyError, TypeError, AttributeError) as error:
        raise RequestInvalid(f"Not a request of the engine: {error}.") from error


def result_frame(number: int, result: Result) -> Frame:
    """The answer to call `number`."""
    match result:
        case EncodeResult():
            fields = _fields(result, shape=result.vectors.shape)
            return Frame({"id": number, "result": fields}, result.vectors.tobytes())
        case ScoreResult():
            return Frame({"id": number, "result": _fields(result)}, result.scores.tobytes())
        case ExtractResult():
            rows = [(row.passage, row.start, row.end, row.label, row.score) for row in result.extractions]
            return Frame({"id": number, "result": {"extractions": rows, "model": result.model}})
        case tuple():
            return Frame({"id": number, "result": [dataclasses.asdict(status) for status in result]})
        case None:
            return Frame({"id": number, "result": None})


def error_frame(number: int, error: EngineError) -> Frame:
    """The answer to call `number` that failed."""
    return Frame({"id": number, "error": {"kind": type(error).__name__, "message": str(error)}})


def checked(frame: Frame) -> Frame:
    """The same frame; raises the error that it carries, with its sentence word for word."""
    if "error" in frame.header:
        kind = ERRORS[frame.header["error"]["kind"]]
        # past __init__, which would build the sentence anew
        raise kind.__new__(kind, frame.header["error"]["message"])
    return frame


def encode_result(frame: Frame) -> EncodeResult:
    """From the answer to `encode`."""
    fields = frame.header["result"]
    vectors = _numbers(frame.body).reshape(fields["shape"])
    return EncodeResult(vectors, tuple(fields["tokens"]), tuple(fields["truncated"]), fields["model"])


def score_result(frame: Frame) -> ScoreResult:
    """From the answer to `score`."""
    fields = frame.header["result"]
    return ScoreResult(_numbers(frame.body), tuple(fields["truncated"]), fields["model"])


def extract_result(frame: Frame) -> ExtractResult:
    """From the answer to `extract`."""
    fields = frame.header["result"]
    return ExtractResult(tuple(Extraction(*row) for row in fields["extractions"]), fields["model"])


def model_statuses(frame: Frame) -> tuple[ModelStatus, ...]:
    """From the answer to `models`."""
    return tuple(ModelStatus(**row) for row in frame.header["result"])


def _fields(result: EncodeResult | ScoreResult, **more: object) -> dict[str, Any]:
    """All but the numbers, which travel as the body."""
    names = [field.name for field in dataclasses.fields(result) if field.name not in ("vectors", "scores")]
    return {name: getattr(result, name) for name in names} | more


def _numbers(body: bytes) -> NDArray[np.float32]:
    # numpy is late: the process that speaks the protocol answers its handshake without it
    import numpy as np

    return np.frombuffer(body, dtype="<f4")
