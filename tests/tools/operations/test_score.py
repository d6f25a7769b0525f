"""Relevance of whole sources."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tamis_engine.errors import ModelNotFound
from tamis_tools import tokens
from tamis_tools.errors import BadArgument
from tamis_tools.operations.score import score
from tamis_tools.pace import Pace
from tamis_tools.requests import ScoreRequest
from tests.fakes import OTHER_MODEL, Clock
from tests.tools.fakes import call, write

if TYPE_CHECKING:
    from pathlib import Path

    from tamis_tools.workspace import Workspace
    from tests.fakes import FakeEngine

FILES = {
    "a.md": "The office is closed on Sundays.\n",
    "b.md": "Lunch is at noon.\n\nAn expired token is refreshed by a worker.\n",
    "c.md": "Tokens are strings.\n",
}


def test_sources_keep_their_order_and_name_their_best_passage(workspace: Workspace, tmp_path: Path) -> None:
    write(tmp_path, FILES)
    answer = call(score, workspace, ScoreRequest(sources=tuple(FILES), query="how is an expired token refreshed?"))
    a, b, c = answer.data.scores
    assert [each.source for each in (a, b, c)] == list(FILES)
    assert 0 <= a.score < c.score < b.score <= 1
    assert (b.start_line, b.end_line) == (3, 3)
    assert answer.text.splitlines()[1].endswith("  b.md:3")


def test_a_source_without_text_has_no_relevance(workspace: Workspace, tmp_path: Path) -> None:
    write(tmp_path, FILES)
    answer = call(score, workspace, ScoreRequest(sources=("b.md", "b.md:2-2"), query="token"))
    assert answer.data.scores[1].score == 0


def test_more_than_200_sources_show_the_best_and_say_so(workspace: Workspace, tmp_path: Path) -> None:
    write(tmp_path, {f"d/{number:03}.md": f"Note {number}.\n" for number in range(230)} | {"d/229.md": "A token.\n"})
    answer = call(score, workspace, ScoreRequest(sources=("d/",), query="token"))
    assert len(answer.data.scores) == 230
    lines = [line for line in answer.text.splitlines() if not line.startswith("[")]
    assert len(lines) == 200
    assert lines[-1].endswith("d/229.md:1")
    assert "The best 200 of 230 sources" in answer.text
    assert tokens.count(answer.text) <= workspace.scope.limits.max_result_tokens


def test_another_model_judges_the_best_passages(workspace: Workspace, tmp_path: Path) -> None:
    write(tmp_path, FILES)
    answer = call(score, workspace, ScoreRequest(sources=tuple(FILES), query="token", model=OTHER_MODEL))
    assert [each.score for each in answer.data.scores] == [1.0, 0.0, 1.0]
    assert answer.data.model == OTHER_MODEL


def test_an_unknown_model_is_the_engines_error(workspace: Workspace, tmp_path: Path) -> None:
    write(tmp_path, FILES)
    with pytest.raises(ModelNotFound, match="Did you mean 'other'"):
        call(score, workspace, ScoreRequest(sources=("a.md",), query="token", model="othr"))


def test_what_another_model_had_no_time_for_has_no_score(
    workspace: Workspace, engine: FakeEngine, tmp_path: Path
) -> None:
    write(tmp_path, {f"{number:03}.md": f"Note {number}.\n" for number in range(80)})
    clock = Clock()

    def late(request: object) -> None:
        if getattr(request, "model", "") == OTHER_MODEL:
            clock.now = 100

    engine.before = late
    answer = call(score, workspace, ScoreRequest(sources=("*.md",), query="n", model=OTHER_MODEL), Pace(clock=clock))
    assert len(answer.data.scores) == 32
    assert "48 sources not scored" in answer.text


def test_an_empty_query_is_refused(workspace: Workspace) -> None:
    with pytest.raises(BadArgument, match="query is empty"):
        call(score, workspace, ScoreRequest(sources=("a.md",), query=""))
