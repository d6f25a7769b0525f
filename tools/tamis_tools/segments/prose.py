"""Running text cut into sentences, paragraph by paragraph."""

from __future__ import annotations

import re
from itertools import islice, pairwise
from typing import TYPE_CHECKING, NamedTuple

from sentencex import get_sentence_boundaries  # pyright: ignore[reportAttributeAccessIssue]

from tamis_tools.document import Span
from tamis_tools.segments.cutting import last_break, trimmed
from tamis_tools.segments.model import Segment
from tamis_tools.segments.partition import partition

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tamis_tools.document import Document

SHORT_CHARS = 16
"""A sentence shorter than this goes with the next one of its paragraph."""
HEADING_CHARS = 200
TITLE_CHARS, RUNNING_CHARS = 80, 100
"""A title is shorter than this, and the line below it longer than any line of text that was broken to fit a page."""
TALK_LINES, TALK_SHARE = 200, 0.6
TURN_CHARS = 100
"""What is said in a talk goes together up to this length: an answer there takes many turns."""
_SENTENCEX_CHARS = 2_000
"""What sentencex gets at once: on some text it takes the square of the time."""

_PARAGRAPH_BREAK = re.compile(r"(?>\r\n|\n|\r)[^\S\r\n]*(?>\r\n|\n|\r)\s*|\f\s*|\u2029\s*")
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_ITEM = re.compile(r"^[ \t]*(?:[-*•·–+]|\(?(?:\d{1,3}|[a-z])[.)])[ \t]+(?=\S)", re.MULTILINE)
_CHAPTER = re.compile(
    r"((?i:part|book|volume|act|chapter|section|appendix|scene|canto))\s+"
    r"(?:\d+|[IVXLC]+|[A-Z]|(?i:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|the (?:first|last)))\b"
)
_NUMBERED = re.compile(r"(\d{1,2}(?:\.\d{1,2}){0,4})\.?[ \t]+[A-Z][^\n]{2,80}(?<![.,;:])$")
_LINE = re.compile(r"[^\n]*\S[^\n]*")
_TURN = re.compile(r"\s*([^\W\d_][\w .'’-]{0,40}?)(?: ?\([^)]{1,30}\))?:\s")
_UNDERLINED = re.compile(r"[^\n]+\n[ \t]*([=\-~^\"*#+])\1{2,}$")
_OUTERMOST = {"part": 1, "book": 1, "volume": 1, "act": 1}


class Heading(NamedTuple):
    """A heading of a text; 1 is the outermost level."""

    level: int
    span: Span


class Headings:
    """The headings that stand above the place that a reader has come to."""

    def __init__(self) -> None:
        self._above: list[Heading] = []

    @property
    def context(self) -> tuple[Span, ...]:
        """Outermost first."""
        return tuple(heading.span for heading in self._above)

    def add(self, level: int, span: Span) -> tuple[Span, ...]:
        """A new heading closes those of its level and below; returns those that stand above it."""
        shown = Span(span.start, min(span.end, span.start + HEADING_CHARS))
        self._above = [above for above in self._above if above.level < level]
        above = self.context
        self._above.append(Heading(level, shown))
        return above


def segment_prose(document: Document) -> tuple[Segment, ...]:
    """Sentences with the headings above them."""
    return partition(document, _proposed(document.text, document.readable))


def sentences(text: str, paragraph: Span, context: tuple[Span, ...] = ()) -> Iterator[Segment]:
    """The sentences of one paragraph; short ones go together."""
    for start, end in merged(text, _sentence_spans(text, paragraph)):
        yield Segment(start, end, "sentence", paragraph, context)


def _proposed(text: str, within: Span) -> Iterator[Segment]:
    if is_talk(text, within):
        yield from _talk(text, within)
        return
    headings = Headings()
    for paragraph in _paragraphs(text, within):
        level = _heading_level(text, paragraph)
        if level:
            yield Segment(*paragraph, "heading", paragraph, headings.add(level, paragraph))
        elif title := _title(text, paragraph):
            yield Segment(*title, "heading", paragraph, headings.context)
            yield from _titled(text, title, paragraph, headings.context)
        else:
            yield from sentences(text, paragraph, headings.context)


def _titled(text: str, title: Span, paragraph: Span, above: tuple[Span, ...]) -> Iterator[Segment]:
    for start, end in merged(text, _sentence_spans(text, Span(title.end, paragraph.end))):
        yield Segment(start, end, "sentence", paragraph, (*above, title))


