"""The engine behind a URL answers as the engine itself does."""

from __future__ import annotations

from collections.abc import Callable

import httpx2
import numpy as np
import pytest

from tamis_engine import errors, limits
from tamis_engine.http.app import app
from tamis_engine.protocol import DEFAULT_MODEL, EncodeRequest, ExtractRequest, Kind, Loading, ScoreRequest
from tamis_engine.remote import RemoteEngine
from tests.engine.http.conftest import TOKEN
from tests.fakes import OTHER_MODEL, FakeEngine

pytestmark = pytest.mark.anyio

Answer = Callable[[httpx2.Request], httpx2.Response]


def remote(engine: FakeEngine, token: str | None = TOKEN) -> RemoteEngine:
    transport = httpx2.ASGITransport(app(engine, TOKEN), raise_app_exceptions=False)
    return RemoteEngine("http://engine/", token, transport)


def scripted(*answers: Answer | httpx2.Response | Exception) -> tuple[RemoteEngine, list[httpx2.Request]]:
    """One that is answered as told, and what it asked."""
    left, asked = list(answers), list[httpx2.Request]()

    def answer(request: httpx2.Request) -> httpx2.Response:
        asked.append(request)
        match left.pop(0):
            case Exception() as error:
                raise error
            case httpx2.Response() as response:
                return response
            case make:
                return make(request)

    return RemoteEngine("http://engine", None, httpx2.MockTransport(answer)), asked


@pytest.mark.parametrize("kind", ["dense", "sparse", "multivector"])
async def test_vectors_of_every_kind_come_as_they_are(engine: FakeEngine, kind: Kind) -> None:
    request = EncodeRequest(("a b", "cafe\u0301 \U0001f600"), OTHER_MODEL, kind, "query", "find it")
    async with remote(engine) as far:
        result = await far.encode(request)
    expected = await engine.encode(request)
    assert engine.requests[0] == request
    np.testing.assert_array_equal(result.vectors, expected.vectors)
    assert result.vectors.dtype == np.float32
    for name in ("tokens", "truncated", "model", "kind", "rows"):
        assert getattr(result, name) == getattr(expected, name)


async def test_scores_extractions_and_no_texts_at_all_come_as_they_are(engine: FakeEngine) -> None:
    score, extract = ScoreRequest("a", ("alpha", "beta"), OTHER_MODEL), ExtractRequest(("b",), ("a b",), threshold=0.1)
    async with remote(engine) as far:
        scores, extractions = await far.score(score), await far.extract(extract)
        nothing = await far.encode(EncodeRequest(()))
    expected = await engine.score(score)
    np.testing.assert_array_equal(scores.scores, expected.scores)
    assert (scores.tokens, scores.calibrated, scores.truncated) == (expected.tokens, False, (False, False))
    assert extractions == await engine.extract(extract)
    assert nothing.vectors.shape[0] == 0


async def test_models_are_seen_and_changed(engine: FakeEngine) -> None:
    async with remote(engine) as far:
        await far.pin(OTHER_MODEL)
        assert await far.models() == await engine.models()
        assert (engine.resident, engine.pinned) == ({OTHER_MODEL}, {OTHER_MODEL})
        await far.pin(OTHER_MODEL, pinned=False)
        await far.unload(OTHER_MODEL)
        await far.ready()
    assert (engine.resident, engine.pinned) == ({DEFAULT_MODEL}, set())


async def test_a_load_is_told_as_it_goes(engine: FakeEngine) -> None:
    engine.steps = (Loading(OTHER_MODEL, "downloading", 1, 2), Loading(OTHER_MODEL, "loading"))
    told: list[Loading] = []
    async with remote(engine) as far:
        await far.ready(OTHER_MODEL, told.append)
    assert tuple(told) == engine.steps


@pytest.mark.parametrize(
    "error",
    [
        errors.ModelNotFound("a", ("b",)),
        errors.ModelUnavailable("a", "no network."),
        errors.ModelInvalid("a", "no weights."),
        errors.OutOfMemory("2 GB do not fit into 1 GB."),
        errors.RequestInvalid("No."),
        errors.EngineUnavailable("it died."),
    ],
)
async def test_errors_come_back_as_what_they_are(engine: FakeEngine, error: errors.EngineError) -> None:
    engine.failure = error
    async with remote(engine) as far:
        for call in (far.encode(EncodeRequest(("a",))), far.ready(OTHER_MODEL), far.pin(OTHER_MODEL)):
            with pytest.raises(type(error)) as caught:
                await call
            assert str(caught.value) == str(error)


