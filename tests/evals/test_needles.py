from __future__ import annotations

from collections import Counter
from random import Random

import pytest

from tamis_evals.haystacks.needles import GRADES, Fact, Grade, facts, names, overlap

NEEDLES = [pytest.param(fact, grade, id=f"{fact.id}-{grade}") for fact in facts() for grade in GRADES]
VERBATIM = 0.6
HIDDEN = 0.2


def test_there_are_as_many_needles_of_each_grade_in_each_material() -> None:
    found = Counter((fact.material, grade) for fact in facts() for grade in fact.forms)

    assert set(found) == {(material, grade) for material in ("prose", "docs", "code", "tool") for grade in GRADES}
    assert set(found.values()) == {8}


def test_no_two_facts_share_a_name_a_question_or_an_answer() -> None:
    for told in ("id", "question", "answer", "bridge"):
        assert len({getattr(fact, told) for fact in facts()}) == len(facts())


def test_overlap_counts_stems_of_content_words_and_parts_of_identifiers() -> None:
    # asked: baker, burn, bread; "baked" has another stem than "baker", "burned" the same as "burns"
    assert overlap("Which baker burns the bread?", "The BREAD burned.") == pytest.approx(2 / 3)
    assert overlap("Which baker burns the bread?", "bread_baker = 3") == pytest.approx(2 / 3)
    assert overlap("Which baker burns the bread?", "Which of the many baked it?") == 0.0


@pytest.mark.parametrize(("fact", "grade"), NEEDLES)
def test_a_form_shares_as_much_with_its_question_as_its_grade_says(fact: Fact, grade: Grade) -> None:
    *links, decisive = fact.evidence(grade)
    share = overlap(fact.question, decisive)

    assert share >= VERBATIM if grade == "verbatim" else share <= HIDDEN, decisive
    assert all(overlap(fact.question, link) >= VERBATIM for link in links), links


@pytest.mark.parametrize(("fact", "grade"), NEEDLES)
def test_the_answer_stands_in_the_decisive_text_alone(fact: Fact, grade: Grade) -> None:
    *links, decisive = fact.evidence(grade)

    assert fact.answer in decisive
    assert all(fact.answer not in link for link in links)
    assert fact.answer.casefold() not in fact.question.casefold()


@pytest.mark.parametrize(("fact", "grade"), NEEDLES)
def test_two_hops_are_joined_by_a_name_and_by_nothing_else(fact: Fact, grade: Grade) -> None:
    evidence = fact.evidence(grade)

    assert len(evidence) == (2 if grade == "two_hop" else 1)
    assert all((fact.bridge in text) == (grade == "two_hop") for text in evidence)
    assert fact.bridge.casefold() not in fact.question.casefold()


@pytest.mark.parametrize(("fact", "grade"), NEEDLES)
def test_sixteen_rivals_have_the_shape_and_never_the_answer(fact: Fact, grade: Grade) -> None:
    rivals = fact.rivals(grade, 16, Random(1))
    form = fact.forms[grade]

    assert len(set(rivals)) == 16
    for rival in rivals:
        assert fact.answer.casefold() not in rival.casefold()
        assert form.value.casefold() not in rival.casefold()
        assert fact.bridge not in rival


@pytest.mark.parametrize(("fact", "grade"), NEEDLES)
def test_what_rivals_speak_of_is_another_thing_with_another_value(fact: Fact, grade: Grade) -> None:
    form = fact.forms[grade]

    assert form.value not in form.rivals
    assert len(set(form.rivals)) == len(form.rivals) >= 7
    assert fact.bridge not in fact.bridges
    assert len(set(fact.bridges)) == len(fact.bridges) == 8
    assert len(set(names()[fact.others])) == len(names()[fact.others]) >= 16


@pytest.mark.parametrize(("fact", "grade"), NEEDLES)
def test_every_slot_of_a_text_is_filled(fact: Fact, grade: Grade) -> None:
    for text in (*fact.evidence(grade), *fact.rivals(grade, 16, Random(1))):
        assert not any(slot in text for slot in ("{a}", "{v}", "{b}")), text


def test_no_answer_is_a_name_that_rivals_or_texts_speak_of() -> None:
    known = {word.casefold() for words in names().values() for word in words}

    assert not known & {fact.answer.casefold() for fact in facts()}


def test_a_rival_chain_of_two_hops_is_whole() -> None:
    fact = next(fact for fact in facts() if fact.id == "baker-surgeon")

    owner, dog = fact.rivals("two_hop", 2, Random(1))

    name = next(bridge for bridge in fact.bridges if bridge in owner)
    assert f"owns the dog called {name}" in dog


def test_the_same_seed_gives_the_same_rivals_and_fewer_are_their_beginning() -> None:
    fact = facts()[0]

    assert fact.rivals("verbatim", 16, Random(3))[:4] == fact.rivals("verbatim", 4, Random(3))
    assert fact.rivals("verbatim", 4, Random(3)) != fact.rivals("verbatim", 4, Random(4))


def test_no_rivals_can_be_asked_for() -> None:
    assert facts()[0].rivals("two_hop", 0, Random(1)) == []
