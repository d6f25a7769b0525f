"""Near-duplicates: what folds, what does not, and that no pair is missed for speed."""

from __future__ import annotations

import random
from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from tamis_tools.duplicates import NEAR, RUN_WORDS, SKETCH, Twin, twins


def silent(_done: float) -> None:
    return None


def words(seed: int, count: int) -> list[str]:
    return [f"word{random.Random(f'{seed}-{at}').randrange(10_000)}" for at in range(count)]


def share(one: str, other: str) -> float:
    """The definition, of every run of five words."""
    runs = []
    for text in (one, other):
        split = text.split()
        starts = range(max(1, len(split) - RUN_WORDS + 1)) if split else ()
        runs.append({tuple(split[at : at + RUN_WORDS]) for at in starts})
    return len(runs[0] & runs[1]) / len(runs[0] | runs[1]) if runs[0] | runs[1] else 0.0


def test_white_space_makes_no_difference() -> None:
    assert twins(["one two", " one\r\n\ttwo\n"], silent) == {1: Twin(0, 1.0)}


def test_one_changed_word_in_many_is_a_near_duplicate() -> None:
    text = words(1, 200)
    changed = [*text[:100], "changed", *text[101:]]
    found = twins([" ".join(words(2, 200)), " ".join(text), " ".join(changed)], silent)
    assert found.keys() == {2}
    assert found[2].of == 1
    assert NEAR <= found[2].share < 1


def test_texts_that_share_only_a_licence_header_stay() -> None:
    header = words(1, 100)
    assert twins([" ".join([*header, *words(seed, 100)]) for seed in (2, 3, 4)], silent) == {}


def test_the_same_words_in_another_order_are_another_text() -> None:
    assert twins(["a b c", "c b a"], silent) == {}


def test_texts_without_words_repeat_nothing() -> None:
    assert twins(["", " \n", ""], silent) == {}


def test_a_chain_folds_into_its_first_only() -> None:
    text = words(1, 300)
    drifting = [" ".join([*text[at * 20 :], *words(9, at * 20)]) for at in range(6)]
    found = twins(drifting, silent)
    assert all(twin.of not in found for twin in found.values())


def test_long_texts_are_judged_by_a_sample() -> None:
    text = words(1, SKETCH * 6)
    near = [*text[: SKETCH * 5], *words(2, SKETCH // 4), *text[SKETCH * 5 :]]
    far = [*text[: SKETCH * 3], *words(3, SKETCH * 3)]
    found = twins([" ".join(text), " ".join(near), " ".join(far)], silent)
    assert found.keys() == {1}
    assert abs(found[1].share - share(" ".join(text), " ".join(near))) < 0.05


def test_progress_is_told() -> None:
    told: list[float] = []
    twins(["a"] * 40, told.append)
    assert told == sorted(told)
    assert len(told) == 3


@given(st.lists(st.lists(st.sampled_from("abc"), max_size=40).map(" ".join), max_size=8))
def test_what_is_left_are_no_near_duplicates(texts: list[str]) -> None:
    found = twins(texts, silent)
    left = [text for number, text in enumerate(texts) if number not in found]
    assert all(share(one, other) < NEAR for one, other in combinations(left, 2))
    assert all(share(texts[number], texts[twin.of]) >= NEAR for number, twin in found.items())
