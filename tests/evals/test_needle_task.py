from __future__ import annotations

from collections import Counter, defaultdict
from itertools import islice
from pathlib import Path
from random import Random

import pytest

from tamis_evals.datasets.data import Data
from tamis_evals.haystacks.needles import GRADES
from tamis_evals.sample import Outcome, Passage, Sample
from tamis_evals.tasks.needles import DEPTHS, RIVALS, Cell, Needles, build, design, quick, slots
from tamis_evals.tasks.task import LENGTHS, Plan
from tamis_tools.tokens import count

TASK = Needles()
SHORT = Plan(lengths=(1_000, 4_000))


def cell(number: int) -> Cell:
    return next(islice(design(SHORT), number, None))


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> list[Sample]:
    data = Data(tmp_path_factory.mktemp("data"))
    return list(TASK.samples(data, SHORT))


def test_what_is_said_to_be_evidence_and_rival_stands_in_the_sources(samples: list[Sample]) -> None:
    for made, sample in zip(design(SHORT), samples, strict=True):
        assert tuple(map(sample.text, sample.evidence)) == made.fact.evidence(made.grade)
        assert len(sample.rivals) == made.rivals
        assert all(sample.text(rival).strip() for rival in sample.rivals)


def test_the_answer_stands_in_one_place_only(samples: list[Sample]) -> None:
    for sample in samples:
        everything = "\n".join(source.text for source in sample.sources).casefold()
        assert everything.count(sample.answers[0].casefold()) == 1
        assert sample.answers[0] in sample.text(sample.evidence[-1])


def test_needle_and_rivals_count_towards_the_length(samples: list[Sample]) -> None:
    for sample in samples:
        written = sum(count(source.text) for source in sample.sources)
        assert written == pytest.approx(int(sample.factors["length"]), rel=0.03, abs=160), sample.id


def test_the_budgets_hold_all_evidence_and_four_rivals(samples: list[Sample]) -> None:
    for sample in (sample for sample in samples if sample.factors["rivals"] == 4):
        shown = "\n".join(map(sample.text, (*sample.evidence, *sample.rivals)))
        assert count(shown) < min(TASK.budgets), sample.id


def test_identities_are_unique_and_the_same_in_every_run(samples: list[Sample], tmp_path: Path) -> None:
    again = list(islice(TASK.samples(Data(tmp_path), SHORT), 8))

    assert len({sample.id for sample in samples}) == len(samples)
    assert again == samples[:8]


def test_every_needle_stands_once_in_every_length() -> None:
    cells = list(design(Plan()))

    assert len(cells) == 640
    assert len({(made.fact.id, made.grade, made.length) for made in cells}) == 640


@pytest.mark.parametrize("factor", ["rivals", "depth", "coherent"])
def test_a_factor_is_balanced_in_every_length_grade_and_material(factor: str) -> None:
    """32 facts do not divide by 5: a level may have two facts more than another, four rivals stand for two levels."""
    seen: dict[tuple[object, ...], Counter[object]] = defaultdict(Counter)
    for made in design(Plan()):
        level = getattr(made, factor)
        seen[made.length, "length"][level] += 1
        seen[made.grade, "grade"][level] += 1
        seen[made.fact.material, "material"][level] += 1
    for counts in seen.values():
        shares = [counts[level] / (2 if factor == "rivals" and level == 4 else 1) for level in counts]
        assert max(shares) <= 1.35 * min(shares)


def test_rivals_and_depths_are_crossed() -> None:
    crossed = Counter((made.rivals, made.depth) for made in design(Plan()))

    assert set(crossed) == {(rivals, depth) for rivals in RIVALS for depth in DEPTHS}


def test_the_four_grades_of_a_fact_stand_in_the_same_surroundings() -> None:
    surroundings: dict[tuple[str, int], set[tuple[object, ...]]] = defaultdict(set)
    for made in design(Plan()):
        surroundings[made.fact.id, made.length].add((made.rivals, made.depth, made.coherent))

    assert all(len(same) == 1 for same in surroundings.values())


def test_any_beginning_is_a_fair_mix() -> None:
    first = list(islice(design(Plan()), 40))

    assert set(Counter(made.fact.material for made in first).values()) == {10}
    assert set(Counter(made.length for made in first)) == set(LENGTHS)
    assert set(Counter(made.grade for made in first)) == set(GRADES)


def test_quick_asks_every_grade_in_every_material_with_four_rivals() -> None:
    cells = list(quick(Plan(quick=True)))

    assert Counter((made.fact.material, made.grade) for made in cells) == Counter(
        {(material, grade): 1 for material in ("prose", "docs", "code", "tool") for grade in GRADES}
    )
    assert {made.rivals for made in cells} == {4}
    assert {made.length for made in cells} == {1_000, 4_000, 16_000}
    assert len({made.fact.id for made in cells}) == 16


def test_a_limit_caps_each_kind_of_text(tmp_path: Path) -> None:
    found = TASK.samples(Data(tmp_path), Plan(lengths=(1_000,), limit=2))

    assert Counter(sample.dataset for sample in found) == {
        "needles-prose": 2,
        "needles-docs": 2,
        "needles-code": 2,
        "needles-log": 2,
        "needles-json": 2,
    }


def test_keeping_the_needle_alone_is_clean() -> None:
    sample = build(next(made for made in design(SHORT) if made.grade == "two_hop" and made.rivals == 16), seed=11)

    measures = TASK.measure(sample, Outcome(passages=sample.evidence))

    assert measures["clean"] == measures["answer_kept"] == measures["all_evidence"] == 1.0
    assert measures["rivals_kept"] == 0.0


def test_keeping_everything_is_not_clean() -> None:
    sample = build(next(made for made in design(SHORT) if made.rivals == 4), seed=11)
    whole = tuple(Passage(at, 0, len(source.text)) for at, source in enumerate(sample.sources))

    measures = TASK.measure(sample, Outcome(passages=whole))

    assert measures["all_evidence"] == measures["rivals_kept"] == 1.0
    assert measures["clean"] == 0.0


def test_the_first_of_two_hops_alone_does_not_keep_the_answer() -> None:
    sample = build(next(made for made in design(SHORT) if made.grade == "two_hop"), seed=11)

    first = TASK.measure(sample, Outcome(passages=sample.evidence[:1]))
    second = TASK.measure(sample, Outcome(passages=sample.evidence[1:]))

    assert (first["answer_kept"], second["answer_kept"]) == (0.0, 1.0)
    assert first["evidence_recall"] == second["evidence_recall"] == 0.5


def test_without_rivals_clean_is_not_defined() -> None:
    sample = build(next(made for made in design(SHORT) if made.rivals == 0), seed=11)

    assert "clean" not in TASK.measure(sample, Outcome(passages=sample.evidence))


@pytest.mark.parametrize(
    ("depth", "first", "second"), [(0.0, 0, 50), (0.25, 25, 75), (0.5, 50, 100), (0.75, 75, 25), (1.0, 100, 50)]
)
def test_the_second_hop_stands_half_a_haystack_away(depth: float, first: int, second: int) -> None:
    assert slots(101, depth, (2, 0), Random(1)) == pytest.approx([first, second], abs=1)


def test_rivals_never_stand_beside_the_needle_while_there_is_room() -> None:
    places = slots(40, 0.5, (1, 16), Random(2))

    assert len(set(places)) == 17
    assert len(slots(3, 0.5, (2, 16), Random(2))) == 18
