"""Every value here was computed by hand from the text below."""

from __future__ import annotations

import pytest

from tamis_evals.metrics.selection import measured, merged
from tamis_evals.sample import Passage, Sample, Source

TEXT = "Ada has a dog.\n\nBen has a cat.\n\nCleo has no pets at all."
FIRST = Passage(0, 0, 14)
SECOND = Passage(0, 16, 30)
THIRD = Passage(0, 32, 56)


def ask(evidence: tuple[Passage, ...], rivals: tuple[Passage, ...] = (), *more: Source) -> Sample:
    sources = (Source("pets.txt", TEXT), *more)
    return Sample("pets", "pets", "pets", "Who has a dog?", sources, evidence=evidence, rivals=rivals)


def test_the_text_is_cut_as_the_other_tests_believe() -> None:
    sample = ask(())

    assert [sample.text(unit) for unit in (FIRST, SECOND, THIRD)] == TEXT.split("\n\n")


def test_evidence_kept_whole_and_nothing_else_is_perfect() -> None:
    values = measured(ask((FIRST,), (SECOND,)), [FIRST])

    assert values == {
        "evidence_recall": 1.0,
        "all_evidence": 1.0,
        "character_recall": 1.0,
        "character_precision": 1.0,
        "character_iou": 1.0,
        "rivals_kept": 0.0,
        "clean": 1.0,
    }


def test_one_unit_of_two_is_half_the_recall_and_not_all_the_evidence() -> None:
    values = measured(ask((FIRST, THIRD)), [FIRST])

    assert values["evidence_recall"] == 0.5
    assert values["all_evidence"] == 0.0
    assert values["character_recall"] == pytest.approx(11 / 30)
    assert values["character_precision"] == 1.0
    assert values["character_iou"] == pytest.approx(11 / 30)


def test_characters_beside_the_evidence_cost_precision() -> None:
    values = measured(ask((FIRST,)), [Passage(0, 0, 30)])

    assert values["evidence_recall"] == 1.0
    assert values["character_precision"] == pytest.approx(11 / 22)
    assert values["character_iou"] == pytest.approx(11 / 22)


def test_overlapping_passages_count_once() -> None:
    values = measured(ask((FIRST, SECOND)), [Passage(0, 0, 20), Passage(0, 10, 30), Passage(0, 4, 6)])

    assert values["evidence_recall"] == 1.0
    assert values["character_precision"] == pytest.approx(1.0)
    assert values["character_iou"] == pytest.approx(1.0)


def test_two_parts_of_a_unit_add_up() -> None:
    values = measured(ask((FIRST,)), [Passage(0, 0, 7), Passage(0, 7, 14)])

    assert values["all_evidence"] == 1.0


def test_a_unit_counts_from_nine_tenths_of_its_letters() -> None:
    # "Ada has a dog." holds 11 letters and signs: without its full stop 10 / 11 = 0.909, without "g." 9 / 11 = 0.818
    without_stop, without_two = Passage(0, 0, 13), Passage(0, 0, 12)

    assert measured(ask((FIRST,)), [without_stop])["all_evidence"] == 1.0
    assert measured(ask((FIRST,)), [without_two])["all_evidence"] == 0.0


def test_blanks_inside_a_unit_need_not_be_kept() -> None:
    both = Passage(0, 0, 30)

    values = measured(ask((both,)), [FIRST, SECOND])

    assert values["evidence_recall"] == 1.0
    assert values["all_evidence"] == 1.0
    assert values["character_recall"] == 1.0


def test_a_rival_misleads_from_half_of_its_letters() -> None:
    # "Ben has a cat." holds 11: "Ben has" is 6 of them, "Ben ha" 5
    half, less = Passage(0, 16, 23), Passage(0, 16, 22)

    assert measured(ask((FIRST,), (SECOND,)), [FIRST, half])["clean"] == 0.0
    assert measured(ask((FIRST,), (SECOND,)), [FIRST, less])["clean"] == 1.0


def test_one_rival_of_two_is_half_of_them_and_not_clean() -> None:
    values = measured(ask((FIRST,), (SECOND, THIRD)), [FIRST, THIRD])

    assert values["rivals_kept"] == 0.5
    assert values["clean"] == 0.0
    assert values["all_evidence"] == 1.0


def test_no_rivals_without_the_evidence_is_not_clean() -> None:
    values = measured(ask((FIRST,), (SECOND,)), [THIRD])

    assert values["rivals_kept"] == 0.0
    assert values["clean"] == 0.0


def test_keeping_nothing_has_no_precision_and_no_recall() -> None:
    values = measured(ask((FIRST,), (SECOND,)), [])

    assert values == {
        "evidence_recall": 0.0,
        "all_evidence": 0.0,
        "character_recall": 0.0,
        "character_precision": None,
        "character_iou": 0.0,
        "rivals_kept": 0.0,
        "clean": 0.0,
    }


def test_an_empty_passage_is_nothing() -> None:
    assert measured(ask((FIRST,)), [Passage(0, 5, 5)]) == measured(ask((FIRST,)), [])


def test_recall_is_not_defined_where_nothing_is_evidence() -> None:
    assert measured(ask(()), [FIRST]) == {"evidence_recall": None, "all_evidence": None}


def test_the_same_characters_of_another_source_are_not_the_evidence() -> None:
    sample = ask((FIRST,), (), Source("copy.txt", TEXT))

    values = measured(sample, [Passage(1, 0, 14)])

    assert values["evidence_recall"] == 0.0
    assert values["character_precision"] == 0.0
    assert values["character_iou"] == 0.0


def test_evidence_in_two_sources_is_added_up() -> None:
    sample = ask((FIRST, Passage(1, 0, 6)), (), Source("more.txt", "Yes. No."))

    values = measured(sample, [FIRST, Passage(1, 0, 4)])

    # blanks aside: all 11 of the first, and 4 of the 5 of "Yes. N"
    assert values["evidence_recall"] == 0.5
    assert values["character_recall"] == pytest.approx((11 + 4) / 16)


def test_merging_joins_what_touches_and_keeps_the_order() -> None:
    scattered = [Passage(1, 0, 5), Passage(0, 8, 12), Passage(0, 0, 4), Passage(0, 4, 6), Passage(0, 20, 20)]

    assert merged(scattered) == [Passage(0, 0, 6), Passage(0, 8, 12), Passage(1, 0, 5)]
