"""A reader behind any OpenAI-compatible chat endpoint: what was once answered is kept on disk and not asked again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import anyio
import httpx2
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tamis_evals.readers.reader import ReaderFailed, Reading

NOT_STATED = "not stated"
INSTRUCTIONS = (
    "Answer the question from the context alone, in as few words as possible, without a sentence around them. "
    f'If the context does not hold the answer, say "{NOT_STATED}".'
)
ANSWER_TOKENS = 64
TRIES = 5
LONGEST_PAUSE_SECONDS = 60.0
ANSWER_SECONDS = 600.0
"""A local model may take minutes to read 128k tokens."""
CONNECT_SECONDS = 10.0
BUSY = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 529})
"""Statuses that pass: the same may be asked again a little later."""
REFUSED = frozenset({401, 403})

Pause = Callable[[float], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a model is asked: `url` up to and with `/v1`. `key` may be empty, as for most local servers."""

    url: str
    model: str
    key: str = ""


@dataclass(frozen=True, slots=True)
class Prices:
    """Dollars for a million tokens: read, read from the provider's cache, and written."""

    read: float
    cached: float
    written: float

    def dollars(self, reading: Reading, cached: bool = True) -> float | None:
        """What the reading cost; without `cached` as if nothing had been in a cache. None where tokens are unknown."""
        if reading.tokens is None or reading.answer_tokens is None:
            return None
        known = reading.cached_tokens or 0 if cached else 0
        read = (reading.tokens - known) * self.read + known * self.cached
        return (read + reading.answer_tokens * self.written) / 1e6


class _Lenient(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class _Details(_Lenient):
    cached_tokens: int | None = None


class _Usage(_Lenient):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    prompt_tokens_details: _Details | None = None


class _Message(_Lenient):
    content: str | None = None


class _Choice(_Lenient):
    message: _Message


class _Completion(_Lenient):
    choices: list[_Choice] = Field(min_length=1)
    usage: _Usage | None = None


class EndpointReader:
    """Asks at temperature 0. `folder` keeps each answer under the SHA-256 of the model and the whole prompt."""

    extracts = False

    def __init__(self, endpoint: Endpoint, folder: Path, pause: Pause = anyio.sleep) -> None:
        self.name = endpoint.model
        self._endpoint = endpoint
        self._folder = folder
        self._pause = pause
        headers = {"Authorization": f"Bearer {endpoint.key}"} if endpoint.key else {}
        timeout = httpx2.Timeout(ANSWER_SECONDS, connect=CONNECT_SECONDS)
        self._client = httpx2.AsyncClient(headers=headers, timeout=timeout)

    async def __aenter__(self) -> Self:
        await self._client.__aenter__()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._client.aclose()

    async def answer(self, question: str, text: str) -> Reading:
        """What the model says, or said before; raises `ReaderFailed`."""
        asked = self._request(question, text)
        kept = self._folder / f"{_digest(asked)}.json"
        if kept.exists():
            return _reading(_Completion.model_validate_json(kept.read_text(encoding="utf-8")))
        found = self._understood(await self._post(asked))
        self._folder.mkdir(parents=True, exist_ok=True)
        scratch = kept.with_suffix(".new")
        scratch.write_text(found.model_dump_json() + "\n", encoding="utf-8")
        scratch.replace(kept)
        return _reading(found)

    def _request(self, question: str, text: str) -> dict[str, Any]:
        # the context first: a provider's cache then serves every question about the same text
        content = f"Context:\n{text}\n\nQuestion: {question}"
        messages = [{"role": "system", "content": INSTRUCTIONS}, {"role": "user", "content": content}]
        return {
            "model": self._endpoint.model,
            "messages": messages,
            "temperature": 0,
            "max_tokens": ANSWER_TOKENS,
        }

    async def _post(self, asked: dict[str, Any]) -> httpx2.Response:
        """The answer with status 200; asked again, later each time, while the endpoint is busy."""
        reason = ""
        for attempt in range(TRIES):
            if attempt:
                await self._pause(min(2.0**attempt, LONGEST_PAUSE_SECONDS))
            try:
                response = await self._client.post(f"{self._endpoint.url.rstrip('/')}/chat/completions", json=asked)
            except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.UnsupportedProtocol) as error:
                url = self._endpoint.url
                raise ReaderFailed(
                    f"No reader answers at {url} ({error}). Start it, or give its address with --reader-url."
                ) from error
            except httpx2.TransportError as error:
                reason = f"the connection broke ({error or type(error).__name__})"
                continue
            if response.status_code not in BUSY:
                return response
            reason = f"it answers {response.status_code} ({_said(response)})"
        raise ReaderFailed(f"The reader at {self._endpoint.url} was asked {TRIES} times: {reason}. Try again later.")

    def _understood(self, response: httpx2.Response) -> _Completion:
        url, model, status = self._endpoint.url, self._endpoint.model, response.status_code
        if status in REFUSED:
            raise ReaderFailed(f"The reader at {url} refuses the key ({status}: {_said(response)}).")
        if status == 404:
            raise ReaderFailed(
                f"The reader at {url} knows no model {model!r}, or the address lacks its /v1 ({_said(response)})."
            )
        if status != 200:
            raise ReaderFailed(f"The reader at {url} answers {status}: {_said(response)}")
        try:
            return _Completion.model_validate_json(response.content)
        except ValidationError as error:
            raise ReaderFailed(f"The reader at {url} sends no chat completion: {response.text[:200]!r}.") from error


def _digest(asked: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()


def _reading(found: _Completion) -> Reading:
    said = (found.choices[0].message.content or "").strip()
    usage = found.usage or _Usage()
    cached = usage.prompt_tokens_details.cached_tokens if usage.prompt_tokens_details else None
    answer = "" if said.lower().strip(" .\"'") == NOT_STATED else said
    return Reading(answer, None, usage.prompt_tokens, cached, usage.completion_tokens)


def _said(response: httpx2.Response) -> str:
    return " ".join(response.text.split())[:200] or "nothing more"
