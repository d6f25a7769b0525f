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
            yield from _pair(match["key"], text, Span(*match.span("value")), segment.start)


def words(name: str) -> frozenset[str]:
    """What a key says, however it is written: `maxRetries`, `max_retries` and `Max. retries` are the same."""
    compounds = {word.lower() for word in _WORD.findall(name) if len(lexical.terms(word)) > 1}
    return frozenset(lexical.query_terms(name)) - compounds


def likeness(wanted: frozenset[str], key: str) -> int:
    """2 where a key says just what is wanted, 1 where one says a little more than the other, else 0."""
    said = words(key)
    if not said or not wanted:
        return 0
    if said == wanted:
        return 2
    return int((said < wanted or wanted < said) and len(said ^ wanted) <= 2)


def _pair(key: str, text: str, value: Span, offset: int) -> Iterator[Pair]:
    bare = text[value.start : value.end].strip(_WRAPPING)
    if bare:
        start = offset + text.index(bare, value.start)
        yield Pair(key, Span(start, start + len(bare)))


def _cells_below(header: str, row: str, offset: int) -> Iterator[Pair]:
    """Cells under their headings; and the second under the first, for tables that list settings."""
    delimiter = max(_DELIMITERS, key=(header or row).count)
    cells = _cells(row, delimiter)
    for heading, cell in zip(_cells(header, delimiter), cells, strict=False):
        yield from _pair(header[heading.start : heading.end].strip(_WRAPPING), row, cell, offset)
    filled = [cell for cell in cells if row[cell.start : cell.end].strip(_WRAPPING)]
    if len(filled) > 1:
        yield from _pair(row[filled[0].start : filled[0].end].strip(_WRAPPING), row, filled[1], offset)


def _cells(line: str, delimiter: str) -> list[Span]:
    mark = re.escape(delimiter)
    cell = re.compile(rf'([ ]*"(?:[^"]|"")*"[ ]*|[^{mark}]*)(?:{mark}|$)')
    return [Span(*match.span(1)) for match in cell.finditer(line)]
