"""What goes wrong, as statuses and one shape of JSON: `{"error": {"type", "message"}}`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse

from tamis_engine import errors
from tamis_engine.errors import EngineBusy, EngineError

STATUSES: dict[type[EngineError], int] = {
    errors.EngineError: 500,
    errors.EngineUnavailable: 503,
    errors.EngineBusy: 429,
    errors.ModelNotFound: 404,
    errors.ModelUnavailable: 503,
    errors.ModelInvalid: 422,
    errors.OutOfMemory: 507,
    errors.RequestInvalid: 400,
}


class Refused(Exception):
    """A request that never reaches the engine. `kind` is the error's type."""

    def __init__(self, status: int, kind: str, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.kind = kind
        self.headers = headers

    def response(self) -> JSONResponse:
        """The answer."""
        return JSONResponse(described(self.kind, str(self)), self.status, self.headers)


def described(kind: str, message: str) -> dict[str, Any]:
    """The one shape."""
    return {"error": {"type": kind, "message": message}}


def engine_failed(error: EngineError) -> JSONResponse:
    """The engine's own sentence under the status that fits it."""
    # a number of whole seconds is all that the header can say
    headers = {"Retry-After": f"{math.ceil(error.retry_after_seconds)}"} if isinstance(error, EngineBusy) else None
    return JSONResponse(described(type(error).__name__, str(error)), STATUSES[type(error)], headers)


async def on_engine_error(_request: Request, error: Exception) -> JSONResponse:
    """For `EngineError`."""
    assert isinstance(error, EngineError)
    return engine_failed(error)


async def on_refused(_request: Request, error: Exception) -> JSONResponse:
    """For `Refused`."""
    assert isinstance(error, Refused)
    return error.response()


async def on_no_route(request: Request, _error: Exception) -> JSONResponse:
    """No such path."""
    message = f"There is nothing at {request.url.path}. GET /v1/models lists the models; the README lists the paths."
    return Refused(404, "NotFound", message).response()


async def on_wrong_method(request: Request, _error: Exception) -> JSONResponse:
    """The path is right."""
    other = "POST" if request.method == "GET" else "GET"
    return Refused(405, "MethodNotAllowed", f"{request.url.path} takes {other}.", {"Allow": other}).response()


async def on_bug(request: Request, error: Exception) -> JSONResponse:
    """Whatever else; the server's log has the traceback."""
    message = (
        f"{request.url.path} failed because of a bug in Tamis ({type(error).__name__}); the server's log says more."
    )
    return Refused(500, "InternalError", message).response()
