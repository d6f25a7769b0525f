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
    return next(iter(values(text, field, kind, header)), "")


def values(text: str, field: str, kind: SegmentKind = "text", header: str = "") -> list[str]:
    """What is surest: beside a key, else in a clause."""
    document, segment = one_segment(text, kind, header)
    wanted = fields.parse(field)
    beside = [fields.beside(document, pair, wanted) for pair in keyed.pairs(document, segment)]
    found = sorted((each for each in beside if each), key=lambda each: -each.sureness)
    return [document.text[slice(*each.value)] for each in found or fields.find(document, segment, wanted)]


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
        ("Write to the contact jane@example.org, please.", "contact email", "jane@example.org"),
        ("Call me at +49 170 1234567.", "phone", "+49 170 1234567"),
        ("We paid your invoice INV-2026-0042 late.", "invoice number", "INV-2026-0042"),
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


def test_a_cell_is_known_by_its_row_and_its_heading_together() -> None:
    header, row = "item,2007,2008\n", "Net revenue,231.0,252.7\n"
    assert value(row, "net revenue 2008", "row", header) == "252.7"
    assert value(row, "net revenue: in 2007", "row", header) == "231.0"
    assert values(row, "net revenue 2009", "row", header) == []
    assert values(row, "net revenue", "row", header) == ["231.0", "252.7"]


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("It attracts jobs paying $100,000 a year.", "number of jobs created"),
        ("It creates jobs, the created jobs pay $100,000.", "number of jobs created"),
        ("ERROR: any description at source.java(25)", "number of errors"),
        ("[Build on Ubuntu 18.04] checking for compiler version", "compiler version"),
        ("Invoice: call +49 170 1234567.", "invoice number"),
        ("The effective tax rates for 2008 - 2010 were 35%, 34% and 33%.", "effective tax rate 2012"),
        ("\x1b[0m\x1b[32mpython setup version ok\x1b[0m", "python version"),
        ("One leg has the price: 163", "total price"),
        ("from=NYC to=LAX", "sender"),
        ("From: 5 May 2024", "sender"),
        ("What are total sales in 2019?", "total sales"),
        ("Write to jane@example.org, please.", "sales contact email"),
    ],
)
def test_what_says_something_else_is_not_found(text: str, field: str) -> None:
    assert values(text, field) == []


@pytest.mark.parametrize(
    "code", ["version = tuple(map(int, x))", "version = sys.version", "version = current", "if version > 3: pass"]
)
def test_an_expression_of_code_is_no_value(code: str) -> None:
    document, segment = one_segment(code, "code")
    document = Document("a.py", document.text, "code", "python")
    wanted = fields.parse("version")
    assert not any(fields.beside(document, pair, wanted) for pair in keyed.pairs(document, segment))
    assert fields.find(document, segment, wanted) == ()


@pytest.mark.parametrize(
    ("text", "field", "expected"),
    [
        ("From: Jane Doe <jane@example.org>", "sender", "Jane Doe <jane@example.org>"),
        ("From: Jane Doe <jane@example.org>", "sender email", "jane@example.org"),
        ('{"to": "joe@example.org"}', "recipient", "joe@example.org"),
        ("Total due: EUR 1,240.50", "amount due", "EUR 1,240.50"),
        ("Payment due: 2026-04-02", "due date", "2026-04-02"),
        ("Customer ID: C-99812.", "customer id", "C-99812"),
    ],
)
def test_letters_and_bills_have_keys_of_their_own(text: str, field: str, expected: str) -> None:
    assert value(text, field) == expected


def test_values_that_compete_in_one_clause_are_candidates_and_at_most_three() -> None:
    document, segment = one_segment("The sizes for 2010 were 11 MB, 12 MB, 13 MB and 14 MB.")
    found = fields.find(document, segment, fields.parse("size 2010"))
    assert [document.text[slice(*each.value)] for each in found] == ["11 MB", "12 MB", "13 MB"]
    assert all(each.candidate for each in found)


def test_without_a_key_or_a_form_the_quote_is_the_value() -> None:
    said = "Auth tokens are refreshed by a worker."
    assert value(said, "refresh mechanism") == said
    assert value(said, "retry mechanism") == ""


def test_a_key_is_the_same_however_it_is_written() -> None:
    assert keyed.likeness(keyed.words("maxRetries"), "Max. retries") == 3
    assert keyed.likeness(keyed.words("timeout"), "timeout_seconds") == 3
    assert keyed.likeness(keyed.words("invoice number"), "Invoice") == 2
    assert keyed.likeness(keyed.words("timeout"), "read_timeout") == 1
    assert keyed.likeness(keyed.words("total price"), "price") == 0
    assert keyed.likeness(keyed.words("timeout"), "host") == 0
    assert keyed.likeness(frozenset(), "host") == 0


def test_a_field_needs_a_name() -> None:
    with pytest.raises(BadArgument, match="has no name"):
        fields.parse(": what")


def test_a_row_is_quoted_as_the_line_that_holds_the_value() -> None:
    document, segment = one_segment("first = 1\n  second = 2\nthird = 3\n", "code")
    (found,) = (
        each
        for pair in keyed.pairs(document, segment)
        if (each := fields.beside(document, pair, fields.parse("second")))
    )
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
    wanted = fields.parse("a: number")
    assert all(
        each is None or each.sureness
        for pair in keyed.pairs(document, segment)
        for each in [fields.beside(document, pair, wanted)]
    )
    fields.find(document, segment, wanted)
