"""The engine of another machine, over HTTP: see `tamis_engine.http`."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, Self, TypeVar

import httpx2

from tamis_engine import limits
from tamis_engine.errors import EngineBusy, EngineError, EngineUnavailable, RequestInvalid
from tamis_engine.http import binary
from tamis_engine.process import codec
from tamis_engine.protocol import (
    DEFAULT_MODEL,
    EncodeRequest,
    EncodeResult,
    Extraction,
    ExtractRequest,
    ExtractResult,
    Loading,
    ModelStatus,
    OnProgress,
    ScoreRequest,
    ScoreResult,
)

if TYPE_CHECKING:
    from collections.abc import Generator

R = TypeVar("R")

TRIES = 2
CONNECT_SECONDS = 10.0
ANSWER_SECONDS = 300.0
"""The longest silence: a request may wait for a model that is loaded first."""
NDJSON = "application/x-ndjson"


class RemoteEngine:
    """An `Engine` behind a URL. A call whose connection is lost is made once more; none is harmful twice."""

    def __init__(self, url: str, token: str | None = None, transport: httpx2.AsyncBaseTransport | None = None) -> None:
        self.url = url.rstrip("/")
        self._token = token
        self._transport = transport
        self._client: httpx2.AsyncClient | None = None

    async def __aenter__(self) -> Self:
        self._client = httpx2.AsyncClient(
            base_url=self.url,
            headers={"Authorization": f"Bearer {self._token}"} if self._token else None,
            timeout=httpx2.Timeout(ANSWER_SECONDS, connect=CONNECT_SECONDS),
            transport=self._transport,
        )
        return self

    async def __aexit__(self, *exc: object) -> None:
        assert self._client
        await self._client.aclose()
        self._client = None

    def stop(self) -> None:
        """Nothing of ours runs that a signal would have to end."""

    async def encode(self, request: EncodeRequest) -> EncodeResult:
        """See `Engine`."""
        response = await self._ask("/v1/encode", request, binary.MEDIA_TYPE)
        with self._readable():
            return binary.unpacked(response.content)

    async def score(self, request: ScoreRequest) -> ScoreResult:
        """See `Engine`."""
        # late: only answers need it
        import numpy as np

        fields = await self._asked("/v1/score", request)
        with self._readable():
            scores = np.array(fields.pop("scores"), np.float32)
            return ScoreResult(scores, **_tuples(fields))

    async def extract(self, request: ExtractRequest) -> ExtractResult:
        """See `Engine`."""
        fields = await self._asked("/v1/extract", request)
        with self._readable():
            extractions = tuple(Extraction(**row) for row in fields.pop("extractions"))
            return ExtractResult(extractions, **_tuples(fields))

    async def models(self) -> tuple[ModelStatus, ...]:
        """See `Engine`."""
        response = await self._twice(partial(self._send, "GET", "/v1/models"))
        known = {field.name for field in dataclasses.fields(ModelStatus)}
        with self._readable():
            rows = response.json()["data"]
            return tuple(codec.model_status({name: row[name] for name in known & row.keys()}) for row in rows)

    async def ready(self, model: str = DEFAULT_MODEL, on_progress: OnProgress | None = None) -> None:
        """See `Engine`."""
        await self._twice(partial(self._load, model, on_progress))

    async def unload(self, model: str) -> None:
        """See `Engine`."""
        await self._post("/v1/models/unload", {"model": model})

    async def pin(self, model: str, pinned: bool = True) -> None:
        """See `Engine`."""
        await self._post("/v1/models/pin", {"model": model, "pinned": pinned})

    async def _ask(self, path: str, request: limits.Request, accept: str = "*/*") -> httpx2.Response:
        limits.check(request)
        return await self._post(path, codec.request_fields(request), accept)

    async def _asked(self, path: str, request: limits.Request) -> dict[str, Any]:
        response = await self._ask(path, request)
        with self._readable():
            return response.json()

    async def _post(self, path: str, fields: Mapping[str, object], accept: str = "*/*") -> httpx2.Response:
        return await self._twice(partial(self._send, "POST", path, fields, accept))

    async def _send(
        self, method: str, path: str, fields: Mapping[str, object] | None = None, accept: str = "*/*"
    ) -> httpx2.Response:
        async with self._answer(method, path, fields, accept) as response:
            await response.aread()
            return response

    async def _load(self, model: str, on_progress: OnProgress | None) -> None:
        async with self._answer("POST", "/v1/models/load", {"model": model}, NDJSON) as response:
            line: dict[str, Any] = {}
            async for text in response.aiter_lines():
                with self._readable():
                    line = json.loads(text)
                if "step" in line and on_progress:
                    on_progress(Loading(**line))
        if "error" in line:
            raise self._error(line["error"])
        if "state" not in line:
            raise EngineUnavailable(f"{self.url} broke off while {model} was loading.")

    @asynccontextmanager
    async def _answer(
        self, method: str, path: str, fields: Mapping[str, object] | None, accept: str
    ) -> AsyncGenerator[httpx2.Response]:
        """The response before its body; raises what it says went wrong."""
        if self._client is None:
            raise EngineUnavailable("it is not open (`async with` opens it).")
        # half a surrogate pair is no Unicode, and one character for another keeps all offsets
        content = None if fields is None else json.dumps(fields, ensure_ascii=False).encode("utf-8", "replace")
        headers = {"Accept": accept} | ({"Content-Type": "application/json"} if content else {})
        async with self._client.stream(method, path, content=content, headers=headers) as response:
            if response.is_error or response.is_redirect:
                await response.aread()
                raise self._failure(response)
            yield response

    async def _twice(self, call: Callable[[], Awaitable[R]]) -> R:
        reason = ""
        for _ in range(TRIES):
            try:
                return await call()
            except httpx2.TimeoutException as error:
                raise EngineUnavailable(f"{self.url} does not answer.") from error
            except httpx2.TransportError as error:
                reason = str(error) or type(error).__name__
        raise EngineUnavailable(f"{self.url} can't be reached ({reason}).")

    def _failure(self, response: httpx2.Response) -> EngineError:
        try:
            error = self._error(response.json()["error"])
        except (ValueError, KeyError, TypeError):
            return EngineUnavailable(f"{self.url} answers {response.status_code}, as no engine of Tamis does.")
        if isinstance(error, EngineBusy):
            error.retry_after_seconds = float(response.headers.get("Retry-After", 1))
        return error

    def _error(self, fields: Mapping[str, str]) -> EngineError:
        """The engine's own error with its own sentence; what the service refuses is one of ours."""
        kind = codec.ERRORS.get(fields["type"])
        if kind:
            # past __init__, which would build the sentence anew
            return kind.__new__(kind, fields["message"])
        if fields["type"] in ("TooLarge", "MalformedJson"):
            return RequestInvalid(fields["message"])
        return EngineUnavailable(f"{self.url} refuses: {fields['message']}")

    @contextmanager
    def _readable(self) -> Generator[None]:
        try:
            yield
        except (ValueError, KeyError, TypeError) as error:
            raise EngineUnavailable(f"{self.url} answers something that is not understood ({error!r}).") from error


def _tuples(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in fields.items()}
