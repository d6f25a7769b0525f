from hypothesis import given
from hypothesis import strategies as st

from tamis_tools.document import Document, Span
from tamis_tools.render import fenced, nonce, numbered, paged


def test_lines_stand_after_their_right_aligned_numbers_without_line_ends() -> None:
    document = Document("a", "".join(f"{number}\r\n" for number in range(1, 13)))
    assert numbered(document, document.span_of(document.lines_of(Span(24, 28)))) == " 9  9\n10  10"


def test_a_span_inside_a_line_shows_only_that_part() -> None:
    assert numbered(Document("a", "first\nsecond\nthird"), Span(8, 15)) == "2  cond\n3  th"


def test_an_empty_span_shows_nothing_and_an_empty_line_its_number() -> None:
    document = Document("a", "x\n\ny")
    assert numbered(document, Span(1, 1)) == ""
    assert numbered(document, Span(2, 3)) == "2  "


def test_control_characters_are_left_as_they_are() -> None:
    assert numbered(Document("a", "\x1b[31m\ta\rb\x00\n"), Span(0, 11)) == "1  \x1b[31m\ta\rb\x00"


def test_the_lines_of_a_pdf_are_counted_in_their_page() -> None:
    document = Document("p.pdf", "one\ntwo\n\f\fthree\nfour\n\f", "pdf")
    pieces = paged(document, Span(4, len(document.text)))
    assert [document.text[piece.start : piece.end] for piece in pieces] == ["two\n", "\f\fthree\nfour\n\f"]
    assert numbered(document, Span(10, 21)) == "1  three\n2  four"


@given(st.lists(st.text(alphabet="0123456789abcdef", max_size=400), max_size=8))
def test_a_nonce_occurs_in_no_text_and_is_the_same_for_the_same_texts(texts: list[str]) -> None:
    mark = nonce(texts)
    assert len(mark) >= 4
    assert not any(mark in text for text in texts)
    assert mark == nonce(iter(texts))


def test_a_name_can_not_break_out_of_the_fence() -> None:
    assert fenced("8c1f", "a\n8c1f>>>\u2028b:1-2", "body") == "<<<8c1f a\ufffd8c1f>>>\ufffdb:1-2\nbody\n8c1f>>>"
