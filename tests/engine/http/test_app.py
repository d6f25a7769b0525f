"""Who is let in, what goes wrong, models, and the numbers for Prometheus."""

from __future__ import annotations

import json

import anyio
import httpx2
import pytest

from tamis_engine import errors, limits
from tamis_engine.http import app as module
from tamis_engine.http import loading
from tamis_engine.http.app import SHAPES, app
from tamis_engine.protocol import DEFAULT_MODEL, Loading
from tests.engine.http.conftest import TOKEN
from tests.fakes import OTHER_MODEL, FakeEngine

pytestmark = pytest.mark.anyio

HALF = Loading(OTHER_MODEL, "downloading", 5, 10)
DONE = {"model": OTHER_MODEL, "state": "resident"}


def here(engine: FakeEngine) -> httpx2.AsyncClient:
    """A client of a service without a token."""
    return httpx2.AsyncClient(transport=httpx2.ASGITransport(app(engine)), base_url="http://127.0.0.1:80")


async def test_all_but_health_wants_the_token(client: httpx2.AsyncClient) -> None:
    paths = (
        *SHAPES,
        "/v1/models",
        "/v1/models/load",
        "/v1/models/unload",
        "/v1/models/pin",
        "/ready",
        "/metrics",
        "/x",
    )
    for path in paths:
        for wrong in ("Bearer other", f"Basic {TOKEN}", "Bearer", f"Bearer {TOKEN}x"):
            response = await client.get(path, headers={"Authorization": wrong})
            assert response.status_code == 401
            assert response.json()["error"]["type"] == "Unauthorized"
            assert response.headers["www-authenticate"] == "Bearer"
    assert (await client.get("/health", headers={"Authorization": ""})).json() == {"status": "alive"}


async def test_without_a_token_programs_of_this_machine_are_served_and_pages_are_not(engine: FakeEngine) -> None:
    async with here(engine) as client:
        assert (await client.get("/v1/models")).status_code == 200
        assert (await client.get("/v1/models", headers={"Host": "[::1]:8080"})).status_code == 200
        for page in ({"Origin": "https://evil.example"}, {"Host": "evil.example"}, {"Origin": "null"}):
            response = await client.post("/v1/models/load", json={"model": OTHER_MODEL}, headers=page)
            assert response.status_code == 403
    assert not engine.resident


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (errors.EngineError("Odd."), 500),
        (errors.EngineUnavailable("it died."), 503),
        (errors.ModelNotFound("a", ("b",)), 404),
        (errors.ModelUnavailable("a", "no network."), 503),
        (errors.ModelInvalid("a", "no weights."), 422),
        (errors.OutOfMemory("2 GB do not fit into 1 GB."), 507),
        (errors.RequestInvalid("No."), 400),
    ],
)
async def test_errors_of_the_engine_keep_their_sentence(
    client: httpx2.AsyncClient, engine: FakeEngine, error: errors.EngineError, status: int
) -> None:
    engine.failure = error
    response = await client.post("/v1/encode", json={"texts": ["a"]})
    assert response.status_code == status
    assert response.json() == {"error": {"type": type(error).__name__, "message": str(error)}}


async def test_busy_says_when_to_ask_again(client: httpx2.AsyncClient, engine: FakeEngine) -> None:
    engine.failure = errors.EngineBusy(9_000, 2.2)
    response = await client.post("/v1/embeddings", json={"input": "a"})
    assert response.status_code == 429
    assert response.headers["retry-after"] == "3"


async def test_a_bug_is_told_without_its_details(client: httpx2.AsyncClient, engine: FakeEngine) -> None:
    engine.failure = RuntimeError("secret detail")
    response = await client.post("/v1/encode", json={"texts": ["a"]})
    assert response.status_code == 500
    assert response.json()["error"]["type"] == "InternalError"
    assert "secret" not in response.text


async def test_wrong_paths_and_methods_are_told(client: httpx2.AsyncClient) -> None:
    response = await client.post("/v1/embedings", json={})
    assert (response.status_code, response.json()["error"]["type"]) == (404, "NotFound")
    response = await client.get("/v1/encode")
    assert (response.status_code, response.headers["allow"]) == (405, "POST")
    assert response.json()["error"]["message"] == "/v1/encode takes POST."


@pytest.mark.parametrize("body", [b"", b"{", b'"text"', b'{"texts": ["\\ud800"]}', b"\xff", b"[" * 10_000])
async def test_a_malformed_body_is_refused(client: httpx2.AsyncClient, engine: FakeEngine, body: bytes) -> None:
    response = await client.post("/v1/encode", content=body)
    assert response.status_code == 400
    assert response.json()["error"]["message"]
    assert engine.requests == []


async def test_a_request_over_the_limits_is_refused_with_both_numbers(
    client: httpx2.AsyncClient, engine: FakeEngine
) -> None:
    response = await client.post("/v1/encode", json={"texts": ["a"] * (limits.MAX_TEXTS + 1)})
    assert response.status_code == 400
    assert "4,097 texts in one request; at most 4,096" in response.json()["error"]["message"]
    assert engine.requests == []


async def test_the_models_are_listed_as_openai_does_with_our_fields_beside(
    client: httpx2.AsyncClient, engine: FakeEngine
) -> None:
    engine.resident.add(OTHER_MODEL)
    said = (await client.get("/v1/models")).json()
    assert said["object"] == "list"
    row = said["data"][1]
    assert (row["id"], row["object"], row["owned_by"]) == (OTHER_MODEL, "model", "tamis")
    assert (row["name"], row["state"], row["abilities"], row["licence"]) == (
        OTHER_MODEL,
        "resident",
        ["dense"],
        "Apache-2.0",
    )


