"""Nothing is lost, and no answer is worse than reading: promises 4 and 5."""

from __future__ import annotations

from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING

import numpy as np
import pytest

from tamis_tools import slices
from tamis_tools.document import Document, Span
from tamis_tools.handles import HandleStore
from tamis_tools.operations import load
from tamis_tools.operations.expand import expand
from tamis_tools.ranking import ENCODED_CHARS, SHORTLIST, SHORTLIST_CHARS, shortlist
from tamis_tools.requests import ExpandRequest, ExtractRequest, FilterRequest, RerankRequest, ScoreRequest
from tamis_tools.segments import segment
from tests.fakes import Clock, FakeEngine
from tests.promises.asking import QUERY, ask, late, paragraph, word
from tests.tools.fakes import call, workspace, write

if TYPE_CHECKING:
    from pathlib import Path

    from tamis_tools.workspace import Workspace


def test_the_cursor_leads_through_every_character_once_and_ends(place: Workspace, tmp_path: Path) -> None:
    beside_the_point = (paragraph(number).replace("The falcon ", "") for number in range(20, 40))
    text = "The falcon eats pigeons.\n\n" + "".join([*map(paragraph, range(20)), *beside_the_point])
    write(tmp_path, {"a.md": text})
    answer = ask(place, "a.md", budget_tokens=500)
    spans = [(piece.start, piece.end) for piece in answer.data.slices]
    calls = 1
    while answer.data.cursor:
        answer = ask(place, cursor=answer.data.cursor, query="", budget_tokens=500)
        spans += [(piece.start, piece.end) for piece in answer.data.slices]
        calls += 1
        assert calls < 40
    assert calls > 2
    shown = "".join(text[start:end] for start, end in sorted(spans))
    assert "".join(shown.split()) == "".join(text.split())


def test_what_there_was_no_time_to_read_is_counted_and_comes_with_the_cursor(place: Workspace, tmp_path: Path) -> None:
    write(tmp_path, {f"{number:02}.md": paragraph(number) for number in range(40)})
    first = ask(place, "*.md", budget_tokens=4_000, pace=late(Clock(), "Reading"))
    assert {piece.source for piece in first.data.slices} == {f"{number:02}.md" for number in range(16)}
    assert "24 not read in time: the next call goes on with them." in first.text
    second = ask(place, cursor=first.data.cursor, query="", budget_tokens=4_000)
    assert {piece.source for piece in second.data.slices} == {f"{number:02}.md" for number in range(16, 40)}
    assert second.data.cursor == ""


def test_what_is_still_not_read_by_the_second_call_comes_with_the_third(place: Workspace, tmp_path: Path) -> None:
    write(tmp_path, {f"{number:02}.md": paragraph(number) for number in range(48)})
    first = ask(place, "*.md", budget_tokens=4_000, pace=late(Clock(), "Reading"))
    second = ask(place, cursor=first.data.cursor, query="", budget_tokens=4_000, pace=late(Clock(), "Reading"))
    third = ask(place, cursor=second.data.cursor, query="", budget_tokens=4_000)
    assert [len({piece.source for piece in answer.data.slices}) for answer in (first, second, third)] == [16] * 3
    assert third.data.cursor == ""


@pytest.mark.parametrize(
    ("operation", "request_"),
    [
        ("rerank", RerankRequest(sources=("*.md",), query=QUERY)),
        ("score", ScoreRequest(sources=("*.md",), query=QUERY)),
        ("filter", FilterRequest(sources=("*.md",), query=QUERY)),
        ("extract", ExtractRequest(sources=("*.md",), entities=("date",))),
    ],
)
def test_tools_without_a_cursor_name_what_there_was_no_time_to_read(
    place: Workspace, tmp_path: Path, operation: str, request_: object
) -> None:
    write(tmp_path, {f"{number:02}.md": paragraph(number) for number in range(40)})
    answer = call(load(operation), place, request_, late(Clock(), "Reading"))
    assert "Time ran out before 24 sources were read: 16.md, 17.md, 18.md, 19.md, 20.md, …" in answer.text


def test_the_cursor_says_when_a_file_has_changed_since(place: Workspace, tmp_path: Path) -> None:
    write(tmp_path, {"a.md": "".join(map(paragraph, range(40)))})
    cursor = ask(place, "a.md").data.cursor
    write(tmp_path, {"a.md": "gone"})
    answer = ask(place, cursor=cursor, query="")
    assert "a.md changed since it was read" in answer.text
    assert answer.data.slices


def test_a_question_asked_again_by_the_cursor_is_that_of_the_first_call(place: Workspace, tmp_path: Path) -> None:
    write(tmp_path, {"a.md": "".join(map(paragraph, range(40)))})
    assert ask(place, cursor=ask(place, "a.md").data.cursor, query="").data.query == QUERY


def test_a_handle_brings_back_the_original_after_a_restart(place: Workspace, tmp_path: Path) -> None:
    text = "".join(map(paragraph, range(40))).replace("\n", "\r\n")
    write(tmp_path, {"a.md": text})
    handle = ask(place, "a.md").data.handle
    (tmp_path / "root" / "a.md").unlink()
    anew = workspace(tmp_path)
    page = call(expand, anew, ExpandRequest(ref=handle, max_tokens=8_000))
    assert page.data.text == text
    assert "has changed since" in page.text


def test_what_was_used_within_a_day_is_kept_by_default(tmp_path: Path) -> None:
    assert HandleStore(tmp_path).retention.keep_seconds >= 24 * 3_600


