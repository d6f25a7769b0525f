from __future__ import annotations

from pathlib import Path

from tamis_evals.datasets import babi, gutenberg
from tamis_evals.haystacks.novel import hidden
from tamis_evals.sample import Outcome, Sample
from tamis_evals.tasks.babilong import Babilong
from tamis_evals.tasks.task import Plan
from tamis_tools import tokens
from tests.evals.tiny_wikipedia import BOOK, data

FACTS = ("Ann took the cup.", "Ben left.", "Ann went home.")
PROSE = [f"Sheep number {at} ate grass. Nobody saw it." for at in range(40)]


def asked(folder: Path, plan: Plan) -> list[Sample]:
    return list(Babilong().samples(data(folder), plan))


def test_a_question_knows_the_facts_before_it_and_those_that_answer_it(tmp_path: Path) -> None:
    first, second = babi.questions(data(tmp_path), "qa2")
    assert first.facts == ("Ann took the cup there.", "Ben went to the barn.", "Ann moved to the loft.")
    assert (first.answer, first.supporting) == ("loft", (0, 2))
    assert [second.facts[at] for at in second.supporting] == ["Ann took the cup there.", "Ann went to the barn."]


def test_a_bar_separates_as_a_tab_does(tmp_path: Path) -> None:
    found = data(tmp_path)
    assert babi.questions(found, "qa1") == babi.questions(found, "qa2")


def test_a_book_is_its_prose_on_unwrapped_lines() -> None:
    paragraphs = gutenberg.prose(BOOK)
    assert set(paragraphs) == {"The sheep went out early and ate. Nobody counted them that day."}
    assert len(paragraphs) == 12


def test_facts_stand_in_their_order() -> None:
    told = hidden(FACTS, PROSE, 300, "seed")
    assert [told.text[span.start : span.end] for span in told.facts] == list(FACTS)
    assert list(told.facts) == sorted(told.facts)


def test_the_text_has_the_tokens_asked_for() -> None:
    for length in (100, 300):
        assert length - 30 <= tokens.count(hidden(FACTS, PROSE, length, "seed").text) <= length + 5


def test_a_fact_may_stand_anywhere() -> None:
    starts = [hidden(FACTS[:1], PROSE, 200, str(seed)).facts[0].start for seed in range(40)]
    size = len(hidden(FACTS[:1], PROSE, 200, "0").text)
    assert min(starts) < size / 4 < 3 * size / 4 < max(starts)


def test_sentences_and_blocks_cover_the_text() -> None:
    told = hidden(FACTS, PROSE, 200, "seed")
    for units in (told.sentences, told.blocks):
        joined = "".join(told.text[unit.passage.start : unit.passage.end] for unit in units)
        assert "".join(joined.split()) == "".join(told.text.split())


def test_without_room_there_is_no_prose_but_all_facts() -> None:
    assert hidden(FACTS, PROSE, 1, "seed").text == " ".join(FACTS) + "\n"


def test_the_evidence_is_every_supporting_fact(tmp_path: Path) -> None:
    sample = next(each for each in asked(tmp_path, Plan(lengths=(400,))) if each.dataset == "babilong-qa2")
    supports = {
        "loft": ["Ann took the cup there.", "Ann moved to the loft."],
        "barn": ["Ann took the cup there.", "Ann went to the barn."],
    }
    assert [sample.text(passage) for passage in sample.evidence] == supports[sample.answers[0]]
    assert sample.query == "Where is the cup?"


def test_one_question_a_story_at_each_length(tmp_path: Path) -> None:
    found = asked(tmp_path, Plan(lengths=(200, 400)))
    assert len(found) == len(babi.FILES) * 2
    assert len({sample.id for sample in found}) == len(found)


def test_samples_are_the_same_in_every_run(tmp_path: Path) -> None:
    plan = Plan(lengths=(300,))
    assert asked(tmp_path, plan) == asked(tmp_path, plan)


def test_one_fact_of_two_is_half_the_evidence(tmp_path: Path) -> None:
    sample = next(each for each in asked(tmp_path, Plan(lengths=(400,))) if each.dataset == "babilong-qa3")
    values = Babilong().measure(sample, Outcome(passages=sample.evidence[:1]))
    assert (values["evidence_recall"], values["all_evidence"]) == (0.5, 0)