async def test_a_load_that_fails_half_way_raises_its_error(engine: FakeEngine) -> None:
    async def fails() -> None:
        raise errors.OutOfMemory("2 GB do not fit into 1 GB.")

    engine.steps, engine.loads = (Loading(OTHER_MODEL, "loading"),), fails
    async with remote(engine) as far:
        with pytest.raises(errors.OutOfMemory, match="2 GB do not fit"):
            await far.ready(OTHER_MODEL)


async def test_a_busy_engine_says_when_to_ask_again(engine: FakeEngine) -> None:
    engine.failure = errors.EngineBusy(5_000, 2.5)
    async with remote(engine) as far:
        with pytest.raises(errors.EngineBusy, match=r"5,000 tokens are waiting") as caught:
            await far.encode(EncodeRequest(("a",)))
    assert caught.value.retry_after_seconds == 3


async def test_a_wrong_token_is_told_with_the_address(engine: FakeEngine) -> None:
    async with remote(engine, "wrong") as far:
        with pytest.raises(errors.EngineUnavailable, match="http://engine refuses: Send the token"):
            await far.models()


async def test_what_is_over_the_limits_is_not_even_sent(engine: FakeEngine) -> None:
    far, asked = scripted()
    async with far:
        with pytest.raises(errors.RequestInvalid):
            await far.encode(EncodeRequest(("a",) * (limits.MAX_TEXTS + 1)))
    assert asked == []


async def test_half_a_surrogate_pair_becomes_another_single_character(engine: FakeEngine) -> None:
    async with remote(engine) as far:
        await far.encode(EncodeRequest(("a\ud800b",)))
    assert engine.requests == [EncodeRequest(("a?b",))]


async def test_a_lost_connection_is_tried_once_more() -> None:
    lost = httpx2.ReadError("reset")
    far, asked = scripted(lost, httpx2.Response(200, json={"extractions": [], "model": "m", "truncated": []}))
    async with far:
        assert (await far.extract(ExtractRequest((), ()))).model == "m"
        assert len(asked) == 2
    far, asked = scripted(lost, lost)
    async with far:
        with pytest.raises(errors.EngineUnavailable, match=r"http://engine can't be reached \(reset\)"):
            await far.unload("m")
        assert len(asked) == 2


async def test_silence_is_not_tried_again() -> None:
    far, asked = scripted(httpx2.ReadTimeout(""))
    async with far:
        with pytest.raises(errors.EngineUnavailable, match="does not answer"):
            await far.models()
    assert len(asked) == 1


@pytest.mark.parametrize(
    ("response", "sentence"),
    [
        (httpx2.Response(404, text="nginx"), "answers 404, as no engine of Tamis does"),
        (httpx2.Response(301, headers={"Location": "/x"}), "answers 301"),
        (httpx2.Response(200, text="<html>"), "not understood"),
        (httpx2.Response(200, json={"data": [{"name": "m"}]}), "not understood"),
    ],
)
async def test_something_else_at_the_address_is_told(response: httpx2.Response, sentence: str) -> None:
    far, _ = scripted(response)
    async with far:
        with pytest.raises(errors.EngineUnavailable, match=sentence):
            await far.models()


async def test_a_load_that_breaks_off_is_no_success() -> None:
    far, _ = scripted(httpx2.Response(200, text='{"model": "m", "step": "loading", "done": 0, "total": 0}\n'))
    async with far:
        with pytest.raises(errors.EngineUnavailable, match="broke off while m was loading"):
            await far.ready("m")


async def test_a_newer_engine_may_say_more_of_its_models(engine: FakeEngine) -> None:
    rows = (await engine.models())[0]
    fields = {name: getattr(rows, name) for name in rows.__dataclass_fields__}
    far, _ = scripted(httpx2.Response(200, json={"data": [{**fields, "colour": "red"}]}))
    async with far:
        assert await far.models() == (rows,)


async def test_a_closed_one_says_so() -> None:
    far, _ = scripted()
    with pytest.raises(errors.EngineUnavailable, match="not open"):
        await far.models()
