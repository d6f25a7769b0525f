"""Lines found: recall, precision and F1 by hand."""

from __future__ import annotations

import pytest

from tamis_evals.metrics.lines import measured
from tamis_evals.sample import Passage, Sample, Source

TEXT = "one\ntwo two\n\nthree\n    four\nfive"


def sample(*evidence: tuple[int, int], text: str = TEXT) -> Sample:
    passages = tuple(Passage(0, start, end) for start, end in evidence)
    return Sample("a", "made", "a", "?", (Source("a.txt", text),), passages)


def at(words: str) -> tuple[int, int]:
    start = TEXT.index(words)
    return start, start + len(words)


def kept(*words: str) -> list[Passage]:
    return [Passage(0, *at(each)) for each in words]


def test_recall_precision_and_f1_are_those_counted_by_hand() -> None:
    values = measured(sample(at("two two"), at("four")), kept("two two\n\nthree\n", "five"))
    assert values == {"line_recall": 1 / 2, "line_precision": 1 / 3, "line_f1": 2 / 5, "line_hit": 1.0}


def test_blanks_at_the_ends_of_a_line_do_not_count() -> None:
    assert measured(sample(at("    four\n")), kept("four"))["line_recall"] == 1.0


def test_an_empty_line_is_neither_gold_nor_kept() -> None:
    values = measured(sample(at("two two\n\nthree")), kept("two two\n\nthree"))
    assert values["line_recall"] == values["line_precision"] == 1.0


def test_evidence_that_touches_a_line_makes_all_of_it_gold() -> None:
    assert measured(sample(at("hre")), kept("hre"))["line_recall"] == 0.0
    assert measured(sample(at("hre")), kept("three"))["line_recall"] == 1.0


def test_a_line_kept_in_two_pieces_is_kept() -> None:
    assert measured(sample(at("three")), kept("thr", "ee"))["line_recall"] == 1.0


def test_half_a_line_is_not_kept_and_costs_no_precision() -> None:
    values = measured(sample(at("two two")), kept("two "))
    assert values == {"line_recall": 0.0, "line_precision": None, "line_f1": 0.0, "line_hit": 0.0}


def test_a_line_kept_twice_counts_once() -> None:
    assert measured(sample(at("five")), kept("five", "five"))["line_precision"] == 1.0


def test_without_gold_nothing_is_defined() -> None:
    assert set(measured(sample(), kept("one")).values()) == {None}


@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_lines_of_other_systems_are_lines_too(ends: str) -> None:
    text = f"first{ends}second{ends}"
    start = text.index("second")
    asked = sample((start, start + 6), text=text)
    assert measured(asked, [Passage(0, start, start + 6)])["line_recall"] == 1.0


def test_lines_of_two_sources_are_told_apart() -> None:
    sources = (Source("a.txt", "same"), Source("b.txt", "same"))
    asked = Sample("a", "made", "a", "?", sources, (Passage(1, 0, 4),))
    assert measured(asked, [Passage(0, 0, 4)])["line_recall"] == 0.0
    assert measured(asked, [Passage(1, 0, 4)])["line_recall"] == 1.0
