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

MOST_COMPETING = 3
"""Values of one clause that are told when nothing says which is meant."""

_TYPES: dict[str, tuple[str, ...]] = {
    "error code, status code, exit code": ("error_code", "number"),
    "phone, telephone, fax": ("phone",),
    "date, when, day, deadline, birthday, due date, expiry, expires": ("date", "year"),
    "year": ("year", "date"),
    "time, hour": ("time",),
    "email, mail": ("email",),
    "url, link, website, homepage": ("url",),
    "ip": ("ip",),
    "version": ("version", "number"),
    "number of": ("number",),
    "amount, price, cost, fee, salary, budget, revenue, total": ("amount", "number"),
    "percent, percentage, share, rate": ("percent",),
    "count, many, much, quantity, port, timeout, size": ("number",),
    "limit, maximum, minimum": ("number", "amount"),
    "path, file, folder, directory": ("path",),
    "id, uuid, identifier, hash, commit, ticket, reference": ("identifier", "code"),
}
"""Words of a field that say what its value looks like."""
_NUMBERED = re.compile(r"(?<!total)(?<!line)(?<!page) (?:number|no|nr) $")
_CODE = patterns.Pattern(
    re.compile(r"(?<![\w.+/#$-])#?(?=[A-Za-z_./-]{0,24}[0-9])[A-Za-z0-9][\w./-]{0,60}[A-Za-z0-9](?![\w@]|[.,][0-9])")
)
"""A customer's or a bill's number; far too loose to be looked for alone."""
_FORMS = {**patterns.PATTERNS, "code": _CODE}
_TELLING_FORMS = {"email", "url", "ip", "phone"}
"""Forms that say what a thing is, so that nothing else has to."""
_ENCLOSING = ("phone", "amount", "percent", "date", "time", "url", "email", "version", "ip", "identifier", "path")
"""A number in the middle of one of these is not a number."""
_TERMINAL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]?|\[[0-9;]{1,12}m")
_QUALIFIER = re.compile(r"\b(?:1[0-9]|20)[0-9]{2}\b")
_STATEMENT = re.compile(r"[.!?]\s+(?=[^\sa-z])|\n(?=[^\n:]{1,40}:\s)|\n\s*\n")
_MEMBER = re.compile(r'"\s*[,:]\s*|\n')
_CLAUSE = re.compile(r"[;,]\s+|\s(?:and|but|while|whereas|or)\s")
_CALCULATED = re.compile(r"[(){}\[\]=<>;]|^[^\W\d]\w*(?:\.\w+)+$")
_COMMENT = re.compile(r"\s*(?:#|//|/?\*|--)")
_SEAM = re.compile(r"[_\-.\s]+|(?<=[a-z])(?=[A-Z])")
_WORD = re.compile(r"\w+")
_BLANK = re.compile(r"\s")
_PROSE = {"sentence", "heading", "text"}
_DATA = {"yaml", "toml", "ini", "xml", "diff"}
_ADJACENT = 2


class Found(NamedTuple):
    """A value in a segment, and how sure we are: 3 beside its very key, 2 beside what is nearly its key and has its
    form, 1 in one clause with its words, 0 a quote by rank alone. A candidate is one of several that it may be."""

    value: Span
    sureness: int
    candidate: bool = False


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
    def years(self) -> frozenset[str]:
        """Years that a value has to be of."""
        return frozenset(_QUALIFIER.findall(f"{self.name} {self.about}"))

    @cached_property
    def words(self) -> frozenset[str]:
        """The name as a key would say it, and the years."""
        return keyed.words(self.name) | self.years

    @cached_property
    def type_words(self) -> tuple[str, ...]:
        """The words of the name, or else of `about`, that say what its value looks like, and all that say so too."""
        return self._type[0]

    @cached_property
    def forms(self) -> tuple[str, ...]:
        """What its value looks like: names of patterns; empty where the words do not say."""
        return self._type[1]

    @cached_property
    def _type(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        for text in (self.name, self.about):
            spoken = f" {' '.join(_WORD.findall(_SEAM.sub(' ', text).lower()))} "
            for words, forms in _TYPES.items():
                spoken_words = words.split(", ")
                if any(f" {word} " in spoken for word in spoken_words):
                    return tuple(spoken_words), forms
            if _NUMBERED.search(spoken) and len(spoken.split()) > 1:
                return (), ("identifier", "code")
            if " number " in spoken:
                return ("number",), ("number",)
        return (), ()

    def told_by(self, text: str) -> bool:
        """Whether a text says what this is about: all the words of its name that tell, or all of `about`."""
        said = stems(text)
        if not self.years <= said:
            return False
        telling = [stems(words) - keyed.GENERIC for words in (self.name, self.about)]
        if any(words and words <= said for words in telling):
            return True
        if telling[0]:
            return False
        return bool(_TELLING_FORMS & set(self.forms)) or any(stems(word) & said for word in self.type_words)

    def quoted_by(self, text: str) -> bool:
        """Whether a text may be quoted whole: it says the years, and half of the words of its name or of `about`."""
        said = stems(text)
        telling = [stems(words) - keyed.GENERIC for words in (self.name, self.about)]
        return self.years <= said and any(words and 2 * len(words & said) >= len(words) for words in telling)


def stems(text: str) -> frozenset[str]:
    """All that a text says, as `keyed.words` writes it."""
    return frozenset().union(*(keyed.words(word) for word in _WORD.findall(_SEAM.sub(" ", text))))


def parse(text: str) -> Field:
    """`name`, or `name: what to find`."""
    name, _, about = (part.strip() for part in text.partition(":"))
    if not name:
        raise BadArgument(f'The field {text!r} has no name. Write "port", or "port: where the server listens".')
    return Field(name, about)


def beside(document: Document, pair: keyed.Pair, field: Field) -> Found | None:
    """What stands beside a key, if it is the field's key and looks like its value."""
    likeness = keyed.likeness(field.words, pair.key)
    if not likeness:
        return None
    formed = _formed(document, pair.value, field)
    if field.forms and formed:
        return Found(formed[0], max(likeness, 1), candidate=likeness == 1 or len(formed) > 1)
    if _TERMINAL.search(document.text, *pair.value) or _is_calculated(document, pair.value):
        return None
    if not field.forms:
        return Found(pair.value, 3 if likeness == 3 else 1, candidate=likeness < 3)
    one_word = not _BLANK.search(document.text, *pair.value)
    return Found(pair.value, 3) if likeness == 3 and (one_word or "code" not in field.forms) else None


def find(document: Document, segment: Segment, field: Field) -> tuple[Found, ...]:
    """What has the field's form in the narrowest clause that has its words; else, where it has none, the quote."""
    if not field.forms:
        whole = quote(document, segment)
        return (Found(whole, 0),) if field.quoted_by(document.text[whole.start : whole.end]) else ()
    if segment.kind == "row":
        return ()
    for statement in _statements(document, segment):
        if not field.told_by(document.text[statement.start : statement.end]):
            continue
        clauses = _split(document.text, statement, _CLAUSE)
        telling = [clause for clause in clauses if field.told_by(document.text[clause.start : clause.end])]
        for clause in (*telling, statement):
            values = _formed(document, clause, field)
            if values:
                return tuple(Found(value, 1, candidate=len(values) > 1) for value in values)
    return ()


def _statements(document: Document, segment: Segment) -> Iterator[Span]:
    """Sentences, lines of code that are not code, or single values."""
    text = document.text
    if segment.kind in _PROSE:
        yield from _split(text, segment.span, _STATEMENT)
        return
    for part in _split(text, segment.span, _MEMBER):
        line = _line(text, segment.span, Span(part.start, part.start))
        if segment.kind != "code" or _COMMENT.match(text, line.start) or not _CALCULATED.search(text[slice(*line)]):
            yield from _split(text, part, _STATEMENT)


def _split(text: str, span: Span, seam: re.Pattern[str]) -> list[Span]:
    starts, ends = [span.start], list[int]()
    for match in seam.finditer(text, span.start, span.end):
        ends.append(match.start() + (match[0][0] in ".!?"))
        starts.append(match.end())
    return [Span(start, end) for start, end in zip(starts, [*ends, span.end], strict=True) if start < end]


def _is_calculated(document: Document, value: Span) -> bool:
    """Whether it is for a program to say what it is."""
    bare = document.format == "code" and document.language not in _DATA
    quoted = document.text[max(0, value.start - 1) : value.start] in {'"', "'", "`"}
    return bare and not quoted and bool(_CALCULATED.search(document.text[value.start : value.end]))


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


def _formed(document: Document, span: Span, field: Field) -> list[Span]:
    """Different values that have the field's form, the nearest to a word of the field first; one right after it
    stands alone."""
    text = document.text
    for form in field.forms:
        found = [value for value in patterns.find(_FORMS[form], text, span) if _stands_alone(text, span, value, field)]
        if not found:
            continue
        spoken = list(_spoken(text, span, field))
        found.sort(key=lambda value: _distance(value, spoken))
        different = list({text[value.start : value.end]: value for value in reversed(found)}.values())[::-1]
        if spoken and _distance(different[0], spoken) <= _ADJACENT:
            return different[:1]
        return different[:MOST_COMPETING]
    return []


def _stands_alone(text: str, span: Span, value: Span, field: Field) -> bool:
    """False for a part of something else, and for the year that the value is of."""
    said = text[value.start : value.end]
    if field.years and _QUALIFIER.fullmatch(said):
        return False
    around_it = Span(max(span.start, value.start - 60), min(span.end, value.end + 60))
    for form in _ENCLOSING:
        if form in field.forms:
            continue
        for other in patterns.find(patterns.PATTERNS[form], text, around_it):
            if _is_part(value, other):
                return False
    return not any(_is_part(value, Span(*match.span())) for match in _TERMINAL.finditer(text, *around_it))


def _is_part(value: Span, other: Span) -> bool:
    apart = other.end <= value.start or value.end <= other.start
    inside = value.start <= other.start and other.end <= value.end and value != other
    return not apart and not inside


def _spoken(text: str, span: Span, field: Field) -> Iterator[Span]:
    telling = field.years or field.words - keyed.GENERIC or field.words
    for match in _WORD.finditer(text[span.start : span.end]):
        if keyed.words(match[0]) & telling:
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
