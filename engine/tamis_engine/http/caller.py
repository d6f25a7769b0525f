"""The client at the other end: what it sent, and whether it is still there."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

import anyio
from pydantic import BaseModel, ValidationError

from tamis_engine.http.failures import Refused
from tamis_engine.process.wire import MAX_FRAME_BYTES

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails
    from starlette.requests import Request
    from starlette.types import Receive

B = TypeVar("B", bound=BaseModel)
R = TypeVar("R")

MAX_BODY_BYTES = MAX_FRAME_BYTES
"""Whatever limits.py lets pass fits, even where JSON escapes every character of it."""
BODY_SECONDS = 60.0
MOST_PROBLEMS = 3
LEFT = 499
"""The status that nobody reads: the client has gone."""


async def received(request: Request, shape: type[B]) -> B:
    """The body as `shape`. Raises `Refused`: 400, 408 or 413."""
    body = await _body(request)
    try:
        return shape.model_validate_json(body)
    except ValidationError as error:
        problems = error.errors(include_url=False, include_context=False)[:MOST_PROBLEMS]
    kind = "MalformedJson" if problems[0]["type"] == "json_invalid" else "RequestInvalid"
    raise Refused(400, kind, " ".join(_sentence(problem) for problem in problems))


async def unless_left(request: Request, work: Callable[[], Awaitable[R]]) -> R:
    """What `work` gives; a client that leaves cancels it. For after the body. Raises `Refused`."""
    done: list[R] = []
    try:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(cancel_when_left, request.receive, tasks.cancel_scope)
            done.append(await work())
            tasks.cancel_scope.cancel()
    except ExceptionGroup as group:
        raise group.exceptions[0] from None  # that of `work`: the other task raises nothing
    if not done:
        raise Refused(LEFT, "ClientLeft", "The client has gone.")
    return done[0]


async def cancel_when_left(receive: Receive, scope: anyio.CancelScope) -> None:
    """Waits for the end of the connection, once the body is read."""
    while (await receive())["type"] != "http.disconnect":
        pass
    scope.cancel()


async def _body(request: Request) -> bytes:
    too_large = Refused(
        413, "TooLarge", f"The body is larger than the {MAX_BODY_BYTES:,} bytes that are possible. Split it."
    )
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > MAX_BODY_BYTES:
        raise too_large
    body = bytearray()
    with anyio.move_on_after(BODY_SECONDS) as waiting:
        async for chunk in request.stream():
            body += chunk
            if len(body) > MAX_BODY_BYTES:
                raise too_large
    if waiting.cancelled_caught:
        raise Refused(408, "Timeout", f"The body did not come within {BODY_SECONDS:.0f} s.")
    return bytes(body)


def _sentence(problem: ErrorDetails) -> str:
    where = ".".join(map(str, problem["loc"]))
    what = problem["msg"].removeprefix("Value error, ").rstrip(".")
    return f"{where}: {what}." if where else f"{what}."
