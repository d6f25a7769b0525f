import io

import anyio
import numpy as np
import pytest
from anyio.streams.buffered import BufferedByteReceiveStream
from hypothesis import given
from hypothesis import strategies as st

from tamis_engine import errors, limits
from tamis_engine.process import codec
from tamis_engine.process.wire import LENGTHS, MAX_FRAME_BYTES, Frame, WireError, pack, read, receive
from tamis_engine.protocol import (
    EncodeRequest,
    EncodeResult,
    Extraction,
    ExtractRequest,
    ExtractResult,
    ModelStatus,
    ScoreRequest,
    ScoreResult,
)

any_text = st.text(st.characters(codec=None, exclude_categories=()))
MALFORMED = {
    "half the lengths": b"\0\0",
    "half a header": LENGTHS.pack(10, 0) + b'{"id"',
    "half a body": LENGTHS.pack(2, 10) + b"{}123",
    "too large": LENGTHS.pack(MAX_FRAME_BYTES, 1),
    "not JSON": LENGTHS.pack(3, 0) + b"{id",
    "not text": LENGTHS.pack(2, 0) + b"\xff\xfe",
    "not an object": LENGTHS.pack(2, 0) + b"[]",
}


class Chunks:
    """A byte stream in pieces of one length."""

    def __init__(self, data: bytes, size: int) -> None:
        self._data = data
        self._size = size

    async def receive(self, max_bytes: int = 65536) -> bytes:
        piece, self._data = self._data[: self._size], self._data[self._size :]
        if not piece:
            raise anyio.EndOfStream
        return piece


def received(data: bytes, size: int = 3) -> Frame | None:
    async def one() -> Frame | None:
        return await receive(BufferedByteReceiveStream(Chunks(data, size)))

    return anyio.run(one)


@given(text=any_text, body=st.binary(max_size=50))
def test_any_text_and_any_bytes_arrive_as_they_were_sent(text: str, body: bytes) -> None:
    frame = Frame({"id": 1, "text": text}, body)
    stream = io.BytesIO(pack(frame) + pack(frame))
    assert [read(stream), read(stream), read(stream)] == [frame, frame, None]


def test_frames_arrive_whole_from_a_stream_in_pieces() -> None:
    frame = Frame({"id": 1, "text": "é"}, b"12345")
    assert received(pack(frame)) == frame
    assert received(b"") is None


@pytest.mark.parametrize("data", MALFORMED.values(), ids=MALFORMED.keys())
def test_what_is_not_a_frame_is_refused(data: bytes) -> None:
    with pytest.raises(WireError):
        read(io.BytesIO(data))
    with pytest.raises(WireError):
        received(data)


def test_the_largest_request_fits_a_frame_however_it_is_escaped() -> None:
    request = EncodeRequest(("\x01" * limits.MAX_TEXT_BYTES,))
    limits.check(request)
    assert len(pack(Frame(codec.request_fields(request)))) < MAX_FRAME_BYTES


def over_the_wire(frame: Frame) -> Frame:
    arrived = read(io.BytesIO(pack(frame)))
    assert arrived
    return arrived


@pytest.mark.parametrize(
    ("operation", "request_"),
    [
        ("encode", EncodeRequest(("a", "\udce9"), "m", "sparse", "query")),
        ("score", ScoreRequest("q", ("a", "b"), "m")),
        ("extract", ExtractRequest(("l",), ("a",), "m")),
    ],
)
def test_requests_arrive_as_they_were_sent(operation: str, request_: limits.Request) -> None:
    fields = over_the_wire(Frame(codec.request_fields(request_))).header
    assert codec.request_from(operation, fields) == request_


def test_vectors_arrive_as_they_were_sent() -> None:
    sent = EncodeResult(np.arange(6, dtype=np.float32).reshape(2, 3), (4, 5), (False, True), "m")
    arrived = codec.encode_result(over_the_wire(codec.result_frame(1, sent)))
    assert np.array_equal(arrived.vectors, sent.vectors)
    assert (arrived.tokens, arrived.truncated, arrived.model) == (sent.tokens, sent.truncated, sent.model)


def test_scores_arrive_as_they_were_sent() -> None:
    sent = ScoreResult(np.array([0.25, 1], np.float32), (False, True), "m")
    arrived = codec.score_result(over_the_wire(codec.result_frame(1, sent)))
    assert arrived.scores.tolist() == [0.25, 1]
    assert (arrived.truncated, arrived.model) == (sent.truncated, sent.model)


def test_extractions_and_models_arrive_as_they_were_sent() -> None:
    found = ExtractResult((Extraction(0, 1, 2, "l", 0.5),), "m")
    models = (ModelStatus("m", "resident", 3, 4, 5, "MIT"),)
    assert codec.extract_result(over_the_wire(codec.result_frame(1, found))) == found
    assert codec.model_statuses(over_the_wire(codec.result_frame(1, models))) == models


@pytest.mark.parametrize(
    "error",
    [
        errors.EngineError("It failed."),
        errors.EngineUnavailable("no torch."),
        errors.ModelNotFound("bge-smal", ("bge-small",)),
        errors.ModelInvalid("m", "broken."),
        errors.RequestInvalid("Too much."),
    ],
)
def test_errors_arrive_with_their_kind_and_their_sentence(error: errors.EngineError) -> None:
    with pytest.raises(type(error)) as caught:
        codec.checked(over_the_wire(codec.error_frame(1, error)))
    assert type(caught.value) is type(error)
    assert str(caught.value) == str(error)


@pytest.mark.parametrize("fields", [{"colour": "red"}, {}])
def test_fields_of_another_request_are_refused(fields: dict[str, str]) -> None:
    with pytest.raises(errors.RequestInvalid):
        codec.request_from("encode", fields)
