"""What goes in and comes out, in our shapes and in those of others."""

from __future__ import annotations

import base64

import httpx2
import numpy as np
import pytest
from safetensors.numpy import load

from tamis_engine.http import binary
from tamis_engine.protocol import DEFAULT_MODEL, EncodeRequest, ExtractRequest, ScoreRequest
from tests.fakes import DIMENSIONS, OTHER_MODEL, READS_WORDS, FakeEngine, vector

pytestmark = pytest.mark.anyio

LONG = "word " * (READS_WORDS + 1)


async def posted(client: httpx2.AsyncClient, path: str, **body: object) -> httpx2.Response:
    response = await client.post(path, json=body)
    assert response.status_code == 200, response.text
    return response


async def test_encode_asks_for_what_was_sent_and_answers_field_by_field(
    client: httpx2.AsyncClient, engine: FakeEngine
) -> None:
    response = await posted(client, "/v1/encode", texts=["a b", LONG], role="query", instruction="find", dimensions=8)
    assert engine.requests == [EncodeRequest(("a b", LONG), role="query", instruction="find", dimensions=8)]
    said = response.json()
    np.testing.assert_allclose(said.pop("vectors"), [vector("a b")[:8], vector(LONG)[:8]])
    tokens = [2, READS_WORDS + 1]
    assert said == {"tokens": tokens, "truncated": [False, True], "model": DEFAULT_MODEL, "kind": "dense", "rows": []}


@pytest.mark.parametrize("accept", ["application/vnd.safetensors", "text/html, application/octet-stream;q=0.9"])
async def test_vectors_travel_as_bytes_where_the_client_takes_them(client: httpx2.AsyncClient, accept: str) -> None:
    body = {"texts": ["a b", "c"], "kind": "multivector", "model": OTHER_MODEL}
    response = await client.post("/v1/encode", json=body, headers={"Accept": accept})
    assert response.headers["content-type"] == "application/vnd.safetensors"
    tensors = load(response.content)
    assert tensors["vectors"].shape == (3, DIMENSIONS)
    assert tensors["vectors"].dtype == np.float32
    assert tensors["rows"].tolist() == [2, 1]
    result = binary.unpacked(response.content)
    assert (result.model, result.kind, result.tokens, result.truncated) == (
        OTHER_MODEL,
        "multivector",
        (2, 1),
        (False, False),
    )


async def test_score_says_whether_its_numbers_are_probabilities(client: httpx2.AsyncClient, engine: FakeEngine) -> None:
    response = await posted(client, "/v1/score", query="ab", passages=["an", "b"], model=OTHER_MODEL)
    assert engine.requests == [ScoreRequest("ab", ("an", "b"), OTHER_MODEL)]
    assert response.json() == {
        "scores": [1.0, 0.0],
        "truncated": [False, False],
        "model": OTHER_MODEL,
        "calibrated": False,
        "tokens": [1, 1],
    }


async def test_extract_gives_offsets(client: httpx2.AsyncClient, engine: FakeEngine) -> None:
    response = await posted(client, "/v1/extract", labels=["b"], passages=["a b", "c"], threshold=0.25)
    assert engine.requests == [ExtractRequest(("b",), ("a b", "c"), threshold=0.25)]
    assert response.json() == {
        "extractions": [{"passage": 0, "start": 2, "end": 3, "label": "b", "score": 0.5}],
        "model": DEFAULT_MODEL,
        "truncated": [False, False],
    }


async def test_openai_embeddings_count_tokens_and_take_one_text_or_many(
    client: httpx2.AsyncClient, engine: FakeEngine
) -> None:
    one = (await posted(client, "/v1/embeddings", input="a b", model=OTHER_MODEL, user="me")).json()
    assert one["usage"] == {"prompt_tokens": 2, "total_tokens": 2}
    assert (one["object"], one["model"], one["data"][0]["object"]) == ("list", OTHER_MODEL, "embedding")
    many = (await posted(client, "/v1/embeddings", input=["a", "b"], input_type="query", dimensions=4)).json()
    assert [row["index"] for row in many["data"]] == [0, 1]
    np.testing.assert_allclose(many["data"][1]["embedding"], vector("b")[:4])
    assert engine.requests[-1] == EncodeRequest(("a", "b"), role="query", dimensions=4)


