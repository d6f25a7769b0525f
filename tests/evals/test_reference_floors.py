from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
from click.testing import CliRunner

from tamis_evals.datasets import hotpotqa
from tamis_evals.reference.floors import Row, main, measured_again
from tamis_evals.reference.published import CHECKS, RECALL, WHOLE, Check, Figure, Fill, hidden
from tamis_evals.reference.recipe import Piece, filled, pieces_of, ranked, read
from tamis_evals.sample import Passage, Sample, Source, Unit
from tests.evals.tiny_wikipedia import data

SENTENCES = Fill("sentences", 12)


def pieces(*texts: str) -> list[Piece]:
    return [Piece(read(text), read(text).tokens) for text in texts]


def test_marks_are_tokens_but_no_terms() -> None:
    found = read("Mills, built (twice)!")
    assert found.tokens == 7
    assert dict(found.stems) == {"mill": 1, "built": 1, "twice": 1}


def test_a_short_word_keeps_its_ending() -> None:
    assert list(read("is red built parties").stems) == ["is", "red", "built", "part"]


def test_the_rarer_term_weighs_more() -> None:
    assert ranked("red mill", pieces("a mill", "a mill", "red")) == [2, 0, 1]


def test_the_shorter_of_two_texts_comes_first() -> None:
    assert ranked("mill", pieces("the mill and more words", "the mill", "no")) == [1, 0, 2]


def test_a_title_is_read_but_costs_nothing_and_counts_once_in_its_block() -> None:
    sample = Sample("s", "d", "c", "q", (Source("a.txt", "Low Mill\nOld."),))
    sentence, block = pieces_of(sample, [Unit(Passage(0, 9, 13), "Low Mill"), Unit(Passage(0, 0, 13), "Low Mill")])
    assert (sentence.cost, sentence.read.tokens) == (2, 4)
    assert (block.cost, dict(block.read.stems)) == (4, dict(sentence.read.stems))


def test_what_does_not_fit_is_passed_over() -> None:
    assert filled([0, 1, 2], pieces("one", "one two three", "one two"), 3) == {0, 2}


def test_a_published_interval_is_taken_as_it_is(tmp_path: Path) -> None:
    check = Check("tiny", lambda found: hidden(hotpotqa, 300, found), (Figure(SENTENCES, RECALL, 0.5, 0.4, 0.6),))
    (row,) = measured_again(check, data(tmp_path))
    assert (row.low, row.high, row.stated, row.n) == (0.4, 0.6, True, 1)


def test_a_share_without_an_interval_gets_wilsons_at_our_n(tmp_path: Path) -> None:
    check = Check("tiny", lambda found: hidden(hotpotqa, 300, found), (Figure(SENTENCES, WHOLE, 1.0),))
    (row,) = measured_again(check, data(tmp_path))
    # Wilson at 1 of 1: low = 1 / (1 + z²)
    assert row.low == pytest.approx(1 / (1 + 1.959964**2), abs=1e-6)
    assert not row.stated


def test_a_figure_is_inside_at_the_bounds_and_outside_beyond() -> None:
    row = Row("c", "sentences", 1, RECALL, 0.4, 0.5, 0.4, 0.6, True, 10)
    assert row.inside
    assert not Row("c", "sentences", 1, RECALL, 0.61, 0.5, 0.4, 0.6, True, 10).inside


def test_the_names_of_checks_are_distinct_and_values_are_fractions() -> None:
    assert len({check.name for check in CHECKS}) == len(CHECKS)
    figures = [figure for check in CHECKS for figure in check.figures]
    assert all(0 <= figure.value <= 1 and math.isfinite(figure.high) for figure in figures)


def test_the_command_writes_what_it_shows(tmp_path: Path) -> None:
    out = tmp_path / "floors.json"
    asked = ["--data", str(data(tmp_path / "data").folder), "--only", "hotpotqa-1k", "--out", str(out)]
    shown = CliRunner().invoke(main, asked)
    assert shown.exit_code == 0, shown.output
    rows = json.loads(out.read_text(encoding="utf-8"))["rows"]
    assert [row["metric"] for row in rows] == [RECALL, WHOLE]
    assert "hotpotqa-1k" in shown.output
