from __future__ import annotations

from pathlib import Path

import pytest

from tamis_evals.datasets import clapnq, entailmentbank, qed, selqa
from tamis_evals.datasets.labelled import Labelled, joined, located, scored
from tests.evals.folder_of_data import clapnq_row, everything, lines, qed_row, written


def relevant(row: Labelled) -> list[str]:
    return [row.text[slice(*row.sentences[number])] for number in row.relevant]


def test_the_leaves_of_the_proof_are_the_evidence_and_its_conclusions_are_not(tmp_path: Path) -> None:
    row = entailmentbank.read(everything(tmp_path))[0]
    assert relevant(row) == ["gulls are birds", "birds have wings"]
    assert row.text == "- gulls are birds\n- lamps need oil\n- birds have wings\n"
    assert row.question == "a gull has wings"


def test_a_question_that_comes_twice_has_two_ids(tmp_path: Path) -> None:
    assert [row.id for row in entailmentbank.read(everything(tmp_path))] == ["Q1", "Q1-2"]


def test_the_selected_sentence_of_qed_is_its_evidence(tmp_path: Path) -> None:
    row = qed.read(everything(tmp_path))[0]
    assert relevant(row) == ["The lamp house was painted by Orla Venn ."]
    assert row.answers == ("Orla Venn",)
    assert row.text[slice(*row.sentences[2])] == "Gulls nest on it ."


def test_questions_without_a_selected_sentence_are_left_out(tmp_path: Path) -> None:
    data = written(tmp_path, {qed.PATH: lines([qed_row(1), qed_row(2, "multi_sentence"), qed_row(3, "none")])})
    assert [row.id for row in qed.read(data)] == ["-1"]


def test_an_empty_candidate_does_not_move_the_evidence(tmp_path: Path) -> None:
    row = selqa.read(everything(tmp_path))[3]
    assert row.id == "test-3"
    assert len(row.sentences) == 2
    assert relevant(row) == ["It sank in 1903."]


def test_half_of_the_annotators_make_a_sentence_relevant(tmp_path: Path) -> None:
    votes = [["A 1 ."], ["A 1 .", "B 1 ."], ["A 1 ."], []]
    data = written(tmp_path, {clapnq.ANSWERABLE: lines([clapnq_row(1, votes), clapnq_row(2, votes[1:3])])})
    alone, both = clapnq.read(data)
    assert relevant(alone) == ["A 1 ."]
    assert relevant(both) == ["A 2 .", "B 2 ."]


def test_an_unanswerable_question_has_no_evidence(tmp_path: Path) -> None:
    assert all(not row.relevant for row in clapnq.read(everything(tmp_path), clapnq.UNANSWERABLE))


def test_a_title_is_on_the_same_side_however_it_is_written() -> None:
    sides = [scored(f"Article {number}") for number in range(200)]
    assert 70 < sum(sides) < 130
    assert sides == [scored(f" ARTICLE {number} ") for number in range(200)]


def test_joined_sentences_are_found_again() -> None:
    text, spans = joined(["One.", "Two."], glue="\n", lead="- ")
    assert [text[slice(*span)] for span in spans] == ["One.", "Two."]
    assert located(text, ["One.", "Two."]) == spans


def test_a_sentence_that_is_not_in_the_text_is_an_error() -> None:
    with pytest.raises(ValueError, match="substring not found"):
        located("One. Two.", ["Three."])
