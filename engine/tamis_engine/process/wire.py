"""Frames over a pipe or socket: two lengths, a JSON header, raw bytes for vectors. Nothing in them is executable."""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass
from typing import Any, BinaryIO

from anyio import EndOfStream, IncompleteRead
from anyio.streams.buffered import BufferedByteReceiveStream

LENGTHS = struct.Struct(">II")
MAX_FRAME_BYTES = 64 * 2**20
"""A request of 8 MiB whose every character JSON has to escape still fits."""


class WireError(Exception):
    """What came over the wire is not a frame; where the next one starts can't be known."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One message."""

    header: dict[str, Any]
    body: bytes = b""


def pack(frame: Frame) -> bytes:
    """The frame as it travels. Lone surrogates pass, so that any Python string can be asked about."""
    header = json.dumps(frame.header, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")
    return LENGTHS.pack(len(header), len(frame.body)) + header + frame.body


def read(stream: BinaryIO, max_bytes: int = MAX_FRAME_BYTES) -> Frame | None:
    """The next frame, or None where the stream ended between two frames."""
    head = stream.read(LENGTHS.size)
    if not head:
        return None
    header_bytes, body_bytes = _lengths(head, max_bytes)
    return _frame(stream.read(header_bytes + body_bytes), header_bytes, body_bytes)


async def receive(stream: BufferedByteReceiveStream) -> Frame | None:
    """The same, from an asynchronous stream."""
    try:
        first = await stream.receive_exactly(1)
    except (EndOfStream, IncompleteRead):
        return None
    try:
        header_bytes, body_bytes = _lengths(first + await stream.receive_exactly(LENGTHS.size - 1))
        return _frame(await stream.receive_exactly(header_bytes + body_bytes), header_bytes, body_bytes)
    except (EndOfStream, IncompleteRead) as error:
        raise WireError("the stream ended inside a frame") from error


def _lengths(head: bytes, max_bytes: int = MAX_FRAME_BYTES) -> tuple[int, int]:
    if len(head) < LENGTHS.size:
        raise WireError("the stream ended inside a frame")
    header_bytes, body_bytes = LENGTHS.unpack(head)
    if header_bytes + body_bytes > max_bytes:
        raise WireError(f"a frame of {header_bytes + body_bytes:,} bytes; at most {max_bytes:,} are possible")
    return header_bytes, body_bytes


def _frame(data: bytes, header_bytes: int, body_bytes: int) -> Frame:
    if len(data) < header_bytes + body_bytes:
        raise WireError("the stream ended inside a frame")
    try:
        header = json.loads(data[:header_bytes].decode("utf-8", "surrogatepass"))
    except (ValueError, RecursionError) as error:
        raise WireError(f"the header is not JSON ({error})") from error
    if not isinstance(header, dict):
        raise WireError("the header is not an object")
    return Frame(header, data[header_bytes:])
