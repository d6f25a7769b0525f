"""Text made to be slow or large to cut is cut all the same."""

import itertools
from typing import get_args

import pytest

from tamis_tools.document import Document, Format
from tamis_tools.segments import segment
from tamis_tools.segments.grammars import parse

SIZE = 150_000
REPEATED = (
    "a",
    " ",
    "[",
    "<",
    '"',
    "(",
    "{",
    "\0",
    "\n",
    '"a": {',
    "{\n",
    '<a "',
    "a\n",
    "«",
    "![",
    "|a|\n|-|\n",
    "$(",
)


@pytest.mark.parametrize("form", get_args(Format))
@pytest.mark.parametrize("repeated", REPEATED)
def test_repetition_is_cut(form: Format, repeated: str) -> None:
    text = repeated * (SIZE // len(repeated))
    assert bool(segment(Document("d", text, form, "python"))) is bool(text.strip())


def test_a_parser_that_takes_too_long_is_stopped() -> None:
    text = "x = 1\n" * 20_000
    assert parse("python", text) is not None
    assert parse("python", text, clock=itertools.count(0.0, 0.1).__next__) is None


def test_a_text_without_a_grammar_is_not_parsed() -> None:
    assert parse("klingon", "nuqneH") is None
