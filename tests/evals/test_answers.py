from __future__ import annotations

import pytest

from tamis_evals.metrics.answers import answer_kept, exact_match, f1, normalised, occurrences, sayable
from tamis_evals.sample import Sample, Source

TEXT = "The mill was built by Ada Brook.\nIt stands in Low Haven, near the old quay.\n"


def sample(*answers: str, text: str = TEXT) -> Sample:
    return Sample("s", "d", "c", "Who built the mill?", (Source("a.txt", text),), answers=answers)


def test_normalising_drops_case_punctuation_articles_and_spare_blanks() -> None:
    assert normalised("  The  Mill-House, (a ruin)! ") == "millhouse ruin"


def test_an_article_inside_a_word_stays() -> None:
    assert normalised("Theatre of an Anthem") == "theatre of anthem"


def test_an_exact_match_ignores_what_normalising_drops() -> None:
    assert exact_match("the Ada Brook.", ["Ada Brook"]) == 1
    assert exact_match("Ada", ["Ada Brook"]) == 0


def test_f1_is_the_harmonic_mean_over_words() -> None:
    # 2 of 3 words right, 2 of 2 found: precision 2/3, recall 1
    assert f1("by Ada Brook", ["Ada Brook"]) == pytest.approx(0.8)


def test_f1_takes_the_answer_that_agrees_best() -> None:
    assert f1("Ada Brook", ["Eve", "Ada Brook", "Ada"]) == 1


def test_f1_counts_a_repeated_word_as_often_as_it_stands() -> None:
    # one shared word; 2 predicted, 1 right
    assert f1("ada ada", ["Ada"]) == pytest.approx(2 / 3)


def test_without_answers_only_saying_nothing_is_right() -> None:
    assert (exact_match("", []), f1("", [])) == (1, 1)
    assert (exact_match("Ada", []), f1("Ada", [])) == (0, 0)


def test_an_answer_that_stands_once_is_kept_or_lost() -> None:
    assert answer_kept(sample("Ada Brook"), "… built by Ada Brook") == 1
    assert answer_kept(sample("Ada Brook"), "It stands in Low Haven.") == 0


def test_survival_is_not_defined_where_the_answer_stands_twice_or_never() -> None:
    assert answer_kept(sample("Ada Brook", text=TEXT + "Ada Brook died."), "Ada Brook") is None
    assert answer_kept(sample("Eve Brook"), "Ada Brook") is None


def test_survival_is_not_defined_for_yes_and_no() -> None:
    assert answer_kept(sample("no", text="There was no mill."), "no mill") is None


def test_aliases_of_one_place_are_one_occurrence() -> None:
    assert answer_kept(sample("Ada Brook", "Brook"), "Brook") == 1


def test_an_answer_inside_a_longer_word_does_not_stand_there() -> None:
    assert occurrences("brookside mill", ["brook"]) == 0


def test_neighbours_that_share_a_blank_are_two_places() -> None:
    assert occurrences("brook brook", ["brook"]) == 2


def test_what_cannot_stand_in_a_text_is_not_sayable() -> None:
    assert sayable(["Yes", "The", "Ada", "ada."]) == ("ada",)
