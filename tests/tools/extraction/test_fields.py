"""The part of a segment that is the value of a field, and the quote around it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis_tools.document import Document, Span
from tamis_tools.errors import BadArgument
from tamis_tools.extraction import fields, keyed
from tamis_tools.segments import Segment, SegmentKind


def one_segment(text: str, kind: SegmentKind = "text", header: str = "") -> tuple[Document, Segment]:
    """A document of one segment, below a header where there is one."""
    start = len(header)
    span = Span(start, start + len(text))
    context = (Span(0, start),) if header else ()
    return Document("a.txt", header + text), Segment(*span, kind, span, context)


def value(text: str, field: str, kind: SegmentKind = "text", header: str = "") -> str:
    document, segment = one_segment(text, kind, header)
    return document.text[slice(*fields.find(document, segment, fields.parse(field)).value)]


@pytest.mark.parametrize(
    ("text", "field", "expected"),
    [
        ("max_retries = 5", "max retries", "5"),
        ("maxRetries: 5,", "max_retries", "5"),
        ('{"listen": {"port": 8080, "host": "::1"}}', "port", "8080"),
        ('{"title": "A \\"b\\" c", "port": 1}', "title", 'A \\"b\\" c'),
        ("- **Owner:** Jane Doe", "owner", "Jane Doe"),
        ("Total amount: $1,234.50 incl. tax", "total amount", "$1,234.50"),
        ("level=info status=503 took=12ms", "status", "503"),
        ("def get(url, timeout: float = 30.0, retries=3):", "retries", "3"),
        ("def get(url, timeout: float = 30.0, retries=3):", "timeout", "30.0"),
        ("const MAX_SIZE = 4096;", "max size", "4096"),
        ("invoice number: INV-2024-01", "invoice number", "INV-2024-01"),
    ],
)
def test_the_value_stands_beside_its_key(text: str, field: str, expected: str) -> None:
    assert value(text, field) == expected


@pytest.mark.parametrize(
    ("text", "field", "expected"),
    [
        ("It was released on 5 May 2024 by Jane.", "released: when it came out", "5 May 2024"),
        ("Write to jane@example.org, please.", "contact email", "jane@example.org"),
        ("It costs 12 € in the shop.", "price", "12 €"),
        ("Created 2024-01-01 and updated 2024-06-30.", "updated: date", "2024-06-30"),
        ("There are 42 nodes.", "how many nodes", "42"),
    ],
)
def test_a_field_that_names_a_form_gets_what_has_it(text: str, field: str, expected: str) -> None:
    assert value(text, field) == expected


def test_a_cell_stands_below_its_heading() -> None:
    header = 'name,"unit price",stock\n'
    assert value('"Widget, blue",12.50,7\n', "unit price", "row", header) == "12.50"
    assert value('"Widget, blue",12.50,7\n', "name", "row", header) == "Widget, blue"
    assert value("| Timeout | 30 s |", "timeout", "row", "| Setting | Value |\n|---|---|\n") == "30 s"


def test_an_empty_cell_moves_no_other() -> None:
    assert value("a,,3", "c", "row", "a,b,c\n") == "3"


def test_without_a_key_or_a_form_the_quote_is_the_value() -> None:
    assert (
        value("Auth tokens are refreshed by a worker.", "refresh mechanism") == "Auth tokens are refreshed by a worker."
    )


def test_a_key_is_the_same_however_it_is_written() -> None:
    assert keyed.likeness(keyed.words("maxRetries"), "Max. retries") == 2
    assert keyed.likeness(keyed.words("timeout"), "timeout_seconds") == 1
    assert keyed.likeness(keyed.words("timeout"), "host") == 0
    assert keyed.likeness(frozenset(), "host") == 0


def test_a_field_needs_a_name() -> None:
    with pytest.raises(BadArgument, match="has no name"):
        fields.parse(": what")


def test_a_row_is_quoted_as_the_line_that_holds_the_value() -> None:
    document, segment = one_segment("first = 1\n  second = 2\nthird = 3\n", "code")
    found = fields.find(document, segment, fields.parse("second"))
    assert document.text[slice(*fields.quote(document, segment, found.value))] == "second = 2"


@given(
    st.text(alphabet=st.characters(codec="utf-8"), min_size=1, max_size=1_200).filter(str.strip),
    st.sampled_from(["sentence", "code", "row"]),
    st.data(),
)
def test_a_quote_is_short_and_holds_the_value(text: str, kind: SegmentKind, data: st.DataObject) -> None:
    document, segment = one_segment(text, kind)
    inside = [at for at, character in enumerate(text) if not character.isspace()]
    start = data.draw(st.sampled_from(inside))
    end = data.draw(st.sampled_from([at + 1 for at in inside if start <= at < start + fields.QUOTE_CHARS]))
    quote = fields.quote(document, segment, Span(start, end))
    assert quote.end - quote.start <= fields.QUOTE_CHARS
    assert quote.start <= start < end <= quote.end
    assert fields.quote(document, segment).start < fields.quote(document, segment).end


@pytest.mark.parametrize("unit", ['"', '"\\', "a=", "a:", "a: ", "=", "(", "a ", "|", '"a":', "a.b-"])
def test_hostile_segments_are_read_to_their_end(unit: str) -> None:
    document, segment = one_segment(unit * (1_200 // len(unit)), "row", unit * 100 + "\n")
    fields.find(document, segment, fields.parse("a: number"))
