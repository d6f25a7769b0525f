"""What every shape of request has in common: it becomes a request of the engine, and the answer takes its form."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Annotated, Any, Generic, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from starlette.responses import Response

from tamis_engine.limits import Request
from tamis_engine.protocol import EncodeResult, ExtractResult, ScoreResult

Result = EncodeResult | ScoreResult | ExtractResult
R = TypeVar("R", EncodeResult, ScoreResult, ExtractResult)

TRUNCATED = "Tamis-Truncated"
"""Header of answers whose shape has no word for it: how many texts were not read to their end."""


class Shape(BaseModel, ABC, Generic[R]):
    """The body of one kind of request."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @abstractmethod
    def request(self) -> Request:
        """What the engine is asked. Raises `RequestInvalid`."""

    @abstractmethod
    def answer(self, result: R) -> Response:
        """The response."""


def _left_as_it_is(value: bool | None) -> bool | None:
    if value is False:
        raise ValueError("vectors are always of length 1 here, and scores probabilities; leave it out")
    return value


def json(content: Any, truncated: tuple[bool, ...] = ()) -> Response:
    """A response of JSON, by way of a serialiser that takes many numbers in its stride."""
    # late: only answers need it
    from pydantic_core import to_json

    headers = {TRUNCATED: str(sum(truncated))} if any(truncated) else None
    return Response(to_json(content), media_type="application/json", headers=headers)


Normalised = Annotated[bool | None, AfterValidator(_left_as_it_is)]
"""A switch of other servers that can't be turned off."""
Texts = Annotated[tuple[str, ...], Field(min_length=1)]
