"""One client a test, over {in memory, stdio} and both generations of the protocol."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from mcp import Client, StdioServerParameters

from tests.mcp_server import fakes

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture(params=["memory-auto", "memory-legacy", "stdio-auto", "stdio-legacy"])
def connect(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[..., Client]:
    """Makes a client of a fresh server over the fake operations, with `tmp_path` as its root."""
    place, mode = request.param.split("-")

    def client(**options: Any) -> Client:
        structured = options.pop("structured", False)
        if place == "memory":
            server: Any = fakes.fake_server(tmp_path, structured=structured)
        else:
            arguments = fakes.command(tmp_path, *(["--structured"] if structured else []))
            server = StdioServerParameters(command=sys.executable, args=arguments, cwd=fakes.FOLDER)
        return Client(server, mode=mode, **options)

    return client