async def test_openai_embeddings_as_base64_are_float32(client: httpx2.AsyncClient) -> None:
    said = (await posted(client, "/v1/embeddings", input="a b", encoding_format="base64")).json()
    np.testing.assert_array_equal(np.frombuffer(base64.b64decode(said["data"][0]["embedding"]), "<f4"), vector("a b"))


@pytest.mark.parametrize("tokens", [[1, 2], [[1, 2], [3]]])
async def test_token_numbers_are_refused_with_a_sentence(client: httpx2.AsyncClient, tokens: list[object]) -> None:
    response = await client.post("/v1/embeddings", json={"input": tokens})
    assert response.status_code == 400
    assert response.json()["error"]["message"] == "input: token numbers are those of another tokeniser; send text."


async def test_what_was_cut_is_told_in_a_header_where_the_shape_has_no_word_for_it(client: httpx2.AsyncClient) -> None:
    assert (await posted(client, "/v1/embeddings", input=[LONG, "a"])).headers["tamis-truncated"] == "1"
    assert (await posted(client, "/embed", inputs=[LONG, LONG])).headers["tamis-truncated"] == "2"
    assert (await posted(client, "/v1/rerank", query="w", documents=[LONG])).headers["tamis-truncated"] == "1"
    assert "tamis-truncated" not in (await posted(client, "/embed", inputs="a")).headers


async def test_rerank_gives_the_best_first_with_their_documents_where_asked(client: httpx2.AsyncClient) -> None:
    documents = ["beta", {"text": "alpha"}, "amber"]
    said = (await posted(client, "/v1/rerank", query="a", documents=documents)).json()
    assert [(row["index"], row["relevance_score"]) for row in said["results"]] == [(1, 1.0), (2, 1.0), (0, 0.0)]
    assert "document" not in said["results"][0]
    assert said["usage"]["total_tokens"] == 3
    best = await posted(client, "/v1/rerank", query="a", documents=documents, top_n=1, return_documents=True)
    assert best.json()["results"] == [{"index": 1, "relevance_score": 1.0, "document": {"text": "alpha"}}]


async def test_tei_embed_is_a_bare_list(client: httpx2.AsyncClient, engine: FakeEngine) -> None:
    said = (await posted(client, "/embed", inputs="a b", prompt_name="query", normalize=True, dimensions=3)).json()
    np.testing.assert_allclose(said, [vector("a b")[:3]])
    assert engine.requests == [EncodeRequest(("a b",), role="query", dimensions=3)]


async def test_tei_rerank_is_a_bare_list_best_first(client: httpx2.AsyncClient) -> None:
    said = (await posted(client, "/rerank", query="a", texts=["b", "a"], return_text=True)).json()
    assert said == [{"index": 1, "score": 1.0, "text": "a"}, {"index": 0, "score": 0.0, "text": "b"}]


@pytest.mark.parametrize(
    ("path", "body", "sentence"),
    [
        ("/embed", {"inputs": [LONG], "truncate": False}, "1 of the texts are longer than the model reads."),
        ("/rerank", {"query": "a", "texts": [LONG], "truncate": False}, "1 of the texts are longer"),
        ("/embed", {"inputs": ["a"], "normalize": False}, "normalize: vectors are always of length 1"),
        ("/rerank", {"query": "a", "texts": ["a"], "raw_scores": True}, "raw_scores: Input should be False."),
        ("/v1/encode", {"texts": ["a"], "kin": "dense"}, "kin: Extra inputs are not permitted."),
        ("/v1/encode", {"texts": "a"}, "texts: Input should be a valid"),
        ("/v1/embeddings", {"input": []}, "input: "),
        ("/v1/score", {"query": "a"}, "passages: Field required."),
    ],
)
async def test_what_can_not_be_done_is_told(
    client: httpx2.AsyncClient, path: str, body: dict[str, object], sentence: str
) -> None:
    response = await client.post(path, json=body)
    assert response.status_code == 400
    error = response.json()["error"]
    assert error["type"] == "RequestInvalid"
    assert error["message"].startswith(sentence)