CODE = "class Cage:\n    def feed(self, falcon):\n" + "".join(f"        {word(at)}({at})\n" for at in range(80))
LOG = "".join(f"2026-01-31 10:00:{number:02} INFO {word(number)} done\n" for number in range(40))
FAILURE = (
    "2026-01-31 10:01:00 ERROR the falcon was not fed\nTraceback (most recent call last):\n"
    "  File \"cage.py\", line 3, in feed\n    eat()\nKeyError: 'pigeon'\n"
)
ROWS = "bird,food,weight\n" + "".join(f"{word(at)},{word(at + 100)},{at}\n" for at in range(200)) + "falcon,pigeon,9\n"


@pytest.mark.parametrize(
    ("name", "text", "query", "held"),
    [
        ("cage.py", f"{CODE}        falcon.eats('pigeon')\n", "falcon eats pigeon", "    def feed(self, falcon):"),
        ("a.log", f"{LOG}{FAILURE}{LOG}", "why was the falcon not fed?", "KeyError: 'pigeon'"),
        ("a.csv", ROWS, "falcon pigeon", "bird,food,weight"),
    ],
)
def test_a_hit_brings_what_it_takes_to_read_it(
    place: Workspace, tmp_path: Path, name: str, text: str, query: str, held: str
) -> None:
    write(tmp_path, {name: text})
    answer = ask(place, name, query=query)
    shown = "".join(piece.text for piece in answer.data.slices)
    assert "pigeon" in shown
    assert held in shown
    assert len(shown) < len(text) / 2


def test_documents_come_best_first_and_lines_in_their_order(place: Workspace, tmp_path: Path) -> None:
    good = f"What a falcon eats is known.\n\n{paragraph(31)}{paragraph(32)}{paragraph(33)}The falcon eats pigeons.\n"
    write(tmp_path, {"a.md": "The falcon eats.\n\n" + "".join(map(paragraph, range(30))), "b.md": good})
    shown = ask(place, "a.md", "b.md", query="What does the falcon eat? pigeons", budget_tokens=700).data.slices
    assert [source for source, _ in groupby(shown, attrgetter("source"))] == ["b.md", "a.md"]
    for _, group in groupby(shown, attrgetter("source")):
        starts = [piece.start for piece in group]
        assert starts == sorted(starts)


@pytest.mark.parametrize(("gap", "stretches"), [(" and ", 1), ("\n", 1), ("\n \n\n", 1), ("\nno\n", 2), ("x" * 81, 2)])
def test_so_little_left_out_that_a_mark_would_cost_more_is_shown(gap: str, stretches: int) -> None:
    document = Document("a", f"one{gap}two")
    pieces = [(Span(0, 3), 0.2), (Span(3 + len(gap), 6 + len(gap)), 0.9)]
    shown = slices.joined(document, pieces)
    assert len(shown) == stretches
    assert max(score for _, score in shown) == 0.9
    assert (shown[0][0].start, shown[-1][0].end) == (0, len(document.text))


def test_a_sentence_that_answers_brings_its_neighbours(place: Workspace, tmp_path: Path) -> None:
    others = [paragraph(number) for number in range(40)]
    before, after = (paragraph(number).replace("The falcon b", "B").strip() for number in (48, 64))
    said = f"{before} The falcon eats pigeons. {after}\n\n"
    write(tmp_path, {"a.md": "".join([*others[:20], said, *others[20:]])})
    assert len(segment(Document("a.md", said, "markdown"))) > 1
    answer = ask(place, "a.md")
    assert [piece.text.strip() for piece in answer.data.slices] == [said.strip()]


def test_what_says_the_same_in_nearly_the_same_words_is_shown_once_and_counted(
    place: Workspace, tmp_path: Path
) -> None:
    write(
        tmp_path,
        {"a.md": "The falcon eats pigeons.\n\nThe falcons eat pigeon.\n\n" + "".join(map(paragraph, range(60)))},
    )
    answer = ask(place, "a.md", query="falcon eats pigeons", budget_tokens=1_000)
    assert answer.text.count("pigeon") == 1
    assert "1 near-duplicates left out." in answer.text


def test_of_records_that_differ_in_numbers_alone_a_few_are_shown(place: Workspace, tmp_path: Path) -> None:
    lines = [f"2026-01-31 10:00:{number:02} ERROR falcon {number} was not fed\n" for number in range(60)]
    write(tmp_path, {"a.log": "".join(lines)})
    answer = ask(place, "a.log", query="why was the falcon not fed?", budget_tokens=1_000)
    assert 1 <= answer.text.count("was not fed") <= 3


def test_of_many_segments_the_encoder_reads_the_best_by_words(tmp_path: Path) -> None:
    engine = FakeEngine()
    others = [paragraph(number).replace("The falcon ", "") for number in range(200)]
    write(tmp_path, {"a.md": "".join([*others, "The falcon eats pigeons.\n"])})
    ask(workspace(tmp_path, engine), "a.md")
    read = [text for request in engine.requests for text in getattr(request, "texts", ())]
    assert "The falcon eats pigeons." in read
    assert len(read) <= 1 + SHORTLIST < 200


def test_the_encoder_sees_the_best_by_words_and_no_more_than_it_has_time_for() -> None:
    likely = np.arange(1_000, dtype=np.float32)
    assert shortlist(likely, ["short"] * 1_000) == list(range(999, 999 - SHORTLIST, -1))
    assert shortlist(likely, ["long" * 400] * 1_000) == list(range(999, 999 - SHORTLIST_CHARS // ENCODED_CHARS, -1))
