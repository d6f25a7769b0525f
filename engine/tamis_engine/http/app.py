"""The service: paths, and what happens between a request and its answer."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import anyio
from anyio import to_thread
from pydantic import BaseModel, ConfigDict
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from tamis_engine import limits
from tamis_engine.errors import EngineError, EngineUnavailable
from tamis_engine.http import binary, failures, loading, openai, own, reranking, tei
from tamis_engine.http.caller import received, unless_left
from tamis_engine.http.guard import OPEN_TO_ALL, Guard
from tamis_engine.http.metrics import CONTENT_TYPE, EngineNumbers, Metrics
from tamis_engine.http.shape import Result, Shape, json
from tamis_engine.protocol import DEFAULT_MODEL, EncodeRequest, EncodeResult, Engine, ScoreRequest

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

    from starlette.requests import Request

SHAPES: dict[str, type[Shape[Any]]] = {
    "/v1/encode": own.Encode,
    "/v1/score": own.Score,
    "/v1/extract": own.Extract,
    "/v1/embeddings": openai.Embeddings,
    "/v1/rerank": reranking.Rerank,
    "/embed": tei.Embed,
    "/rerank": tei.Rerank,
}
READY_SECONDS = 5.0

HANDLERS: dict[Any, Callable[[Request, Exception], Awaitable[Response]]] = {
    EngineError: failures.on_engine_error,
    failures.Refused: failures.on_refused,
    404: failures.on_no_route,
    405: failures.on_wrong_method,
    Exception: failures.on_bug,
}


class Named(BaseModel):
    """The body of what is done with one model."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    model: str


class Pin(Named):
    """`pinned` false lets the model be evicted again."""

    pinned: bool = True


def app(engine: Engine, token: str | None = None, engine_numbers: EngineNumbers | None = None) -> Starlette:
    """The service over `engine`, which is open as long as the service runs.

    Without a `token` it answers programs of this machine alone. `engine_numbers` are shown among the metrics.
    """
    service = _Service(engine, engine_numbers or _none)
    routes = [Route(path, partial(service.ask, shape), methods=["POST"]) for path, shape in SHAPES.items()]
    routes += [
        Route("/v1/models", service.models, methods=["GET"]),
        Route("/v1/models/load", service.load, methods=["POST"]),
        Route("/v1/models/unload", service.unload, methods=["POST"]),
        Route("/v1/models/pin", service.pin, methods=["POST"]),
        Route("/ready", service.ready, methods=["GET"]),
        Route("/metrics", service.metrics, methods=["GET"]),
        Route(OPEN_TO_ALL, _health, methods=["GET"]),
    ]
    return Starlette(routes=routes, middleware=[Middleware(Guard, token=token)], exception_handlers=HANDLERS)


@dataclass(slots=True)
class _Service:
    engine: Engine
    engine_numbers: EngineNumbers
    counts: Metrics = field(default_factory=Metrics)

    async def ask(self, kind: type[Shape[Any]], request: Request) -> Response:
        """Encode, score or extract, in whatever shape it is asked."""
        shape = await received(request, kind)
        asked = shape.request()
        with self._counted(asked):
            limits.check(asked)
            result = await unless_left(request, partial(_done, self.engine, asked))
            self.counts.answered(_operation(asked), result.model, getattr(result, "tokens", ()))
        if isinstance(result, EncodeResult) and kind is own.Encode and binary.accepted(_accept(request)):
            return Response(binary.packed(result), media_type=binary.MEDIA_TYPE)
        # in a thread: thousands of vectors as JSON take a while
        return await to_thread.run_sync(shape.answer, result)

    async def models(self, _request: Request) -> Response:
        """OpenAI's list, with our fields beside its own."""
        models = await self.engine.models()
        rows = [
            {"id": each.name, "object": "model", "created": 0, "owned_by": "tamis", **asdict(each)} for each in models
        ]
        return json({"object": "list", "data": rows})

    async def load(self, request: Request) -> Response:
        """Answers once the model is there; tells the steps to a client that takes them."""
        model = (await received(request, Named)).model
        if media_type := loading.wanted(_accept(request)):
            return loading.LoadTold(self.engine, model, media_type)
        await unless_left(request, partial(self.engine.ready, model))
        return json({"model": model, "state": "resident"})

    async def unload(self, request: Request) -> Response:
        """Once nobody uses it."""
        model = (await received(request, Named)).model
        await self.engine.unload(model)
        return json({"model": model, "state": "draining"})

    async def pin(self, request: Request) -> Response:
        """Pin or unpin."""
        asked = await received(request, Pin)
        await unless_left(request, partial(self.engine.pin, asked.model, asked.pinned))
        return json({"model": asked.model, "pinned": asked.pinned})

    async def ready(self, _request: Request) -> Response:
        """Whether the default model answers; begins to load it."""
        with anyio.move_on_after(READY_SECONDS) as waiting:
            await self.engine.ready()
        if waiting.cancelled_caught:
            raise EngineUnavailable(f"{DEFAULT_MODEL} is still loading.")
        return json({"status": "ready"})

    async def metrics(self, _request: Request) -> Response:
        """For Prometheus."""
        text = self.counts.text(await self.engine.models(), await self.engine_numbers())
        return PlainTextResponse(text, headers={"Content-Type": CONTENT_TYPE})

    @contextmanager
    def _counted(self, asked: limits.Request) -> Generator[None]:
        began, outcome = time.monotonic(), "InternalError"
        self.counts.open += 1
        try:
            yield
            outcome = "ok"
        except EngineError as error:
            outcome = type(error).__name__
            raise
        except failures.Refused as refused:
            outcome = refused.kind
            raise
        finally:
            self.counts.open -= 1
            self.counts.ended(_operation(asked), asked.model, outcome, time.monotonic() - began)


async def _done(engine: Engine, asked: limits.Request) -> Result:
    match asked:
        case EncodeRequest():
            return await engine.encode(asked)
        case ScoreRequest():
            return await engine.score(asked)
        case _:
            return await engine.extract(asked)


def _operation(asked: limits.Request) -> str:
    return type(asked).__name__.removesuffix("Request").lower()


async def _health(_request: Request) -> Response:
    return json({"status": "alive"})


async def _none() -> Mapping[str, float]:
    return {}


def _accept(request: Request) -> str:
    return request.headers.get("accept", "")
