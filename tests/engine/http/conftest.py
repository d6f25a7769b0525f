"""The service over the fake engine, without a network."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx2
import pytest

from tamis_engine.http.app import app
from tests.fakes import FakeEngine

TOKEN = "s3cret"


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine()


@pytest.fixture
async def client(engine: FakeEngine) -> AsyncIterator[httpx2.AsyncClient]:
    """Bears the token."""
    transport = httpx2.ASGITransport(app(engine, TOKEN), raise_app_exceptions=False)
    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with httpx2.AsyncClient(transport=transport, base_url="http://engine", headers=headers) as client:
        yield client
