"""Readers: the extractive one over an engine, and one behind an OpenAI-compatible endpoint."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tamis_engine.protocol import Engine, Extraction, ExtractRequest, ExtractResult
from tamis_evals.readers.endpoint import TRIES, Endpoint, EndpointReader, Prices
from tamis_evals.readers.extractive import MODEL, ExtractiveReader
from tamis_evals.readers.reader import ReaderFailed, Reading

pytestmark = pytest.mark.anyio

Sent = tuple[int, dict[str, Any]]


class Endpoints:
    """An endpoint on this machine that answers what it is told to, in order, the last for ever; keeps what is asked."""

    def __init__(self) -> None:
        self.answers: list[Sent] = []
        self.asked: list[dict[str, Any]] = []
        self.keys: list[str | None] = []
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}/v1"

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        place = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                place.asked.append({"path": self.path, **json.loads(body)})
                place.keys.append(self.headers.get("Authorization"))
                status, said = place.answers.pop(0) if len(place.answers) > 1 else place.answers[0]
                content = json.dumps(said).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, format: str, *args: object) -> None:
                """Quiet."""

        return Handler


@pytest.fixture
def endpoint() -> Iterator[Endpoints]:
    place = Endpoints()
    thread = threading.Thread(target=place.server.serve_forever)
    thread.start()
    yield place
    place.server.shutdown()
    thread.join()
    place.server.server_close()


class Pauses:
    """In place of sleeping."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)


def completion(text: str, cached: int | None = None) -> Sent:
    usage: dict[str, Any] = {"prompt_tokens": 1_000, "completion_tokens": 3, "total_tokens": 1_003}
    if cached is not None:
        usage["prompt_tokens_details"] = {"cached_tokens": cached}
    return 200, {
        "id": "x",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": text}}],
        "usage": usage,
    }


async def test_the_model_is_asked_once_at_temperature_0_and_its_answer_is_kept(
    endpoint: Endpoints, tmp_path: Path
) -> None:
    endpoint.answers = [completion(" Paris ", cached=400)]
    for _ in range(2):
        async with EndpointReader(Endpoint(endpoint.url, "small", "secret"), tmp_path) as reader:
            assert await reader.answer("Where?", "Ada lives in Paris.") == Reading("Paris", None, 1_000, 400, 3)
    (asked,) = endpoint.asked
    assert (asked["path"], asked["model"], asked["temperature"]) == ("/v1/chat/completions", "small", 0)
    assert asked["messages"][1]["content"] == "Context:\nAda lives in Paris.\n\nQuestion: Where?"
    assert endpoint.keys == ["Bearer secret"]


async def test_another_text_question_or_model_is_asked_anew(endpoint: Endpoints, tmp_path: Path) -> None:
    endpoint.answers = [completion("x")]
    for model, question, text in (("a", "q", "t"), ("b", "q", "t"), ("a", "r", "t"), ("a", "q", "u"), ("a", "q", "t")):
        async with EndpointReader(Endpoint(endpoint.url, model), tmp_path) as reader:
            await reader.answer(question, text)
    assert len(endpoint.asked) == 4
    assert endpoint.keys == [None] * 4


@pytest.mark.parametrize("said", ["not stated", "Not stated.", '"not stated"'])
async def test_not_stated_is_no_answer(endpoint: Endpoints, tmp_path: Path, said: str) -> None:
    endpoint.answers = [completion(said)]
    async with EndpointReader(Endpoint(endpoint.url, "small"), tmp_path) as reader:
        assert (await reader.answer("Where?", "")).answer == ""


async def test_tokens_that_are_not_told_are_not_known(endpoint: Endpoints, tmp_path: Path) -> None:
    endpoint.answers = [(200, {"choices": [{"message": {"content": "x"}}]})]
    async with EndpointReader(Endpoint(endpoint.url, "small"), tmp_path) as reader:
        found = await reader.answer("Where?", "")
    assert found == Reading("x")
    assert Prices(1, 1, 1).dollars(found) is None


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_a_busy_endpoint_is_asked_again_later_each_time(endpoint: Endpoints, tmp_path: Path, status: int) -> None:
    endpoint.answers = [(status, {}), (status, {}), completion("x")]
    pauses = Pauses()
    async with EndpointReader(Endpoint(endpoint.url, "small"), tmp_path, pauses) as reader:
        assert (await reader.answer("Where?", "")).answer == "x"
    assert pauses.seconds == [2, 4]


