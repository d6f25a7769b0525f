"""What holds for the segments of every document, however strange."""

from itertools import pairwise
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis_tools.document import Document, Format, LineRange
from tamis_tools.segments import MAX_SEGMENT_CHARS, ranking_text, segment
from tamis_tools.segments.markup import plain_text

FORMATS: tuple[Format, ...] = get_args(Format)
LANGUAGES = ("python", "javascript", "typescript", "tsx", "go", "rust", "java", "c", "cpp", "csharp", "ruby", "php", "")
FRAGMENTS = (
    *("\n", "\r\n", "\r", "\t", "\f", "\u2028", "\u2029", "\0", "\ufffd", "\ud800", " ", "\n\n", "    ", "\u00a0"),
    *("a", "Word. ", "No! ", "é", "e\u0301", "😀", "👩\u200d💻", "🇫🇷", "שלום", "مرحبا. ", "你好。", "\u0301", "\x1c"),
    *("# T\n", "- item\n", "> ", "```\n", "| a | b |\n|---|---|\n| 1 | 2 |\n", "===\n", "---\n", "1. ", "CHAPTER I\n"),
    *(
        "def f(x):\n",
        "    return x\n",
        "class A:\n",
        "@d\n",
        "{",
        "}",
        "(",
        ")",
        ";\n",
        "function f() {\n",
        "/* */",
        "//",
    ),
    *('"', "'", "\\", '"k": ', "[", "]", ",", "1", "null", '{"a": [1, 2]}', '"x\ny"', '""', "a,b\n", ',"'),
    *(
        "<p>",
        "</p>",
        "<",
        ">",
        "<b>",
        "<script>",
        "</script>",
        "<!--",
        "-->",
        "&nbsp;",
        "&amp;",
        "<td>",
        "<tr>",
        "<h2>",
    ),
    *(
        "2026-01-31 10:00:00 ERROR ",
        "Traceback (most recent call last):\n",
        "  File x\n",
        "E: y\n",
        "a.c:1:2: error: z\n",
    ),
    *("<a href='", '<img src="', "#if\n", "'''", "`", "${", "<<A\n", "%w(", "<?php\n", "x" * 700, "word " * 300),
    *(
        "f(\n" * 30,
        "[\n" * 50,
        "    x = 1\n" * 40,
        '"k": [1, 2],\n' * 70,
        "\n" * 30,
        "<p>Text.</p>" * 40,
        "\u0301" * 1300,
    ),
)
TEXTS = st.one_of(
    st.lists(st.sampled_from(FRAGMENTS), max_size=25).map("".join),
    st.text(st.characters(categories=None), max_size=80),
)
WINDOWS = st.none() | st.builds(LineRange, st.integers(1, 6), st.integers(1, 40))
DOCUMENTS = st.builds(
    Document,
    st.just("d"),
    TEXTS,
    st.sampled_from([*FORMATS, *["code"] * len(LANGUAGES)]),
    st.sampled_from(LANGUAGES),
    window=WINDOWS,
)


@given(DOCUMENTS)
def test_segments_are_in_order_apart_and_inside_what_may_be_read(document: Document) -> None:
    segments = segment(document)
    start, end = document.readable
    assert all(start <= one.start < one.end <= end for one in segments)
    assert all(one.end <= other.start for one, other in pairwise(segments))


@given(DOCUMENTS)
def test_no_segment_is_too_long_or_blank(document: Document) -> None:
    for one in segment(document):
        piece = document.text[one.start : one.end]
        assert len(piece) <= MAX_SEGMENT_CHARS
        assert piece.strip()
        assert piece == piece.rstrip()


@given(DOCUMENTS.filter(lambda document: document.format != "html"))
def test_every_character_that_is_not_white_space_is_in_a_segment(document: Document) -> None:
    left = list(document.text[slice(*document.readable)])
    for one in segment(document):
        at = one.start - document.readable.start
        left[at : at + one.end - one.start] = " " * (one.end - one.start)
    assert not "".join(left).strip()


@given(TEXTS)
def test_every_visible_character_of_html_is_in_a_segment(text: str) -> None:
    document = Document("d", text, "html")
    shown = "".join(plain_text(text[one.start : one.end]) for one in segment(document))
    assert "".join(shown.split()) == "".join(plain_text(text).split())


@given(DOCUMENTS)
def test_context_lies_in_the_document_beside_the_segment_and_the_block_holds_it(document: Document) -> None:
    for one in segment(document):
        assert one.block.start <= one.start
        assert one.end <= one.block.end
        for span in one.context:
            assert 0 <= span.start < span.end <= len(document.text)
            assert span.end <= one.start or one.end <= span.start


@given(DOCUMENTS)
def test_there_is_always_a_text_to_rank_by(document: Document) -> None:
    for one in segment(document):
        assert len(ranking_text(document, one)) <= 2 * MAX_SEGMENT_CHARS


@given(TEXTS, st.sampled_from([*FORMATS]))
def test_the_same_text_is_always_cut_the_same_way(text: str, form: Format) -> None:
    assert segment(Document("d", text, form)) == segment(Document("d", text, form))


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("text", ["", " ", "\n", "\r\n\r\n", "\t\f\u2028"])
def test_white_space_has_no_segments(form: Format, text: str) -> None:
    assert segment(Document("d", text, form, "python")) == ()


@pytest.mark.parametrize("character", ["e\u0301", "👩\u200d💻", "👍🏽", "\ud83d\ude00", "\r\n"])
@pytest.mark.parametrize("before", range(4))
def test_what_a_reader_sees_as_one_character_is_not_cut(character: str, before: int) -> None:
    text = "x" * before + character * 1_000
    whole = range(before, len(text), len(character))
    starts = {one.start for one in segment(Document("d", text))} - {0}
    assert starts <= set(whole)
