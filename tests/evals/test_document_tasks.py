"""Questions about one document as samples: their order, their number, what the two tasks measure."""

from __future__ import annotations

import pytest

from tamis_evals.datasets.labelled import Span
from tamis_evals.datasets.spans import Question
from tamis_evals.sample import Outcome, Passage
from tamis_evals.tasks.agents import Agents
from tamis_evals.tasks.documents import Documents
from tamis_evals.tasks.questions import BLOCK, sample, samples
from tamis_evals.tasks.task import Plan

TEXT = "Tea grows on hills.\nSalt does not.\n"


def rows(count: int, document: str = TEXT) -> list[Question]:
    return [
        Question(f"{document[:4]}{at}", "one", "tea.md", document, f"Why {at}?", (Span(0, 19),)) for at in range(count)
    ]


def test_a_question_becomes_a_sample_with_its_document_and_evidence() -> None:
    row = Question("1", "tea", "tea.md", TEXT, "Where?", (Span(0, 19),), ("hills",), (Span(0, 19), Span(20, 34)))
    made = sample("teas", row)
    assert (made.id, made.cluster, made.answers) == ("teas/1", "teas/tea", ("hills",))
    assert [made.text(passage) for passage in made.evidence] == ["Tea grows on hills."]
    assert [made.text(unit.passage) for unit in made.sentences] == ["Tea grows on hills.", "Salt does not."]
    assert made.sentences == made.blocks
    assert made.factors["length"] == 9


def test_every_question_is_asked_once_and_in_the_same_order_again() -> None:
    sets = {"a": rows(30), "b": rows(5, "Beer.\n")}
    first = [each.id for each in samples(sets, Plan())]
    assert len(set(first)) == len(first) == 35
    assert first == [each.id for each in samples(sets, Plan())]
    assert first != [each.id for each in samples(sets, Plan(seed=12))]


def test_questions_about_one_document_come_in_blocks() -> None:
    documents = [document for count in range(4) for document in rows(2 * BLOCK, f"Number {count}.\n")]
    asked = [each.sources[0].text for each in samples({"a": documents}, Plan())]
    blocks = [set(asked[at : at + BLOCK]) for at in range(0, len(asked), BLOCK)]
    assert all(len(block) == 1 for block in blocks)
    assert asked != [row.text for row in documents]


def test_a_first_part_holds_all_data_sets() -> None:
    sets = {name: [row for at in range(12) for row in rows(1, f"{name} {at}.\n")] for name in "abc"}
    first = [each.dataset for each in samples(sets, Plan())][:9]
    assert {name: first.count(name) for name in "abc"} == {"a": 3, "b": 3, "c": 3}


def test_the_limit_is_for_each_data_set() -> None:
    asked = [each.dataset for each in samples({"a": rows(9), "b": rows(9, "Beer.\n")}, Plan(limit=2))]
    assert sorted(asked) == ["a", "a", "b", "b"]


def test_a_quick_run_asks_little_and_of_short_documents() -> None:
    long = "tea " * 20_000
    asked = list(samples({"a": rows(40), "b": rows(40, long)}, Plan(quick=True)))
    assert len(asked) == 8
    assert all(each.sources[0].text == TEXT for each in asked)


def two_spans() -> Question:
    return Question("1", "tea", "tea.log", TEXT, "Where?", (Span(0, 19), Span(20, 34)))


def test_one_of_two_passages_is_any_evidence_and_not_all() -> None:
    values = Documents().measure(sample("teas", two_spans()), Outcome((Passage(0, 0, 19),)))
    assert (values["evidence_recall"], values["any_evidence"], values["all_evidence"]) == (0.5, 1.0, 0.0)


def test_a_question_without_evidence_has_no_any_evidence() -> None:
    made = sample("teas", Question("1", "tea", "tea.md", TEXT, "Where?", ()))
    assert Documents().measure(made, Outcome())["any_evidence"] is None


@pytest.mark.parametrize(("tokens", "saved"), [(3, 2 / 3), (9, 0.0), (12, 0.0)])
def test_compression_is_what_the_reader_is_spared(tokens: int, saved: float) -> None:
    values = Agents().measure(sample("logs", two_spans()), Outcome((Passage(0, 0, 19),), tokens=tokens))
    assert values["compression"] == pytest.approx(saved)
    assert (values["line_recall"], values["line_precision"]) == (0.5, 1.0)
