"""What the entity patterns find, what they leave, and that hostile text can't slow them down."""

from __future__ import annotations

import pytest

from tamis_tools.document import Span
from tamis_tools.errors import BadArgument
from tamis_tools.extraction.patterns import PATTERNS, WINDOW_CHARS, canonical, find, windows

FOUND = {
    "date": "2024-05-01|2024/5/1|01.05.2024|1/5/24|5 May 2024|May 5, 2024|3rd of March 2021|Jan  5|Sept. 2019|12 Oct",
    "time": "10:42|10:42:07|10:42:07.123|7:05 pm|5 pm|23:59:59Z|10:00 +0200",
    "year": "1998|2024",
    "email": "jane.doe+x@mail.example.org|a@b.co",
    "url": "https://example.org/a_(b)/c?d=1#e|ftp://host/x|http://localhost:8080",
    "ip": "192.168.0.1|255.255.255.255|fe80::1|2001:db8::ff00:42:8329",
    "version": "v1.2|1.2.3|2.0.0rc1|v3.0.0-beta.2",
    "amount": "$5|$1,234.50|€ 12|12 €|USD 3.5 million|40 dollars|1.234,56 EUR|£3k",
    "percent": "12%|12.5 %|-3 percent|99,9 %",
    "number": "42|1,234,567|-3.5|1e9|30 ms|30s|16 GiB",
    "path": "/etc/hosts|~/notes|./a/b|src/auth/token.py|C:\\Users\\x\\a.txt|../up/one",
    "identifier": "123e4567-e89b-12d3-a456-426614174000|d41d8cd98f00b204e9800998ecf8427e|ABC-123|CVE-2024-12345",
    "error_code": "ENOENT|E1101|ORA-00942|0xC0000005|ERR_CONNECTION_RESET|ValueError|TS2345",
    "phone": "+44 20 7946 0958|+1 (555) 123-4567|555-123-4567|(555) 123-4567",
}

LEFT = {
    "date": "1.2.3|v2024-13-01|may be|10/20|192.168.01.12",
    "time": "10:99|a:10|1:2:3",
    "year": "12345|1998-2|v1998",
    "email": "a@b|@x.org|a@.com",
    "url": "http://|example.org",
    "ip": "1.2.3|256.1.1.1|std::string|10:42:07|1.2.3.4.5|::",
    "version": "1.2|192.168.0.1.5|a1.2.3",
    "amount": "5|dollars",
    "percent": "12|%",
    "number": "v2|a1|2024-05-01|1.2.3|10:42",
    "path": "and/or|</div>|1/2|https://example.org/a",
    "identifier": "UTF-8|deadbeef|A-1b|SHA-256",
    "error_code": "EVERY|ERROR|A4|UTF-16|404",
    "phone": "2024-05-01|123-456|1234567890123",
}


def found(name: str, text: str) -> list[str]:
    spans = find(PATTERNS[name], text, Span(0, len(text)))
    return [text[span.start : span.end] for span in spans]


@pytest.mark.parametrize(("name", "text"), [(name, each) for name, row in FOUND.items() for each in row.split("|")])
def test_what_has_the_form_is_found_whole(name: str, text: str) -> None:
    assert found(name, text) == [text]
    assert found(name, f"as of ({text}), so it is") == [text]


@pytest.mark.parametrize(("name", "text"), [(name, each) for name, row in LEFT.items() for each in row.split("|")])
def test_what_only_looks_like_it_is_left(name: str, text: str) -> None:
    assert found(name, f"so {text} is") == []


def test_every_type_is_tried_both_ways() -> None:
    assert FOUND.keys() == LEFT.keys() == PATTERNS.keys()


def test_the_full_stop_of_a_sentence_belongs_to_no_entity() -> None:
    assert found("url", "See https://example.org/a.") == ["https://example.org/a"]
    assert found("email", "Write to a@example.org.") == ["a@example.org"]
    assert found("ip", "It runs on 10.0.0.1.") == ["10.0.0.1"]
    assert found("number", "There are 42.") == ["42"]
    assert found("date", "Due on 1.5.2024.") == ["1.5.2024"]


@pytest.mark.parametrize("name", PATTERNS)
@pytest.mark.parametrize(
    "unit", ["1", "a", "A", ".", "a.", "a@", "a@b.", "1,", "http://)", "a/", "/a", "::", "+1 (", "E", "%a", "$1,"]
)
def test_hostile_text_is_searched_to_its_end(name: str, unit: str) -> None:
    text = unit * (20_000 // len(unit)) + " "
    for span in find(PATTERNS[name], text, Span(0, len(text))):
        assert 0 <= span.start < span.end <= len(text)


def test_a_type_is_known_by_more_than_one_spelling() -> None:
    assert canonical("Dates") == "date"
    assert canonical("error code") == "error_code"
    assert canonical("ip address") == "ip"


def test_an_unknown_type_is_refused_with_what_there_is() -> None:
    with pytest.raises(BadArgument, match=r"'emial'.*Did you mean 'email'\?.*date, time.*fields=\['emial'\]"):
        canonical("emial")


@pytest.mark.parametrize(
    "text", ["", "a" * (WINDOW_CHARS + 5), "word " * WINDOW_CHARS, "line of text\n" * WINDOW_CHARS]
)
def test_windows_cover_all_and_end_with_a_line_or_word(text: str) -> None:
    spans = list(windows(text, Span(0, len(text))))
    assert "".join(text[span.start : span.end] for span in spans) == text
    if " " in text:
        assert all(text[span.end - 1] in " \n" for span in spans)
