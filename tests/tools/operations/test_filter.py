"""Which sources stay, which go, and what is said of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tamis_engine.errors import EngineUnavailable
from tamis_tools import tokens
from tamis_tools.errors import BadArgument
from tamis_tools.operations.filter import filter
from tamis_tools.requests import FilterRequest
from tests.tools.fakes import COSTLY, call, write

if TYPE_CHECKING:
    from pathlib import Path

    from tamis_tools.results import Answer
    from tamis_tools.workspace import Workspace
    from tests.fakes import FakeEngine

STORY = " ".join(f"The expired token number {number} is refreshed by worker {number * 7}." for number in range(30))
FILES = {
    "a.md": "The office is closed on Sundays.\n",
    "b.md": "An expired token is refreshed by a worker.\n",
    "c.md": "\nAn expired token is refreshed by a worker. \r\n",
    "d.md": f"{STORY}\n",
    "e.md": f"{STORY} Really.\n",
}
QUERY = "how is an expired token refreshed?"


def asked(workspace: Workspace, *sources: str, **options: object) -> Answer[object]:
    return call(filter, workspace, FilterRequest(sources=sources, **options))


def reasons(answer: Answer[object]) -> dict[str, str]:
    return {verdict.source: verdict.reason for verdict in answer.data.sources}


def kept(answer: Answer[object]) -> list[str]:
    return [verdict.source for verdict in answer.data.sources if verdict.keep]


def test_what_is_relevant_stays_and_near_duplicates_are_folded(workspace: Workspace, tmp_path: Path) -> None:
    write(tmp_path, FILES)
    answer = asked(workspace, *FILES, query=QUERY)
    assert [verdict.source for verdict in answer.data.sources] == list(FILES)
    assert kept(answer) == ["b.md", "d.md"]
    said = reasons(answer)
    assert "is under .10" in said["a.md"]
    assert said["c.md"] == "same text as b.md"
    assert said["e.md"].startswith("near-duplicate of d.md (.9")


def test_the_text_lists_what_stays_then_what_goes_then_the_next_call(workspace: Workspace, tmp_path: Path) -> None:
    write(tmp_path, FILES)
    lines = asked(workspace, *FILES, query=QUERY).text.splitlines()
    assert lines[0] == "kept: 2"
    assert lines[1].endswith(("  best line b.md:1", "  best line d.md:1"))
    assert lines[3] == "dropped: 3"
    assert lines[-1].startswith("[2 of 5 sources kept. Read what matters: compress(sources=[")
    assert f'query="{QUERY}")]' in lines[-1]


def test_without_dedupe_copies_stay(workspace: Workspace, tmp_path: Path) -> None:
    write(tmp_path, FILES)
    assert kept(asked(workspace, *FILES, query=QUERY, dedupe=False)) == ["b.md", "c.md", "d.md", "e.md"]


def test_keep_takes_the_best_whatever_their_score(workspace: Workspace, tmp_path: Path) -> None:
    write(tmp_path, FILES)
    answer = asked(workspace, *FILES, query=QUERY, keep=3)
    assert kept(answer) == ["a.md", "b.md", "d.md"]
    answer = asked(workspace, *FILES, query=QUERY, keep=1)
    assert len(kept(answer)) == 1
    assert "is not among the best 1" in reasons(answer)["a.md"]


def test_keep_and_threshold_both_hold(workspace: Workspace, tmp_path: Path) -> None:
    write(tmp_path, FILES)
    assert kept(asked(workspace, *FILES, query=QUERY, keep=4, threshold=0.35)) == ["b.md", "d.md"]


def test_labels_sort_sources(workspace: Workspace, tmp_path: Path) -> None:
    write(tmp_path, {"1.md": "Bug report: it crashes.\n", "2.md": "Feature request: dark mode.\n", "3.md": "Hello.\n"})
    answer = asked(workspace, "1.md", "2.md", "3.md", labels=("bug report", "feature request"))
    first, second, third = answer.data.sources
    assert (first.keep, first.label) == (True, "bug report")
    assert (second.keep, second.label) == (True, "feature request")
    assert not third.keep
    assert first.reason.startswith('label "bug report" ')


def test_nothing_relevant_is_an_answer(workspace: Workspace, tmp_path: Path) -> None:
    write(tmp_path, {"a.md": "The office is closed.\n"})
    answer = asked(workspace, "a.md", query="quantum chromodynamics")
    assert kept(answer) == []
    assert "Nothing is kept. The best is a.md" in answer.text
    assert "compress(" not in answer.text


def test_without_the_engine_words_decide_and_it_is_said_once(
    workspace: Workspace, engine: FakeEngine, tmp_path: Path
) -> None:
    write(tmp_path, FILES)
    engine.failure = EngineUnavailable("it did not start.")
    answer = asked(workspace, *FILES, labels=("token", "office"))
    assert answer.text.count("words alone") == 1


def test_sources_without_text_are_dropped(workspace: Workspace, tmp_path: Path) -> None:
    write(tmp_path, {"a.md": "Text.\n\n \nMore.\n", "b.md": "Text.\n\n \nMore.\n"})
    assert kept(asked(workspace, "a.md:2-3", "b.md:2-3", query="token")) == []
    assert kept(asked(workspace, "a.md:2-3", "b.md:2-3", labels=("token",))) == []


def test_what_is_far_off_is_only_counted(workspace: Workspace, tmp_path: Path) -> None:
    write(tmp_path, {f"{number}.md": f"Note {number} of the office.\n" for number in range(9)})
    answer = asked(workspace, "*.md", query="quantum chromodynamics")
    assert len(answer.data.sources) == 9
    assert answer.text.splitlines()[6] == "and 4 more, none over .01"


def test_several_passages_on_the_subject_count_for_more_than_one(workspace: Workspace, tmp_path: Path) -> None:
    line = "An expired token is refreshed by a worker.\n\n"
    write(tmp_path, {"one.md": line, "three.md": line * 3})
    one, three = asked(workspace, "one.md", "three.md", query="token office", dedupe=False).data.sources
    assert three.score > one.score


def test_a_threshold_of_0_keeps_all(workspace: Workspace, tmp_path: Path) -> None:
    write(tmp_path, {"a.md": "The office is closed.\n"})
    assert kept(asked(workspace, "a.md", query="quantum chromodynamics", threshold=0)) == ["a.md"]


def test_what_is_said_to_be_under_the_threshold_is_written_so(workspace: Workspace, tmp_path: Path) -> None:
    write(tmp_path, FILES)
    (first,) = asked(workspace, "b.md", query=QUERY).data.sources
    (verdict,) = asked(workspace, "b.md", query=QUERY, threshold=first.score + 0.0002).data.sources
    written, limit = verdict.reason.removeprefix("relevance ").split(" is under ")
    assert float(written) < float(limit)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "either a query"),
        ({"query": "a", "labels": ("b",)}, "either a query"),
        ({"labels": ("b", " ")}, "no empty ones"),
        ({"labels": tuple("abcdefghijklmnopqrstu")}, "at most 20"),
        ({"query": "a", "threshold": 1.5}, "Give 0 to 1"),
        ({"query": "a", "threshold": float("nan")}, "Give 0 to 1"),
        ({"query": "a", "keep": -1}, "keep is -1"),
    ],
)
def test_wrong_values_are_refused_with_what_is_right(
    workspace: Workspace, options: dict[str, object], message: str
) -> None:
    with pytest.raises(BadArgument, match=message):
        asked(workspace, "a.md", **options)


def test_the_answer_stays_under_the_limit(workspace: Workspace, tmp_path: Path) -> None:
    write(tmp_path, {f"{COSTLY * 40}/{number}.md": f"Note {number}\n" for number in range(400)})
    answer = asked(workspace, "**/*.md", query="token", threshold=0)
    assert len(answer.data.sources) == 400
    assert tokens.count(answer.text) <= workspace.scope.limits.max_result_tokens
    assert "more lines do not fit" in answer.text
