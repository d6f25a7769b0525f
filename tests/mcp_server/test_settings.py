"""Which engine the environment names."""

from __future__ import annotations

import pytest

from tamis_engine.client import LocalEngine
from tamis_engine.remote import RemoteEngine
from tamis_mcp_server.settings import engine
from tamis_tools.errors import BadArgument


def test_without_a_word_it_is_the_one_of_this_machine() -> None:
    assert isinstance(engine({}), LocalEngine)
    assert isinstance(engine({"TAMIS_ENGINE": ""}), LocalEngine)


@pytest.mark.parametrize("url", ["http://box:8080", "https://box.example/tamis/", "http://[::1]:80"])
def test_a_url_names_one_far_away(url: str) -> None:
    far = engine({"TAMIS_ENGINE": url, "TAMIS_TOKEN": "s3cret"})
    assert isinstance(far, RemoteEngine)
    assert far.url == url.rstrip("/")


@pytest.mark.parametrize("where", ["http://", "ftp://box", "http://box:port", "box:8080", "/tmp/engine.socket", "."])
def test_what_is_neither_a_url_nor_a_socket_is_told(where: str) -> None:
    with pytest.raises(BadArgument, match=r"TAMIS_ENGINE is '"):
        engine({"TAMIS_ENGINE": where})
