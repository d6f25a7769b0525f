from __future__ import annotations

from pathlib import Path

import pytest

from tamis_evals.datasets.labelled import Labelled, Span, scored
from tamis_evals.haystacks.pages import Page, Shelf, blocks, page, sentences
from tamis_evals.sample import Outcome, Passage, Sample
from tamis_evals.tasks.abstention import Abstention, Asked, swapped
from tamis_evals.tasks.order import drawn, in_turn
from tamis_evals.tasks.reranking import Reranking
from tamis_evals.tasks.selection import Selection
from tamis_evals.tasks.task import Plan, Task
from tamis_tools import tokens
from tests.evals.folder_of_data import everything

TASKS = (Selection, Reranking, Abstention)


def row(name: str, text: str, question: str = "where is the harbour", answers: tuple[str, ...] = ()) -> Labelled:
    return Labelled(name, name, question, text, (Span(0, len(text)),), (0,), answers)


@pytest.mark.parametrize("task", TASKS)
def test_the_same_plan_asks_the_same_samples(task: type[Task], tmp_path: Path) -> None:
    data = everything(tmp_path)
    first = list(task().samples(data, Plan()))
    assert first == list(task().samples(data, Plan()))
    assert len({sample.id for sample in first}) == len(first) > 0


@pytest.mark.parametrize("task", TASKS)
def test_evidence_sentences_and_blocks_lie_within_their_files(task: type[Task], tmp_path: Path) -> None:
    for sample in task().samples(everything(tmp_path), Plan()):
        units = [unit.passage for unit in (*sample.sentences, *sample.blocks)]
        for passage in (*sample.evidence, *units):
            assert 0 <= passage.start < passage.end <= len(sample.sources[passage.source].text)
        names = [source.name for source in sample.sources]
        assert len(set(names)) == len(names)


@pytest.mark.parametrize("task", TASKS)
def test_a_limit_holds_for_each_data_set(task: type[Task], tmp_path: Path) -> None:
    samples = list(task().samples(everything(tmp_path), Plan(limit=1)))
    kinds = [(sample.dataset, sample.factors.get("answerable")) for sample in samples]
    assert len(set(kinds)) == len(kinds)


def test_only_documents_of_the_scored_half_are_asked_where_the_other_is_for_training(tmp_path: Path) -> None:
    samples = [s for s in Selection().samples(everything(tmp_path), Plan()) if s.dataset in ("qed", "selqa")]
    assert {sample.dataset for sample in samples} == {"qed", "selqa"}
    assert all(scored(sample.cluster.partition("-")[2]) for sample in samples)


def test_the_evidence_is_the_sentence_that_the_data_set_names(tmp_path: Path) -> None:
    samples = Selection().samples(everything(tmp_path), Plan())
    texts = {sample.dataset: [sample.text(part) for part in sample.evidence] for sample in samples}
    assert texts["entailmentbank"] == ["gulls are birds", "birds have wings"]
    assert texts["qed"] == ["The lamp house was painted by Orla Venn ."]


def test_all_questions_to_a_folder_share_its_sources(tmp_path: Path) -> None:
    samples = [s for s in Reranking().samples(everything(tmp_path), Plan()) if s.dataset == "scifact"]
    assert len(samples) == 2
    assert samples[0].sources is samples[1].sources


def test_a_ranking_is_measured_by_the_files_that_hold_the_evidence(tmp_path: Path) -> None:
    task = Reranking()
    claim = next(s for s in task.samples(everything(tmp_path), Plan()) if s.id == "scifact-4")
    assert task.measure(claim, Outcome(ranked=(0, 1)))["ndcg_at_10"] == 1
    assert task.measure(claim, Outcome(ranked=(0,)))["pass_at_10"] == 0.5


def test_a_quick_run_ranks_the_documentation_alone(tmp_path: Path) -> None:
    assert {s.dataset for s in Reranking().samples(everything(tmp_path), Plan(quick=True))} == {"cookbook-docs"}


def test_abstention_keeps_what_its_curve_is_drawn_from() -> None:
    sample = Sample("s", "d", "c", "q", (), factors={"answerable": 0})
    found = Abstention().measure(sample, Outcome(best=0.25, answered=False, tokens=90))
    assert found == {"best": 0.25, "answerable": 0, "said_answered": 0, "kept_tokens": 90}
    assert Abstention().measure(sample, Outcome())["best"] is None


def test_an_unanswerable_sample_of_a_pair_does_not_hold_the_questions_own_text(tmp_path: Path) -> None:
    samples = [s for s in Abstention().samples(everything(tmp_path), Plan()) if s.dataset != "clapnq"]
    own = {sample.cluster: sample for sample in samples if sample.factors["answerable"]}
    without = [sample for sample in samples if not sample.factors["answerable"]]
    for sample in without:
        assert not sample.evidence
        assert own[sample.cluster].query == sample.query


def test_a_question_goes_to_the_next_files_without_its_own() -> None:
    a, b, c = (page(row(name, f"About {name}.")) for name in "abc")
    filed = [Asked(a, (a, c)), Asked(b, (b, a)), Asked(c, (c,))]
    assert [(each.own, each.files) for each in swapped(filed)] == [(a, (c,)), (b, (c,)), (c, (b, a))]
    assert swapped([Asked(a, (a,))]) == []


def test_offsets_of_a_page_count_its_heading() -> None:
    made = page(row("Old Quay", "The quay is old."))
    assert made.source.name == "old-quay.md"
    start, end = made.passage(0, 0)[1:]
    assert made.source.text[start:end] == "The quay is old."
    assert sentences([made])[0].passage == blocks([made])[0].passage == Passage(0, start, end)


def test_the_likest_come_first_and_none_that_holds_the_answer() -> None:
    own = page(row("own", "The harbour is in Low Haven.", answers=("Low Haven",)))
    near, far = page(row("near", "A harbour has a quay.")), page(row("far", "Bakers rise early."))
    telling = page(row("telling", "The harbour? Low haven has it."))
    shelf = Shelf([far, telling, near, own])
    two = sum(tokens.count(each.source.text) for each in (own, near))
    few = shelf.among(own, shelf.likest(own), two, seed=1)
    assert set(few) == {own, near}
    assert set(shelf.among(own, shelf.likest(own), 1_000, seed=1)) == {own, near, far}


def test_another_text_of_the_same_document_is_no_company() -> None:
    own, same = page(row("Harbour", "One.")), page(row("Harbour", "Two."))
    shelf = Shelf([own, same])
    assert shelf.among(own, shelf.by_lot(own, 1), 1_000, seed=1) == (own,)


def test_rows_without_a_title_are_a_list_of_facts() -> None:
    made = page(Labelled("1", "", "q", "- a\n", (Span(2, 3),), (0,)))
    assert made == Page(made.row, made.source, 0)
    assert made.source == ("facts.md", "- a\n")


def test_series_are_asked_in_turn_until_all_are_through() -> None:
    assert list(in_turn(["abcd", "x", "12"])) == list("ax1b2cd")
    assert list(in_turn(["abcd", "xy", ""], block=2)) == list("abxycd")


def test_a_draw_is_by_lot_and_the_shorter_one_its_beginning() -> None:
    rows = list(range(50))
    everyone = drawn(rows, Plan(), 4)
    assert sorted(everyone) == rows != everyone
    assert drawn(rows, Plan(limit=9), 4) == everyone[:9]
    assert drawn(rows, Plan(quick=True), 4) == everyone[:4]
    assert drawn(rows, Plan(seed=23), 4) != everyone
