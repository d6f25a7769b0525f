"""Logs and JSONL cut into records: a line that begins one, and the lines that belong to it."""

from __future__ import annotations

import re
from bisect import bisect_left
from itertools import pairwise, zip_longest
from typing import TYPE_CHECKING, Literal, NamedTuple

from tamis_tools.document import Span
from tamis_tools.segments.cutting import without_end
from tamis_tools.segments.model import MAX_SEGMENT_CHARS, Segment
from tamis_tools.segments.partition import partition

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from tamis_tools.document import Document

FIRST_LINE_CHARS = 240
PLAIN_LINES = 6
"""Lines without any structure are put together up to this many."""
_SAMPLED_LINES = 200

_STAMP = re.compile(
    r"""\W{0,3}(?:
        \d{4}[-/.]\d\d[-/.]\d\d[T\ ,_]{1,2}\d\d:\d\d
      | [A-Z][a-z]{2}\ {1,2}\d{1,2}\ (?:\d{4}\ )?\d\d:\d\d:\d\d
      | \d\d[-/.](?:\d\d|[A-Z][a-z]{2})[-/.]\d{2,4}[:T\ ]\d\d:\d\d
      | \d\d:\d\d:\d\d
      | \d{10}(?:\.\d+|\d{3})?[\]\s]
      | \ {0,4}\d+\.\d{3,6}\]
      | [0-9a-fA-F.:]{3,40}\ \S+\ \S+\ \[
      | [IWEF]\d{4}\ \d\d:\d\d:\d\d
      | (?:TRACE|DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|FATAL|CRITICAL|SEVERE)\b[\]:|\s-]
      | (?:FAILED|PASSED|FAIL|PASS|SKIPPED|XFAIL|XPASS|ok|not\ ok)\s
      | test\w*\ \(
    )""",
    re.VERBOSE,
)
_DIAGNOSTIC = re.compile(
    r"(?:[A-Za-z]:)?[^\s:][^:\n]{0,200}(?::\d+(?::\d+)?|\(\d+(?:,\d+)?\)): |(?:error|warning|note|help)(?:\[\w+\])?: "
)
_TRACEBACK = re.compile(r"Traceback \(most recent call last\)")
_CHAINED = re.compile(r"During handling of the above exception|The above exception was the direct cause")
_RAISED = re.compile(r"[^\s:]{1,200}:\d+: \w*(?:Error|Exception|Failed)\s*$")
"""Where pytest says that a traceback ended."""
_CONTINUES = re.compile(
    r"\s|(?!test).*\.\.\.\s?(?:ok|FAIL|ERROR|skipped\b.*)$|Caused by: |\.\.\. \d+ |[-~^|=]+\s*$|\d+ +\||[E>] {2}"
    r"|at \S+\("
)
_CARET = re.compile(r"[ \t\d|]*[\^~]")

Role = Literal["begins", "plain", "continues", "blank"]


class Lines(NamedTuple):
    """Neighbouring lines that belong together; `size` counts them where they are plain."""

    role: Role
    span: Span
    size: int = 1
    ends_blank: bool = False


def segment_log(document: Document) -> tuple[Segment, ...]:
    """A record with its continuation lines, or a few lines where there are no records."""
    lines = _lines(document)
    return partition(document, _segments(document.text, _grouped(_records(document.text, lines))))


def segment_json_lines(document: Document) -> tuple[Segment, ...]:
    """A line is a record."""
    lines = (without_end(document.text, line) for line in _lines(document))
    return partition(document, (Segment(*line, "record", line) for line in lines if line.start < line.end))


def _lines(document: Document) -> list[Span]:
    start, end = document.readable
    starts = document.line_starts
    inside = starts[bisect_left(starts, start) : bisect_left(starts, end)]
    return [Span(*line) for line in pairwise((*inside, end))]


def _segments(text: str, records: Iterable[Lines]) -> Iterator[Segment]:
    for role, whole, *_ in records:
        span = without_end(text, whole)
        if span.end - span.start > MAX_SEGMENT_CHARS:
            line_end = text.find("\n", span.start, span.start + FIRST_LINE_CHARS)
            first_line = Span(span.start, span.start + FIRST_LINE_CHARS if line_end == -1 else line_end)
            yield Segment(*span, "record", span, (first_line,))
        elif span.start < span.end:
            yield Segment(*span, "text" if role == "plain" else "record", span)


def _grouped(records: Iterable[Lines]) -> Iterator[Lines]:
    """Plain lines put together, as long as nothing stands between."""
    held: Lines | None = None
    for record in records:
        together = held is not None and held.role == record.role == "plain" and not held.ends_blank
        if held and together and held.size < PLAIN_LINES:
            held = record._replace(span=Span(held.span.start, record.span.end), size=held.size + 1)
        else:
            yield from [held] if held else []
            held = record
    yield from [held] if held else []


def _records(text: str, lines: Sequence[Span]) -> Iterator[Lines]:
    reader = _Reader(_is_stamped(text[start:end] for start, end in lines[:_SAMPLED_LINES]))
    held: Lines | None = None
    for (start, end), following in zip_longest(lines, lines[1:]):
        role = reader.role(text[start:end], text[following.start : following.start + 80] if following else "")
        if held and role == "blank":
            held = held._replace(span=Span(held.span.start, end), ends_blank=True)
        elif held and role == "continues":
            held = Lines("begins", Span(held.span.start, end))
        else:
            yield from [held] if held else []
            held = Lines(role, Span(start, end))
    yield from [held] if held else []


def _is_stamped(lines: Iterable[str]) -> bool:
    heads = [line for line in lines if line.strip() and not line[0].isspace()]
    return 4 * sum(bool(_STAMP.match(line)) for line in heads) > len(heads)


class _Reader:
    """What each line is, from the lines before it. `stamped`: lines of this log begin with a time or a level."""

    def __init__(self, stamped: bool) -> None:
        self.stamped = stamped
        self.in_traceback = False
        self.after_blank = True
        self.last = ""

    def role(self, line: str, below: str) -> Role:
        """What `line` is, which stands above `below`."""
        if line.isspace():
            self.after_blank = True
            return "blank"
        role = self._role(line, below)
        self.in_traceback = bool(_TRACEBACK.match(line)) or (self.in_traceback and line[0].isspace())
        self.after_blank, self.last = False, line
        return role

    def _role(self, line: str, below: str) -> Role:
        if _STAMP.match(line):
            return "begins"
        if self.in_traceback or _CHAINED.match(line) or _RAISED.match(line):
            return "continues"
        if _TRACEBACK.match(line):
            return "continues" if self._explains_last() else "begins"
        if _DIAGNOSTIC.match(line):
            return "begins"
        if self.stamped or _CONTINUES.match(line):
            return "plain" if self.after_blank and not (self.stamped and line[0].isspace()) else "continues"
        return "continues" if _CARET.match(below) and _DIAGNOSTIC.match(self.last) else "plain"

    def _explains_last(self) -> bool:
        return bool(_CHAINED.match(self.last) or (not self.after_blank and _STAMP.match(self.last)))
