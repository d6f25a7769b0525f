"""Tokens are those of tiktoken's o200k_base, from the ranks that the package carries."""

from hashlib import sha256
from importlib.resources import files

from hypothesis import given
from hypothesis import strategies as st
from tiktoken_ext import openai_public

from tamis_tools import tokens


def test_the_ranks_are_the_published_ones() -> None:
    data = files("tamis_tools").joinpath("data/o200k_base.tiktoken").read_bytes()
    assert sha256(data).hexdigest() == tokens.RANKS_SHA256


def test_known_texts_have_their_known_counts() -> None:
    assert tokens.count("") == 0
    assert tokens.count("hello world") == 2
    assert tokens.count("<|endoftext|>") > 1


def test_the_pattern_is_tiktokens_own(monkeypatch) -> None:
    monkeypatch.setattr(openai_public, "load_tiktoken_bpe", lambda *args, **kwargs: {})
    assert openai_public.o200k_base()["pat_str"] == tokens._PATTERN


@given(st.text(max_size=80), st.text(max_size=80))
def test_joining_texts_at_a_line_end_never_costs_more_than_the_line_end(one: str, other: str) -> None:
    assert tokens.count(f"{one}\n{other}") <= tokens.count(one) + tokens.count(other) + 1
