"""What an agent wants to find, and the part of a segment that says it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from tamis_tools.document import Span
from tamis_tools.errors import BadArgument
from tamis_tools.extraction import keyed, patterns

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tamis_tools.document import Document
    from tamis_tools.segments import Segment

QUOTE_CHARS = 300

_TYPES: dict[str, tuple[str, ...]] = {
    "error code, status code, exit code": ("error_code", "number"),
    "date, when, day, deadline, birthday, due, expiry, expires": ("date", "year"),
    "year": ("year", "date"),
    "time, hour": ("time",),
    "email, mail": ("email",),
    "url, link, website, homepage": ("url",),
    "ip": ("ip",),
    "version": ("version", "number"),
    "amount, price, cost, fee, salary, budget, revenue, total": ("amount", "number"),
    "percent, percentage, share": ("percent",),
    "number, count, many, much, quantity, port, timeout, size, limit, maximum, minimum": ("number", "amount"),
    "path, file, folder, directory": ("path",),
    "id, uuid, identifier, hash, commit, ticket": ("identifier",),
    "phone, telephone, fax": ("phone",),
}
"""Words of a field that say what its value looks like."""
_SEAM = re.compile(r"[_\-.\s]+|(?<=[a-z])(?=[A-Z])")
_WORD = re.compile(r"\w+")
_BLANK = re.compile(r"\s")
_PROSE = {"sentence", "heading", "text"}


class Found(NamedTuple):
    """A value in a segment, and how sure its form makes us: 3 beside its very key, 2 or 1 less so, 0 by rank alone."""

    value: Span
    sureness: int


@dataclass(frozen=True)
class Field:
    """`name`, and what to find where the name does not say it all."""

    name: str
    about: str = ""

    @cached_property
    def query(self) -> str:
        """What to rank segments by."""
        return f"{_SEAM.sub(' ', self.name)} {self.about}".strip()

    @cached_property
    def words(self) -> frozenset[str]:
        """The name as a key would say it."""
        return keyed.words(self.name)

    @cached_property
    def forms(self) -> tuple[patterns.Pattern, ...]:
        """What its value looks like, by the words of the name or else of `about`; empty where they do not say."""
        for text in (self.name, self.about):
            spoken = f" {' '.join(_WORD.findall(_SEAM.sub(' ', text).lower()))} "
            for words, forms in _TYPES.items():
                if any(f" {word} " in spoken for word in words.split(", ")):
                    return tuple(patterns.PATTERNS[form] for form in forms)
        return ()


def parse(text: str) -> Field:
    """`name`, or `name: what to find`."""
    name, _, about = (part.strip() for part in text.partition(":"))
    if not name:
        raise BadArgument(f'The field {text!r} has no name. Write "port", or "port: where the server listens".')
    return Field(name, about)


def find(document: Document, segment: Segment, field: Field) -> Found:
    """The value beside the field's key, else what has the field's form, else the whole quote."""
    beside = [(keyed.likeness(field.words, pair.key), pair.value) for pair in keyed.pairs(document, segment)]
    for value in (value for likeness, value in beside if likeness == 2):
        return Found(_formed(document, value, field) or value, 3)
    for value in (value for likeness, value in beside if likeness == 1):
        formed = _formed(document, value, field)
        if formed or not field.forms:
            return Found(formed or value, 2)
    formed = _formed(document, segment.span, field)
    return Found(formed, 1) if formed else Found(quote(document, segment), 0)


def quote(document: Document, segment: Segment, value: Span | None = None) -> Span:
    """At most `QUOTE_CHARS` of a segment: the sentence, or the line with the value and what stands around it."""
    if value is None:
        return around(document, segment.span, Span(segment.start, segment.start))
    line = segment.span if segment.kind in _PROSE else _line(document.text, segment.span, value)
    return around(document, line, value)


def around(document: Document, span: Span, value: Span) -> Span:
    """A span without the white space at its ends; if it is long, the value in it with the words around it."""
    whole = _stripped(document.text, span)
    if whole.end - whole.start <= QUOTE_CHARS:
        return whole
    return _excerpt(document.text, whole, value)


def _formed(document: Document, span: Span, field: Field) -> Span | None:
    """What has the field's form; of several, the one nearest to a word of the field."""
    text = document.text
    for form in field.forms:
        found = list(patterns.find(form, text, span))
        if found:
            spoken = list(_spoken(text, span, field))
            return min(found, key=lambda value: _distance(value, spoken))
    return None


def _spoken(text: str, span: Span, field: Field) -> Iterator[Span]:
    for match in _WORD.finditer(text[span.start : span.end]):
        if keyed.words(match[0]) & field.words:
            yield Span(span.start + match.start(), span.start + match.end())


def _distance(value: Span, spoken: list[Span]) -> int:
    """Characters to the nearest word; what comes after a word is nearer than what comes before it."""
    return min(
        (value.start - word.end if value.start >= word.end else 3 * max(0, word.start - value.end) for word in spoken),
        default=value.start,
    )


def _stripped(text: str, span: Span) -> Span:
    piece = text[span.start : span.end]
    start = span.start + len(piece) - len(piece.lstrip())
    return Span(start, max(start, span.start + len(piece.rstrip())))


def _line(text: str, within: Span, value: Span) -> Span:
    start = text.rfind("\n", within.start, value.start) + 1
    end = text.find("\n", value.end, within.end)
    return Span(max(start, within.start), within.end if end == -1 else end)


def _excerpt(text: str, line: Span, value: Span) -> Span:
    """The value with words around it: a third of the room before, the rest after, cut between words."""
    room = max(0, QUOTE_CHARS - (value.end - value.start))
    start = max(line.start, min(value.start - room // 3, line.end - QUOTE_CHARS))
    end = min(line.end, start + QUOTE_CHARS)
    if start > line.start:
        blank = _BLANK.search(text, start, value.start)
        start = blank.end() if blank else start
    if end < line.end:
        ends = [match.start() for match in _BLANK.finditer(text, max(value.end, start + 1), end)]
        end = ends[-1] if ends else end
    return _stripped(text, Span(start, end))