def _title(text: str, paragraph: Span) -> Span | None:
    """The first line of a paragraph where it names what follows: short, no sentence, above a line of running text."""
    end = text.find("\n", *paragraph)
    if not 0 < end - paragraph.start <= TITLE_CHARS:
        return None
    below = text.find("\n", end + 1, paragraph.end)
    running = (below if below != -1 else paragraph.end) - end
    line = text[paragraph.start : end].rstrip()
    begins = line[:1].isupper() or line[:1].isdigit()
    named = begins and running > RUNNING_CHARS and not line.endswith((".", "?", "!", ",", ";"))
    return Span(paragraph.start, paragraph.start + len(line)) if named else None


def _talk(text: str, within: Span) -> Iterator[Segment]:
    """A talk is one block: what answers a question goes over many turns."""
    block = trimmed(text, *within, whole_lines=False)
    lines = (Span(*match.span()) for match in _LINE.finditer(text, *block))
    for start, end in merged(text, (span for line in lines for span in _sentence_spans(text, line)), TURN_CHARS):
        yield Segment(start, end, "turn", block)


def is_talk(text: str, within: Span) -> bool:
    """True where most of the first lines begin with a speaker's name and a colon, and few speakers say them."""
    lines = [match.group() for match in islice(_LINE.finditer(text, *within), TALK_LINES)]
    speakers = [match[1] for line in lines if (match := _TURN.match(line))]
    return len(speakers) >= max(8, TALK_SHARE * len(lines)) and len(set(speakers)) <= len(speakers) / 3


def _paragraphs(text: str, within: Span) -> Iterator[Span]:
    start = within.start
    for gap in _PARAGRAPH_BREAK.finditer(text, *within):
        yield from _items(text, Span(start, gap.start()))
        start = gap.end()
    yield from _items(text, Span(start, within.end))


def _items(text: str, paragraph: Span) -> Iterator[Span]:
    """A list without blank lines between its items is as many paragraphs."""
    starts = [match.start() for match in _ITEM.finditer(text, *paragraph)]
    cuts = [paragraph.start, *(at for at in starts if at > paragraph.start), paragraph.end]
    for start, end in pairwise(cuts):
        span = trimmed(text, start, end, whole_lines=False)
        if span.start < span.end:
            yield span


def _sentence_spans(text: str, paragraph: Span) -> Iterator[Span]:
    at = paragraph.start
    while at < paragraph.end:
        far = at + _SENTENCEX_CHARS
        stop = paragraph.end if far >= paragraph.end else last_break(text, at + _SENTENCEX_CHARS // 2, far)
        piece = _SURROGATE.sub("\ufffd", text[at:stop])
        ends = sorted({at + boundary["end_index"] for boundary in get_sentence_boundaries("en", piece)} | {stop})
        if stop < paragraph.end and len(ends) > 1:
            ends.pop()  # the last sentence may go on
        for end in ends:
            yield Span(at, end)
            at = end


def merged(text: str, spans: Iterable[Span], short_chars: int = SHORT_CHARS) -> list[Span]:
    """Adjoining spans, a short one put together with the next; the last with the one before."""
    done: list[Span] = []
    for span in spans:
        if done and _length(text, done[-1]) < short_chars:
            done[-1] = Span(done[-1].start, span.end)
        else:
            done.append(span)
    if len(done) > 1 and _length(text, done[-1]) < short_chars:
        last = done.pop()
        done[-1] = Span(done[-1].start, last.end)
    return done


def _length(text: str, span: Span) -> int:
    return len(text[span.start : span.end].strip())


def _heading_level(text: str, paragraph: Span) -> int:
    """0 for what is no heading."""
    if paragraph.end - paragraph.start > HEADING_CHARS:
        return 0
    words = text[paragraph.start : paragraph.end].replace("\r", "")
    lines = words.count("\n") + 1
    if lines == 2 and (underlined := _UNDERLINED.match(words)):
        return "=-~".find(underlined[1]) + 1 or 4
    if lines <= 2 and (chapter := _CHAPTER.match(words)):
        return _OUTERMOST.get(chapter[1].lower(), 2)
    if lines > 1:
        return 0
    if numbered := _NUMBERED.match(words):
        return 2 + numbered[1].count(".")
    return 3 if words.isupper() and len(words) >= 4 and words[-1] not in ".,;:!" else 0
