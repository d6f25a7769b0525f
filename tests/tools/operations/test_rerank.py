"""Ranked places: which, in what order, shown how."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tamis_engine.errors import EngineUnavailable
from tamis_tools import tokens
from tamis_tools.errors import BadArgument
from tamis_tools.operations.rerank import rerank
from tamis_tools.pace import Pace
from tamis_tools.requests import RerankRequest
from tests.fakes import Clock
from tests.tools.fakes import COSTLY, call, write

if TYPE_CHECKING:
    from pathlib import Path

    from tamis_tools.workspace import Workspace
    from tests.fakes import FakeEngine

CODE = """import time


def connect(host):
    return host.open()


@traced
def refresh_token(token):
    # an expired token is replaced
    if token.expired:
        return renew(token)
    return token
"""
PROSE = "# Notes\n\nThe office is closed on Sundays.\n\nAn expired token is refreshed by the worker.\n"


def asked(workspace: Workspace, *sources: str, query: str = "refresh an expired token", **options: object) -> object:
    return call(rerank, workspace, RerankRequest(sources=sources, query=query, **options))


def test_the_best_places_come_first_with_their_lines(workspace: Workspace, tmp_path: Path) -> None:
    write(tmp_path, {"auth.py": CODE, "notes.md": PROSE})
    answer = asked(workspace, "auth.py", "notes.md", top_k=2)
    results = answer.data.results
    assert {result.source for result in results} == {"auth.py", "notes.md"}
    assert results[0].score >= results[1].score
    code = next(result for result in results if result.source == "auth.py")
    assert code.start_line <= 9
    assert code.end_line == 13
    assert answer.data.answered


def test_the_preview_of_code_is_its_signature_word_for_word(workspace: Workspace, tmp_path: Path) -> None:
    write(tmp_path, {"auth.py": CODE})
    first = asked(workspace, "auth.py").data.results[0]
    assert first.preview == "def refresh_token(token):"


@pytest.mark.parametrize(
    ("source", "text", "query", "expected"),
    [
        (
            "a.py",
            "def a():\n    try:\n        pass\n    except KeyError:\n        log()\n",
            "KeyError",
            "except KeyError:",
        ),
        ("a.md", "####\n\nThe token.\n", "token", "The token."),
        ("a.c", "/*\n * Frees the token.\n */\nvoid f(void) {}\n", "token", "* Frees the token."),
    ],
)
def test_the_preview_is_the_line_that_says_most_of_the_query(
    workspace: Workspace, tmp_path: Path, source: str, text: str, query: str, expected: str
) -> None:
    write(tmp_path, {source: text})
    assert asked(workspace, source, query=query).data.results[0].preview == expected


def test_where_no_line_has_a_word_of_the_query_the_preview_is_a_definition(
    workspace: Workspace, tmp_path: Path
) -> None:
    write(
        tmp_path,
        {"a.py": "@traced\ndef connect(host):\n    try:\n        host.open()\n    except OSError:\n        raise\n"},
    )
    assert asked(workspace, "a.py", query="quantum").data.results[0].preview == "def connect(host):"


def test_sources_that_there_was_no_time_to_read_are_the_next_call(workspace: Workspace, tmp_path: Path) -> None:
    write(tmp_path, {f"{number}.md": "A token.\n" for number in range(9)})
    request = RerankRequest(sources=tuple(f"{number}.md" for number in range(9)), query="token")
    answer = call(rerank, workspace, request, Pace(seconds=0, clock=Clock()))
    assert "Next, the same call with sources=[" in answer.text
    assert answer.text.count('.md"') <= 5 + 1


def test_segments_of_one_block_are_one_passage(workspace: Workspace, tmp_path: Path) -> None:
    write(tmp_path, {"a.md": "A token is old. A token is new. A token is lost.\n\nNothing here.\n"})
    answer = asked(workspace, "a.md", query="token")
    assert [result.start_line for result in answer.data.results] == [1, 3]


def test_a_long_block_is_named_by_its_best_segment(workspace: Workspace, tmp_path: Path) -> None:
    body = "".join(f"    step_{number}()\n" for number in range(60))
    write(tmp_path, {"a.py": f"def long():\n{body}    refresh_expired_token()\n{body}"})
    first = asked(workspace, "a.py").data.results[0]
    assert first.start_line <= 62 <= first.end_line
    assert first.end_line - first.start_line < 60


def test_files_come_once_each_by_their_best_passage(workspace: Workspace, tmp_path: Path) -> None:
    write(tmp_path, {"auth.py": CODE, "notes.md": PROSE, "other.md": "Nothing at all.\n"})
    answer = asked(workspace, "auth.py", "notes.md", "other.md", unit="file")
    sources = [result.source for result in answer.data.results]
    assert sorted(sources) == ["auth.py", "notes.md", "other.md"]
    assert sources[-1] == "other.md"
    assert "3 of 3 files" in answer.text


def test_a_line_says_rank_score_place_and_preview_and_the_footer_the_next_call(
    workspace: Workspace, tmp_path: Path
) -> None:
    write(tmp_path, {"notes.md": PROSE})
    answer = asked(workspace, "notes.md", top_k=1)
    first, *rest = answer.text.splitlines()
    result = answer.data.results[0]
    assert first == f"1  {result.score:.2f}  notes.md:5  An expired token is refreshed by the worker.".replace(
        " 0.", " ."
    )
    assert rest[-1].startswith("[1 of ")
    assert rest[-1].endswith('passages in 1 file. Read one: expand(ref="notes.md:5")]')


def test_sources_that_do_not_answer_are_said_to(workspace: Workspace, tmp_path: Path) -> None:
    write(tmp_path, {"a.md": "The office is closed on Sundays.\n"})
    answer = asked(workspace, "a.md", query="quantum chromodynamics")
    assert not answer.data.answered
    assert "probably do not answer" in answer.text


def test_without_the_engine_words_decide_and_it_is_said(
    workspace: Workspace, engine: FakeEngine, tmp_path: Path
) -> None:
    write(tmp_path, {"auth.py": CODE, "notes.md": PROSE})
    engine.failure = EngineUnavailable("it did not start.")
    answer = asked(workspace, "auth.py", "notes.md")
    assert answer.data.results
    assert "words alone" in answer.text
    assert any("words alone" in note for note in answer.data.notes)


def test_what_was_skipped_is_said(workspace: Workspace, tmp_path: Path) -> None:
    write(tmp_path, {"docs/a.md": PROSE, "docs/b.bin": "\0\1\2" * 50, "docs/.env": "SECRET=1\n"})
    answer = asked(workspace, "docs/")
    assert "skipped" in answer.text.lower()


def test_text_that_has_no_address_gets_no_next_call(workspace: Workspace) -> None:
    answer = asked(workspace, "text:An expired token is refreshed.")
    assert answer.data.results
    assert "expand(" not in answer.text


@pytest.mark.parametrize("top_k", [0, -1, 101])
def test_a_top_k_out_of_range_is_refused_with_the_range(workspace: Workspace, top_k: int) -> None:
    with pytest.raises(BadArgument, match=f"top_k is {top_k}. Give 1 to 100"):
        asked(workspace, "a.md", top_k=top_k)


def test_an_empty_query_is_refused(workspace: Workspace) -> None:
    with pytest.raises(BadArgument, match="query is empty"):
        asked(workspace, "a.md", query=" ")


def test_the_answer_stays_under_the_limit(workspace: Workspace, tmp_path: Path) -> None:
    name = "/".join([COSTLY * 20] * 4)
    write(tmp_path, {f"{name}/{number}.md": f"A token {COSTLY * 60}\n" for number in range(60)})
    answer = asked(workspace, "**/*.md", query="token", top_k=60)
    assert tokens.count(answer.text) <= workspace.scope.limits.max_result_tokens
    assert len(answer.data.results) == 60
    assert "do not fit" in answer.text


def test_control_characters_do_not_reach_the_text(workspace: Workspace, tmp_path: Path) -> None:
    write(tmp_path, {"a.md": f"A token \x1b[31mred is\there.\n{PROSE * 9}"})
    answer = asked(workspace, "a.md", query="token")
    assert "\x1b" not in answer.text
    assert "is\there" in answer.text
    assert answer.data.results[0].preview == "A token \x1b[31mred is\there."
