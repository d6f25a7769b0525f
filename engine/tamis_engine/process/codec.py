"""Requests, results and errors of the protocol as the headers and bodies of frames, and back."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from tamis_engine import errors
from tamis_engine.errors import EngineBusy, EngineError, RequestInvalid
from tamis_engine.limits import Request
from tamis_engine.process.wire import Frame
from tamis_engine.protocol import (
    DEFAULT_MODEL,
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

Operation = Literal["encode", "score", "extract", "models", "ready", "unload", "pin", "unpin"]
Result = EncodeResult | ScoreResult | ExtractResult | tuple[ModelStatus, ...] | None

REQUESTS: dict[str, type[Request]] = {"encode": EncodeRequest, "score": ScoreRequest, "extract": ExtractRequest}
ERRORS: dict[str, type[EngineError]] = {
    kind.__name__: kind
    for kind in (
        errors.EngineError,
        errors.EngineUnavailable,
        errors.EngineBusy,
        errors.ModelNotFound,
        errors.ModelUnavailable,
        errors.ModelInvalid,
        errors.OutOfMemory,
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


def model_of(fields: Mapping[str, Any]) -> str:
    """The model that is meant where nothing else is asked."""
    model = fields.get("model", DEFAULT_MODEL)
    if not isinstance(model, str):
        raise RequestInvalid("The name of the model is not a text.")
    return model


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
            fields = {"extractions": rows, "model": result.model, "truncated": result.truncated}
            return Frame({"id": number, "result": fields})
        case tuple():
            return Frame({"id": number, "result": [dataclasses.asdict(status) for status in result]})
        case None:
            return Frame({"id": number, "result": None})


def error_frame(number: int, error: EngineError) -> Frame:
    """The answer to call `number` that failed."""
    fields: dict[str, Any] = {"kind": type(error).__name__, "message": str(error)}
    if isinstance(error, EngineBusy):
        fields["retry_after_seconds"] = error.retry_after_seconds
    return Frame({"id": number, "error": fields})


def checked(frame: Frame) -> Frame:
    """The same frame; raises the error that it carries, with its sentence word for word."""
    if "error" in frame.header:
        fields = frame.header["error"]
        kind = ERRORS[fields["kind"]]
        # past __init__, which would build the sentence anew
        error = kind.__new__(kind, fields["message"])
        if isinstance(error, EngineBusy):
            error.retry_after_seconds = fields["retry_after_seconds"]
        raise error
    return frame


def encode_result(frame: Frame) -> EncodeResult:
    """From the answer to `encode`."""
    fields = frame.header["result"]
    vectors = _numbers(frame.body).reshape(fields["shape"])
    more = {name: tuple(fields[name]) for name in ("tokens", "truncated", "rows")}
    return EncodeResult(vectors, model=fields["model"], kind=fields["kind"], **more)


def score_result(frame: Frame) -> ScoreResult:
    """From the answer to `score`."""
    fields = frame.header["result"]
    more = {name: tuple(fields[name]) for name in ("tokens", "truncated")}
    return ScoreResult(_numbers(frame.body), model=fields["model"], calibrated=fields["calibrated"], **more)


def extract_result(frame: Frame) -> ExtractResult:
    """From the answer to `extract`."""
    fields = frame.header["result"]
    extractions = tuple(Extraction(*row) for row in fields["extractions"])
    return ExtractResult(extractions, fields["model"], tuple(fields["truncated"]))


def model_statuses(frame: Frame) -> tuple[ModelStatus, ...]:
    """From the answer to `models`."""
    return tuple(model_status(row) for row in frame.header["result"])


def model_status(fields: Mapping[str, Any]) -> ModelStatus:
    """One model's, as JSON has it."""
    return dataclasses.replace(ModelStatus(**fields), abilities=tuple(fields["abilities"]))


def _fields(result: EncodeResult | ScoreResult, **more: object) -> dict[str, Any]:
    """All but the numbers, which travel as the body."""
    names = [field.name for field in dataclasses.fields(result) if field.name not in ("vectors", "scores")]
    return {name: getattr(result, name) for name in names} | more


def _numbers(body: bytes) -> NDArray[np.float32]:
    # numpy is late: the process that speaks the protocol answers its handshake without it
    import numpy as np

    return np.frombuffer(body, dtype="<f4")
