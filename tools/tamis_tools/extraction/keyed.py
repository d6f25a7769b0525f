"""Values that stand beside a key: cells below a header, JSON members, `key: value` and `key = value`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from tamis_tools import lexical
from tamis_tools.document import Span

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tamis_tools.document import Document
    from tamis_tools.segments import Segment

_MEMBER = re.compile(
    r'"(?P<key>(?:[^"\\\n]|\\.){1,80})"\s{0,4}:\s{0,4}(?P<value>"(?:[^"\\\n]|\\.)*"|[^\s,{}\[\]"]{1,80})'
)
_LINE = re.compile(
    r"^[ \t>#|*-]{0,16}(?P<key>[^\W\d][\w ./()-]{0,60}?)[ \t*`_]{0,4}:[*`_]{0,2}[ \t]+(?P<value>\S.*)$",
    re.MULTILINE,
)
_ASSIGNMENT = re.compile(
    r"(?<![\w.-])(?P<key>[^\W\d][\w.-]{0,60})(?:[ ]?:[ ]?[\w.|, \[\]]{1,60}?)?[ \t]{0,16}(?::=|=>?)(?!=)[ \t]{0,16}"
    r"""(?P<value>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|[^\s,;&)]{1,200})"""
)
_WORD = re.compile(r"\w+")
_DELIMITERS = ",;\t|"
_WRAPPING = " \t\r,;\"'`*|"
_TRAILING = ".,;:!?"

GENERIC = frozenset(
    term
    for word in """address amount code count date day email file folder hour id identifier ip link mail many much name
    number path percent percentage phone price quantity share telephone time url uuid version website year""".split()
    for term in lexical.terms(word)
)
"""What says of a value how it looks rather than what it is of; a key may leave it out."""
_UNITS = frozenset(lexical.terms("seconds")) | frozenset("sec s ms minut hour day byte kb mb gb px".split())
_SAME = {
    frozenset(term for word in other.split() for term in lexical.terms(word)): frozenset(
        term for word in one.split() for term in lexical.terms(word)
    )
    for one, others in {
        "amount due": "total due, balance due, amount payable, total payable, payable",
        "due date": "payment due, payment deadline, pay by, payment due date",
        "date": "sent",
        "recipient": "addressee",
    }.items()
    for other in others.split(", ")
}
"""Other words for keys of letters and bills."""
_HEADER = {"from": "sender", "to": "recipient"}


class Pair(NamedTuple):
    """A key as written, and where its value stands."""

    key: str
    value: Span


def pairs(document: Document, segment: Segment) -> Iterator[Pair]:
    """What a segment holds of keys and values; the same value may come more than once."""
    text = document.text[segment.start : segment.end]
    if segment.kind == "row":
        header = document.text[slice(*segment.context[-1])] if segment.context else ""
        yield from _cells_below(header.strip("\r\n").partition("\n")[0], text, segment.start)
    for pattern in (_MEMBER, _LINE, _ASSIGNMENT):
        for match in pattern.finditer(text):
            value = Span(*match.span("value"))
            yield from _pair(match["key"], text, value, segment.start)
            header = _HEADER.get(match["key"].lower())
            # a journey and a range have from and to as well
            if header and ("@" in match["value"] or (pattern is _LINE and _is_name(match["value"]))):
                yield from _pair(header, text, value, segment.start)


def words(name: str) -> frozenset[str]:
    """What a key says, however it is written: `maxRetries`, `max_retries` and `Max. retries` are the same."""
    compounds = {word.lower() for word in _WORD.findall(name) if len(lexical.terms(word)) > 1}
    return frozenset(lexical.query_terms(name)) - compounds


def likeness(wanted: frozenset[str], key: str) -> int:
    """3 where a key says just what is wanted, 2 where it leaves out what is generic, 1 where it says more, else 0."""
    said = words(key)
    if not said or not wanted:
        return 0
    said, wanted = _SAME.get(said, said), _SAME.get(wanted, wanted)
    if said == wanted or (said - _UNITS == wanted and wanted):
        return 3
    if wanted - GENERIC <= said < wanted:
        return 2
    return int(wanted < said and len(said - wanted) <= 2)


def _is_name(text: str) -> bool:
    return not text.islower() and not any(character.isdigit() for character in text)


def _pair(key: str, text: str, value: Span, offset: int) -> Iterator[Pair]:
    bare = text[value.start : value.end].strip(_WRAPPING)
    if not re.search(r"\s", bare):
        bare = bare.rstrip(_TRAILING)
    if bare:
        start = offset + text.index(bare, value.start)
        yield Pair(key, Span(start, start + len(bare)))


def _cells_below(header: str, row: str, offset: int) -> Iterator[Pair]:
    """Cells under their headings, alone and with what the row begins with; of two cells, one beside the other."""
    delimiter = max(_DELIMITERS, key=(header or row).count)
    cells = _cells(row, delimiter)
    filled = [cell for cell in cells if row[cell.start : cell.end].strip(_WRAPPING)]
    label = row[slice(*filled[0])].strip(_WRAPPING) if filled else ""
    for heading, cell in zip(_cells(header, delimiter), cells, strict=False):
        said = header[heading.start : heading.end].strip(_WRAPPING)
        yield from _pair(said, row, cell, offset)
        if cell not in filled[:1]:
            yield from _pair(f"{label} {said}", row, cell, offset)
    if len(filled) == 2:
        yield from _pair(label, row, filled[1], offset)


def _cells(line: str, delimiter: str) -> list[Span]:
    mark = re.escape(delimiter)
    cell = re.compile(rf'([ ]*"(?:[^"]|"")*"[ ]*|[^{mark}]*)(?:{mark}|$)')
    return [Span(*match.span(1)) for match in cell.finditer(line)]