async def test_an_endpoint_that_stays_busy_is_given_up_with_the_reason(endpoint: Endpoints, tmp_path: Path) -> None:
    endpoint.answers = [(429, {"error": "slow down"})]
    async with EndpointReader(Endpoint(endpoint.url, "small"), tmp_path, Pauses()) as reader:
        with pytest.raises(ReaderFailed, match=rf"asked {TRIES} times: it answers 429 .*slow down"):
            await reader.answer("Where?", "")
    assert len(endpoint.asked) == TRIES
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("sent", "sentence"),
    [
        ((401, {"error": "bad key"}), r"refuses the key \(401: .*bad key"),
        ((404, {"error": "none"}), "knows no model 'small'"),
        ((400, {"error": "context too long"}), "answers 400: .*context too long"),
        ((200, {"choices": []}), "sends no chat completion"),
    ],
)
async def test_what_will_not_pass_is_told_at_once(
    endpoint: Endpoints, tmp_path: Path, sent: Sent, sentence: str
) -> None:
    endpoint.answers = [sent]
    async with EndpointReader(Endpoint(endpoint.url, "small"), tmp_path) as reader:
        with pytest.raises(ReaderFailed, match=sentence):
            await reader.answer("Where?", "")
    assert len(endpoint.asked) == 1


async def test_nobody_at_the_address_is_told_with_what_to_do(endpoint: Endpoints, tmp_path: Path) -> None:
    url = endpoint.url
    endpoint.server.server_close()
    async with EndpointReader(Endpoint(url, "small"), tmp_path) as reader:
        with pytest.raises(ReaderFailed, match="--reader-url"):
            await reader.answer("Where?", "")


def test_cached_tokens_cost_less() -> None:
    prices = Prices(read=2.0, cached=0.5, written=10.0)
    found = Reading("x", None, 1_000, 400, 3)
    assert prices.dollars(found) == pytest.approx((600 * 2 + 400 * 0.5 + 30) / 1e6)
    assert prices.dollars(found, cached=False) == pytest.approx((1_000 * 2 + 30) / 1e6)


class Extracts(Engine):
    """An engine that finds in each passage what it is told."""

    def __init__(self, found: tuple[Extraction, ...]) -> None:
        self.found = found
        self.asked: list[ExtractRequest] = []

    async def __aenter__(self) -> Extracts:
        return self

    async def __aexit__(self, *exc: object) -> None:
        """Nothing is open."""

    async def extract(self, request: ExtractRequest) -> ExtractResult:
        self.asked.append(request)
        return ExtractResult(self.found, request.model)


async def test_the_answer_is_the_likeliest_span_of_all_windows_the_first_of_equals() -> None:
    spans = ((0, 3, 0.2), (13, 18, 0.6), (30, 36, 0.6))
    engine = Extracts(tuple(Extraction(0, start, end, "Where?", score) for start, end, score in spans))
    async with ExtractiveReader(engine) as reader:
        found = await reader.answer("Where?", "Ada lives in Paris. She is not in London.")
    assert found == Reading("Paris", 0.6)
    assert [(asked.threshold, asked.model) for asked in engine.asked] == [(0.0, MODEL)]


@pytest.mark.parametrize("text", ["", " \n"])
async def test_an_empty_text_holds_no_answer(text: str) -> None:
    engine = Extracts(())
    async with ExtractiveReader(engine) as reader:
        assert await reader.answer("Where?", text) == Reading("", 0.0)
    assert not engine.asked


async def test_the_shipped_reader_finds_an_answer_and_is_surer_where_there_is_one() -> None:
    told = "The lighthouse keeper, Ada Brandt, moved to Kirkwall in 1911 and painted the door green."
    other = "Rain fell on the harbour all morning. The ferry was late, and nobody minded very much."
    async with ExtractiveReader() as reader:
        found = await reader.answer("Where did Ada Brandt move to?", told)
        guessed = await reader.answer("Where did Ada Brandt move to?", other)
        far = await reader.answer("Where did Ada Brandt move to?", f"{other} " * 60 + told + f" {other}" * 60)
    assert found.answer == far.answer == "Kirkwall"
    assert found.score is not None
    assert guessed.score is not None
    assert guessed.score < found.score / 2
