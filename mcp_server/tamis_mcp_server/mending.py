"""Messages that JSON allows and the transport's parser does not take: with half a surrogate pair in an escape.

A client that cut a text inside an emoji sends one, and would wait for an answer until its patience ends.
"""

from __future__ import annotations

import re
from contextlib import suppress
from typing import TYPE_CHECKING

from anyio import BrokenResourceError
from mcp.shared.message import SessionMessage
from mcp.types import jsonrpc_message_adapter
from pydantic import ValidationError

if TYPE_CHECKING:
    from collections.abc import AsyncIterable

    from anyio.streams.memory import MemoryObjectSendStream

Received = SessionMessage | Exception

_ESCAPE = re.compile(
    r"(?P<sound>\\[^u]|\\u(?![dD][89a-fA-F])|\\u[dD][89abAB]\w{2}\\u[dD][c-fC-F]\w{2})|\\u\w{4}", re.ASCII
)


async def mend(received: AsyncIterable[Received], mended: MemoryObjectSendStream[Received]) -> None:
    """Pass on what comes in until it ends, mended where that makes a message of it."""
    async with mended:
        with suppress(BrokenResourceError):  # the reader went first
            async for item in received:
                await mended.send(_mended(item) if isinstance(item, ValidationError) else item)


def _mended(error: ValidationError) -> Received:
    problem = error.errors(include_url=False)[0]
    line = problem["input"]
    if problem["type"] != "json_invalid" or not isinstance(line, str):
        return error
    try:
        return SessionMessage(jsonrpc_message_adapter.validate_json(without_halves(line), by_name=False))
    except ValidationError:
        return error


def without_halves(json: str) -> str:
    """JSON in which every half of a surrogate pair is U+FFFD; whole pairs and all else stay."""
    return _ESCAPE.sub(lambda escape: escape["sound"] or r"\ufffd", json)
