"""What each arm keeps: within the budget, in reading order, and by the words, the vectors or the real server."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from tamis_engine.inprocess import InProcessEngine
from tamis_evals import arms, server
from tamis_evals.arms.learning import learnt
from tamis_evals.arms.ours import Ours, OursInThree
from tamis_evals.arms.plain import PLAIN
from tamis_evals.arms.retrieval import Bm25, Encoder, Hybrid
from tamis_evals.cutting import units
from tamis_evals.sample import Sample, Source
from tests.evals.stage import NOTES, notes

pytestmark = pytest.mark.anyio
BY_NAME = {arm.name: arm for arm in PLAIN}
WINCH = "The winch was repaired by Ines, who found a cracked pawl."


@asynccontextmanager
async def _scored() -> AsyncGenerator[list[Bm25 | Encoder | Hybrid]]:
    async with InProcessEngine() as engine:
        words, encoder = Bm25(), Encoder(engine)
        yield [words, encoder, Hybrid(words, encoder)]


@pytest.mark.parametrize("name", ["head", "tail", "random"])
async def test_a_plain_arm_keeps_whole_sentences_within_the_budget(name: str) -> None:
    outcome = await BY_NAME[name].select(notes(), 30)
    assert 10 < outcome.tokens <= 30
    assert {notes().text(kept) for kept in outcome.passages} <= {
        notes().text(unit.passage) for unit in notes().sentences
    }
    assert list(outcome.passages) == sorted(outcome.passages)


async def test_the_head_is_the_beginning_and_the_tail_the_end() -> None:
    head, tail = await BY_NAME["head"].select(notes(), 14), await BY_NAME["tail"].select(notes(), 14)
    assert head.text.startswith("The ferry Alma")
    assert tail.text.endswith("spare parts of the ferry.")


async def test_focused_is_the_evidence_under_its_title_and_closed_book_is_nothing() -> None:
    assert (await BY_NAME["focused"].select(notes(), 9)).text == "Workshop\nThe winch was repaired by Ines"
    assert (await BY_NAME["closed-book"].select(notes(), 9)).text == ""
    assert (await BY_NAME["full"].select(notes(), 9)).text == NOTES


async def test_each_retrieval_arm_finds_the_sentence_and_stays_within_the_budget() -> None:
    async with _scored() as scored:
        for arm in scored:
            outcome = await arm.select(notes(), 17)
            assert outcome.text == WINCH, arm.name
            assert outcome.tokens <= 17


async def test_retrieval_arms_rank_sources() -> None:
    sources = tuple(Source(f"{n}.txt", text) for n, text in enumerate(NOTES.split("\n\n")))
    sample = Sample("ranked", "harbour", "harbour", "crates of lemons", sources)
    async with _scored() as scored:
        for arm in scored:
            assert (await arm.rank(sample, 2)).ranked[0] == 1, arm.name


async def test_the_title_of_a_unit_is_read_with_it() -> None:
    titled = replace(
        notes(query="workshop"), sentences=tuple(unit._replace(title="Workshop") for unit in notes().sentences[-1:])
    )
    assert (await Bm25().scores(titled, titled.sentences))[0] > 0


def test_a_sample_without_units_is_cut_as_tamis_cuts() -> None:
    plain = replace(notes(), sentences=(), blocks=())
    assert any(plain.text(unit.passage).endswith(WINCH) for unit in units(plain, "sentences"))
    assert any(plain.text(unit.passage).startswith("Workshop\nThe winch") for unit in units(plain, "blocks"))


def test_what_was_learnt_are_names_that_the_question_did_not_have() -> None:
    slices = [{"text": "Mary took the apple. Then Mary went off with Ada Byron.", "score": 0.9}]
    query = learnt("Where is the apple of Ada?", slices)
    assert query.startswith("Where is the apple of Ada?")
    assert "Mary" in query
    assert "Then" not in query


def _long() -> Sample:
    """Sixty paragraphs of which one answers, in two files."""
    filler = "\n\n".join(f"Crate {n} holds tea from estate {n * 7}.\nIt was weighed twice." for n in range(60))
    return Sample(
        "long", "d", "c", "Who repaired the winch?", (Source("tea.txt", filler), Source("ähm/notes.txt", NOTES))
    )


async def test_ours_calls_the_real_server_and_says_where_its_slices_stand(tmp_path: Path) -> None:
    async with server.opened(tmp_path) as connected:
        outcome = await Ours(connected).select(_long(), 200)
        assert not outcome.failed
        assert WINCH in outcome.text
        assert any(kept.source == 1 and WINCH in _long().text(kept) for kept in outcome.passages)
        assert outcome.tokens <= 200
        assert outcome.calls == 1
        assert outcome.overhead_tokens > connected.schema_tokens
        assert (await Ours(connected).rank(_long(), 1)).ranked == (1,)


async def test_three_calls_stay_within_one_budget_and_show_nothing_twice(tmp_path: Path) -> None:
    async with server.opened(tmp_path) as connected:
        outcome = await OursInThree(connected).select(_long(), 600)
        assert WINCH in outcome.text
        assert outcome.tokens <= 600
        assert outcome.calls > 1
        assert len(set(outcome.passages)) == len(outcome.passages)


async def test_a_refused_call_is_a_failure_with_the_servers_own_words(tmp_path: Path) -> None:
    async with server.opened(tmp_path) as connected:
        for arm in (Ours(connected), OursInThree(connected)):
            assert "budget_tokens" in (await arm.select(_long(), 100_000)).failed


async def test_an_unknown_arm_is_refused_with_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(arms.UnknownArm, match="bm25-sentences"):
        async with arms.opened(["bm52"], tmp_path):
            pass
