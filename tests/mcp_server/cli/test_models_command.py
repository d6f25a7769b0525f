"""What `tamis models` lists and changes."""

from __future__ import annotations

import json

import pytest

from tamis_engine.errors import EngineUnavailable, ModelUnavailable
from tamis_engine.protocol import DEFAULT_MODEL
from tests.fakes import OTHER_MODEL
from tests.mcp_server.cli.fakes import Desk


def test_the_list_is_a_table_or_json_and_closes_the_engine(desk: Desk) -> None:
    desk.engine.resident.add(OTHER_MODEL)
    for words in ((), ("list",)):
        said = desk.types("models", *words)
        assert (said.code, said.err) == (0, "")
        first, second = said.out.splitlines()[2:]
        assert first.startswith(OTHER_MODEL)
        assert (first.split()[-1], second.split()[0], second.split()[-1]) == ("resident", DEFAULT_MODEL, "absent")
    rows = json.loads(desk.types("models", "--json").out)["models"]
    assert (rows[1]["name"], rows[1]["state"], rows[1]["abilities"]) == (OTHER_MODEL, "resident", ["dense"])
    assert desk.engine.closed == 3


def test_models_are_loaded_pinned_unpinned_and_unloaded(desk: Desk) -> None:
    assert desk.types("models", "load", OTHER_MODEL).out == f"{OTHER_MODEL} is in memory.\n"
    assert desk.engine.resident == {OTHER_MODEL}
    assert "stays there" in desk.types("models", "pin", OTHER_MODEL).out
    assert desk.engine.pinned == {OTHER_MODEL}
    said = desk.types("models", "unpin", OTHER_MODEL, "--json")
    assert json.loads(said.out) == {"model": OTHER_MODEL, "done": "unpin"}
    assert desk.types("models", "unload", OTHER_MODEL).code == 0
    assert (desk.engine.resident, desk.engine.pinned) == (set(), set())


@pytest.mark.parametrize("words", [("load",), ("list", OTHER_MODEL), ("drop", OTHER_MODEL), ("load", "othr")])
def test_wrong_use_is_code_2_and_one_line(desk: Desk, words: tuple[str, ...]) -> None:
    said = desk.types("models", *words)
    assert (said.code, said.out) == (2, "")
    assert said.err.count("\n") == 1
    assert not desk.engine.resident


@pytest.mark.parametrize("failure", [EngineUnavailable("it died."), ModelUnavailable(OTHER_MODEL, "no network.")])
def test_what_the_engine_can_not_do_is_code_4(desk: Desk, failure: Exception) -> None:
    desk.engine.failure = failure
    for words in (("list",), ("load", OTHER_MODEL)):
        said = desk.types("models", *words)
        assert said.code == 4
        assert said.err == f"tamis: {failure}\n"
