"""Text made to be slow or large to cut is cut all the same."""

from typing import get_args

import pytest

from tamis_tools.document import Document, Format
from tamis_tools.segments import segment
from tamis_tools.segments.grammars import GRAMMARS, parse

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


@pytest.mark.parametrize("language", sorted(GRAMMARS))
def test_a_parser_that_needs_too_many_steps_is_stopped(language: str) -> None:
    assert parse(language, "`${" * 60_000) is None or language in {"json", "csharp", "java", "javascript"}


def test_a_text_without_a_grammar_is_not_parsed() -> None:
    assert parse("klingon", "nuqneH") is None
