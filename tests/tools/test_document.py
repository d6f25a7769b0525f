"""Offsets, lines and pages of a document."""

from hypothesis import given
from hypothesis import strategies as st

from tamis_tools.document import Document, LineRange, Span

TEXTS = st.text(alphabet="a\n\r\t\f é😀\u0301\u2028", max_size=60)


@given(TEXTS)
def test_lines_partition_the_text(text: str) -> None:
    document = Document("a.txt", text)
    spans = [document.span_of(LineRange(line, line)) for line in range(1, len(document.line_starts) + 1)]
    assert "".join(text[span.start : span.end] for span in spans) == text


@given(TEXTS, st.data())
def test_the_line_of_an_offset_counts_the_line_feeds_before_it(text: str, data: st.DataObject) -> None:
    document = Document("a.txt", text)
    offset = data.draw(st.integers(0, max(0, len(text) - 1)))
    assert document.line_of(offset) == text.count("\n", 0, offset) + 1


def test_a_carriage_return_or_separator_alone_ends_no_line() -> None:
    assert len(Document("a.txt", "a\rb\u2028c\x0cd").line_starts) == 1


def test_a_place_names_the_path_and_lines() -> None:
    document = Document("src/a.py", "one\ntwo\nthree\n")
    assert document.locate(Span(4, 7)) == "src/a.py:2"
    assert document.locate(Span(4, 14)) == "src/a.py:2-3"


def test_a_place_in_a_pdf_counts_lines_within_the_page() -> None:
    document = Document("a.pdf", "p1 one\np1 two\n\fp2 one\np2 two\n\f", format="pdf")
    assert document.locate(Span(16, 22)) == "a.pdf p2:1"


def test_a_window_bounds_what_is_readable() -> None:
    document = Document("a.txt", "1\n2\n3\n4\n", window=LineRange(2, 3))
    assert document.readable == Span(2, 6)
