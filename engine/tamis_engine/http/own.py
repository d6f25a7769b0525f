"""`/v1/encode`, `/v1/score` and `/v1/extract`: the engine's protocol, field by field."""

from __future__ import annotations

import dataclasses

from pydantic import Field
from starlette.responses import Response

from tamis_engine import protocol
from tamis_engine.http.shape import Shape, json
from tamis_engine.protocol import DEFAULT_MODEL, EncodeResult, ExtractResult, Kind, Role, ScoreResult


class Encode(Shape[EncodeResult]):
    """See `EncodeRequest`."""

    texts: tuple[str, ...]
    model: str = DEFAULT_MODEL
    kind: Kind = "dense"
    role: Role = "passage"
    instruction: str = ""
    dimensions: int = Field(0, ge=0)

    def request(self) -> protocol.EncodeRequest:
        """As it stands."""
        return protocol.EncodeRequest(**dict(self))

    def answer(self, result: EncodeResult) -> Response:
        """The result's fields."""
        return json({**_fields(result), "vectors": result.vectors.tolist()})


class Score(Shape[ScoreResult]):
    """See `ScoreRequest`."""

    query: str
    passages: tuple[str, ...]
    model: str = DEFAULT_MODEL
    instruction: str = ""

    def request(self) -> protocol.ScoreRequest:
        """As it stands."""
        return protocol.ScoreRequest(**dict(self))

    def answer(self, result: ScoreResult) -> Response:
        """The result's fields."""
        return json({**_fields(result), "scores": result.scores.tolist()})


class Extract(Shape[ExtractResult]):
    """See `ExtractRequest`."""

    labels: tuple[str, ...]
    passages: tuple[str, ...]
    model: str = DEFAULT_MODEL
    threshold: float | None = Field(None, ge=0, le=1)
    share: float | None = Field(None, ge=0, le=1)

    def request(self) -> protocol.ExtractRequest:
        """As it stands."""
        return protocol.ExtractRequest(**dict(self))

    def answer(self, result: ExtractResult) -> Response:
        """The result's fields; extractions are objects."""
        return json(dataclasses.asdict(result))


def _fields(result: EncodeResult | ScoreResult) -> dict[str, object]:
    return {field.name: getattr(result, field.name) for field in dataclasses.fields(result)}
