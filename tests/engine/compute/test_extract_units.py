"""Where passages are cut: sentences, lines, windows and blocks."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from tamis_engine.compute.extracting.found import Found, without_overlaps
from tamis_engine.compute.extracting.units import lines, of_tokens, owners, sentences, trimmed
from tamis_engine.compute.extracting.windows import blocks, sliding

TEXTS = st.text(
    st.one_of(st.sampled_from("ab. !?\r\n\t\u3002\u0301\U0001f600\u2028A"), st.characters(exclude_categories=["Cs"]))
)


def texts(passage: str) -> list[str]:
    return [passage[start:end] for start, end in sentences(passage)]


def test_sentences_end_where_lines_do_unless_the_next_goes_on_in_small_letters() -> None:
    assert texts("One. Two of\r\nthem! Three\nFour\n- five\n\nSix?") == [
        "One.",
        "Two of\r\nthem!",
        "Three",
        "Four",
        "- five",
        "Six?",
    ]
    assert texts("Dr. Ada is in.  \U0001f600 e\u0301 x! End") == ["Dr. Ada is in.", "\U0001f600 e\u0301 x!", "End"]


def test_a_sentence_without_end_is_cut_between_words() -> None:
    found = texts("word " * 1000)
    assert len(found) == 3
    assert all(each.replace("word", "").strip() == "" for each in found)
    assert [len(each) for each in texts("x" * 4500)] == [2000, 2000, 500]


def test_lines_end_as_files_end_them() -> None:
    passage = "  a\r\nb \n\n\t\nc\rd"
    assert [passage[start:end] for start, end in lines(passage)] == ["  a", "b ", "c", "d"]


@given(TEXTS)
def test_sentences_hold_every_character_that_is_not_white_space_once(passage: str) -> None:
    found = sentences(passage)
    assert "".join("".join(each.split()) for each in (passage[start:end] for start, end in found)) == "".join(
        passage.split()
    )
    assert found == sorted(found)
    assert all(passage[start:end] == passage[start:end].strip() != "" for start, end in found)


@given(TEXTS, st.integers(0, 9), st.integers(0, 9))
def test_trimming_leaves_what_strip_leaves(passage: str, start: int, more: int) -> None:
    span = trimmed(passage, start, start + more)
    assert passage[span.start : span.end].startswith(passage[start : start + more].strip())


def test_a_letter_is_not_parted_from_its_accent() -> None:
    assert of_tokens("e\u0301\u0323 x", 0, 1) == (0, 3)
    assert of_tokens(" \u0301", 0, 1) == (1, 1)


def test_white_space_belongs_to_what_stands_before_it() -> None:
    passage = "Ada is. Bob is."
    assert owners(sentences(passage), [(0, 3), (3, 6), (6, 8), (7, 11), (11, 15)]) == [0, 0, 0, 1, 1]


@given(st.integers(0, 300), st.integers(1, 60), st.integers(0, 80))
def test_windows_read_every_token_and_share_what_they_should(count: int, room: int, overlap: int) -> None:
    found = sliding(count, room, overlap)
    assert {at for first, last in found for at in range(first, last)} == set(range(count))
    assert all(0 < last - first <= room for first, last in found)
    shared = [earlier[1] - later[0] for earlier, later in pairwise(found)]
    assert all(each >= min(overlap, room - 1) for each in shared)
    assert len({last for _, last in found}) == len(found)


@given(st.lists(st.integers(1, 30)), st.integers(1, 20))
def test_blocks_cut_only_what_does_not_fit_whole(sizes: list[int], room: int) -> None:
    owner = [at for at, size in enumerate(sizes) for _ in range(size)]
    found = blocks(owner, room)
    assert [at for first, last in found for at in range(first, last)] == list(range(len(owner)))
    assert all(0 < last - first <= room for first, last in found)
    for _, last in found[:-1]:
        assert owner[last] != owner[last - 1] or sizes[owner[last]] > room


def test_of_two_that_overlap_the_likelier_is_taken() -> None:
    found = [Found(0, 0, 5, 0.5), Found(1, 4, 8, 0.9), Found(0, 8, 9, 0.1), Found(0, 3, 12, 0.8), Found(2, 4, 8, 0.9)]
    assert without_overlaps(found) == [Found(1, 4, 8, 0.9), Found(0, 8, 9, 0.1)]


@given(
    st.lists(
        st.builds(
            lambda start, more, p: Found(0, start, start + more, p),
            st.integers(0, 40),
            st.integers(1, 9),
            st.floats(0, 1),
        )
    )
)
def test_what_is_taken_never_overlaps_and_what_is_not_does(found: list[Found]) -> None:
    taken = without_overlaps(found)
    for each in found:
        over = [other for other in taken if each.start < other.end and other.start < each.end]
        assert over == [each] if each in taken else any(other.probability >= each.probability for other in over)
