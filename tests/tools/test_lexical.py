"""Words, parts of identifiers, and how much of a query a text covers."""

from hypothesis import given
from hypothesis import strategies as st

from tamis_tools import lexical


def test_identifiers_are_found_by_their_parts_and_whole() -> None:
    assert set(lexical.terms("readHTTPBody2")) == {"read", "http", "bodi", "2", "readhttpbody2"}
    assert "max_retri" not in lexical.terms("max_retries")
    assert {"max", "retri", "max_retries"} == set(lexical.terms("max_retries"))


def test_scripts_without_spaces_become_character_pairs() -> None:
    assert lexical.terms("東京都") == ("東京", "京都")


def test_a_query_of_stop_words_alone_keeps_them() -> None:
    assert lexical.query_terms("who is it") == ("who", "is", "it")
    assert lexical.query_terms("where is the timeout") == ("timeout",)


def test_the_text_with_the_rare_word_covers_most() -> None:
    texts = ["the socket closes", "the socket times out after the deadline", "nothing here", "a socket"]
    covered = lexical.coverage("socket deadline", texts)
    assert covered.argmax() == 1
    assert covered[2] == 0


def test_a_word_that_stands_nowhere_lowers_what_can_be_covered() -> None:
    texts = ["alpha beta", "gamma delta"]
    assert lexical.coverage("alpha", texts)[0] > lexical.coverage("alpha zeppelin", texts)[0]


@given(st.text(max_size=40), st.lists(st.text(max_size=80), max_size=6))
def test_coverage_is_between_nothing_and_everything(query: str, texts: list[str]) -> None:
    covered = lexical.coverage(query, texts)
    assert covered.shape == (len(texts),)
    assert all(0 <= value <= 1 for value in covered)
