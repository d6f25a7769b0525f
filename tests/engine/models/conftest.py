"""A hub for every test that wants one."""

from __future__ import annotations

import os
from collections.abc import Iterator

import huggingface_hub
import pytest
from huggingface_hub import constants

from tests.engine.models.fake_hub import FakeHub, running_hub


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    """Empty; nobody's token is sent to it."""
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_TELEMETRY", True)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", os.devnull)
    monkeypatch.delenv("HF_TOKEN", raising=False)
    with running_hub() as hub:
        yield hub
        huggingface_hub.close_session()
