"""Asynchronous tests run on asyncio alone: it is what the server runs on."""

import pytest


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"
