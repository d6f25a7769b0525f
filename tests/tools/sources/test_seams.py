"""Where one part of reading relies on another: what is handed on, and what a message may tell."""

import os

import pytest

from tamis_tools.errors import SourceError, SourceNotFound
from tamis_tools.limits import Limits
from tamis_tools.pace import Pace
from tamis_tools.sources import web
from tamis_tools.sources.containment import Inside, opened
from tamis_tools.sources.web import Page


@pytest.mark.parametrize("spec", [".enf", "id_rs", "lib/id_rs", "keys/server.pen"])
def test_a_slip_does_not_find_out_the_names_of_secrets(reader, spec):
    for path in (".env", "id_rsa", "keys/id_rsa", "keys/server.pem", "a.txt"):
        reader.write(path)
    with pytest.raises(SourceNotFound) as raised:
        reader(spec)
    assert "Similar" not in str(raised.value)


@pytest.mark.parametrize(("spent", "seconds"), [(0.0, 15.0), (40.0, 5.0)])
def test_a_page_may_be_as_large_and_slow_as_the_limits_and_the_call_allow(reader, monkeypatch, spent, seconds):
    asked = []

    def fetch(url, most_bytes, seconds):
        asked.append((url, most_bytes, seconds))
        return Page("/a.txt", b"words", "text/plain", "utf-8")

    monkeypatch.setattr(web, "fetch", fetch)
    reader.allow_urls = True
    reader.limits = Limits(max_url_bytes=77, url_seconds=15.0)
    now = iter([0.0])
    assert reader("https://example.test/a.txt", pace=Pace(45.0, clock=lambda: next(now, spent))).documents
    assert asked == [("https://example.test/a.txt", 77, seconds)]


def test_a_file_that_becomes_a_link_while_it_is_opened_is_not_followed(reader, outside, monkeypatch):
    reader.write("a.txt", "inside")
    root = reader.root.resolve()
    really_open = os.open

    def swap_then_open(path, *args, **kwargs):
        if path == "a.txt":
            (root / "a.txt").unlink()
            (root / "a.txt").symlink_to(outside)
        return really_open(path, *args, **kwargs)

    monkeypatch.setattr(os, "open", swap_then_open)
    with pytest.raises((OSError, SourceError)), opened(Inside(root / "a.txt", root)):
        pass