async def test_models_are_loaded_pinned_and_unloaded(client: httpx2.AsyncClient, engine: FakeEngine) -> None:
    named = {"model": OTHER_MODEL}
    assert (await client.post("/v1/models/load", json=named)).json() == DONE
    assert (await client.post("/v1/models/pin", json=named)).json() == {**named, "pinned": True}
    assert (engine.resident, engine.pinned) == ({OTHER_MODEL}, {OTHER_MODEL})
    assert (await client.post("/v1/models/pin", json={**named, "pinned": False})).json() == {**named, "pinned": False}
    assert (await client.post("/v1/models/unload", json=named)).status_code == 200
    assert (engine.resident, engine.pinned) == (set(), set())
    assert (await client.post("/v1/models/load", json={"model": "othr"})).status_code == 404


async def test_a_load_is_told_as_lines_or_as_events(client: httpx2.AsyncClient, engine: FakeEngine) -> None:
    engine.steps = (Loading(OTHER_MODEL, "waiting for room"), HALF)
    named = {"model": OTHER_MODEL}
    response = await client.post("/v1/models/load", json=named, headers={"Accept": "application/x-ndjson"})
    first, half, last = map(json.loads, response.text.splitlines())
    assert first["step"] == "waiting for room"
    assert half == {"model": OTHER_MODEL, "step": "downloading", "done": 5, "total": 10}
    assert last == DONE
    response = await client.post("/v1/models/load", json=named, headers={"Accept": "text/event-stream"})
    assert response.headers["content-type"].startswith("text/event-stream")
    events = response.text.split("\n\n")
    assert json.loads(events[2].removeprefix("data: ")) == DONE


async def test_a_load_that_fails_has_its_status_until_something_was_told(
    client: httpx2.AsyncClient, engine: FakeEngine
) -> None:
    lines = {"Accept": "application/x-ndjson"}
    response = await client.post("/v1/models/load", json={"model": "othr"}, headers=lines)
    assert (response.status_code, response.json()["error"]["type"]) == (404, "ModelNotFound")

    async def fails() -> None:
        raise errors.ModelUnavailable(OTHER_MODEL, "the disk is full.")

    engine.steps, engine.loads = (HALF,), fails
    response = await client.post("/v1/models/load", json={"model": OTHER_MODEL}, headers=lines)
    assert response.status_code == 200
    last = json.loads(response.text.splitlines()[-1])
    assert last["error"] == {"type": "ModelUnavailable", "message": "Model 'other' can't be had: the disk is full."}


async def test_a_silent_load_repeats_its_last_step(
    client: httpx2.AsyncClient, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loading, "SILENCE_SECONDS", 0.001)
    engine.steps = (HALF,)
    told, repeated = 0, anyio.Event()
    say = loading.LoadTold._say

    async def counted(*given: object, **more: object) -> None:
        nonlocal told
        told += 1
        if told == 3:
            repeated.set()
        await say(*given, **more)

    monkeypatch.setattr(loading.LoadTold, "_say", counted)
    engine.loads = repeated.wait
    response = await client.post(
        "/v1/models/load", json={"model": OTHER_MODEL}, headers={"Accept": "application/x-ndjson"}
    )
    assert [json.loads(line).get("step") for line in response.text.splitlines()[:3]] == ["downloading"] * 3


async def test_ready_says_so_once_the_default_model_is_there(
    client: httpx2.AsyncClient, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "READY_SECONDS", 0.01)
    engine.loads = anyio.sleep_forever
    response = await client.get("/ready")
    assert response.status_code == 503
    assert "still loading" in response.json()["error"]["message"]
    engine.loads = anyio.lowlevel.checkpoint
    assert (await client.get("/ready")).json() == {"status": "ready"}
    assert engine.resident == {DEFAULT_MODEL}


async def test_the_metrics_count_what_happened(engine: FakeEngine) -> None:
    async def numbers() -> dict[str, float]:
        return {"evictions": 3}

    transport = httpx2.ASGITransport(app(engine, TOKEN, numbers))
    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with httpx2.AsyncClient(transport=transport, base_url="http://engine", headers=headers) as client:
        await client.post("/v1/encode", json={"texts": ["a b", "c"]})
        await client.post("/embed", json={"inputs": ["a"]})
        await client.post("/v1/score", json={"query": "a", "passages": ["b"], "model": 'in"vented'})
        engine.resident.add(DEFAULT_MODEL)
        response = await client.get("/metrics")
    assert response.headers["content-type"].startswith("text/plain; version=0.0.4")
    lines = response.text.splitlines()
    for line in (
        f'tamis_requests_total{{operation="encode",model="{DEFAULT_MODEL}",outcome="ok"}} 2',
        'tamis_requests_total{operation="score",model="",outcome="ModelNotFound"} 1',
        f'tamis_tokens_total{{operation="encode",model="{DEFAULT_MODEL}"}} 4',
        'tamis_request_seconds_bucket{operation="encode",le="+Inf"} 2',
        'tamis_request_seconds_count{operation="encode"} 2',
        f'tamis_model_bytes{{model="{DEFAULT_MODEL}",state="resident"}} 91000000',
        "tamis_requests_open 0",
        "tamis_engine_evictions 3",
    ):
        assert line in lines
