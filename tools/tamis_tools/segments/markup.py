"""HTML cut into the text of its blocks. Offsets are into the source, tags, entities and all."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING, NamedTuple

from tamis_tools.document import Span
from tamis_tools.segments.cutting import trimmed
from tamis_tools.segments.model import Segment
from tamis_tools.segments.partition import partition
from tamis_tools.segments.prose import Headings, sentences

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from tamis_tools.document import Document

LONG_PARAGRAPH_CHARS = 500
"""A paragraph up to this length is one segment, a longer one is cut into sentences."""
INLINE_TAG_CHARS = 200
"""A longer tag parts what stands before and after it: nobody should read it."""
COMMENT_CHARS = 40
"""A shorter comment does not part what stands around it: some frameworks leave them between words."""

_TAG = re.compile(
    r"""<(?:
        (?P<close>/?)(?P<name>[a-zA-Z][^\s/<>"']*+)(?:[^<>"']++|"[^"]*+"|'[^']*+'){0,100}+>
      | (?P<comment>!--)
      | [!?][^<>]{0,2000}>
    )|(?P<space>&(?:nbsp|\#160|\#xa0);)""",
    re.VERBOSE | re.IGNORECASE,
)
_HIDDEN = {
    name: re.compile(rf"</{name}\s{{0,99}}>", re.IGNORECASE) for name in ("script", "style", "noscript", "template")
}
_COMMENT_END = re.compile("-->")
_INLINE = frozenset(
    """a abbr acronym b bdi bdo big br cite code data del dfn em font i img ins kbd label mark q rp rt ruby s samp
    small span strike strong sub sup time tt u var wbr td th""".split()
)
"""A run of text goes on through these; cells stay together because a row is read as one."""
_HEADINGS = {f"h{level}": level for level in range(1, 7)}


class Gap(NamedTuple):
    """What a reader does not see, from a tag to a whole script. `name` is that of a tag, with `/` if it closes."""

    start: int
    end: int
    name: str
    parts: bool
    """Whether the text after it is another run than the text before."""


def segment_markup(document: Document) -> tuple[Segment, ...]:
    """The text between the tags of blocks; what is no markup is text."""
    gaps = list(_gaps(document.text))
    visible = _blanked(document.text, gaps)
    return partition(document, _Reader(visible).segments(gaps), visible)


def plain_text(source: str) -> str:
    """What a reader sees of a piece of HTML."""
    return html.unescape(_blanked(source, _gaps(source)))


def _blanked(text: str, gaps: Iterable[Gap]) -> str:
    """The text with spaces in place of all that is not seen."""
    pieces: list[str] = []
    at = 0
    for gap in gaps:
        pieces += (text[at : gap.start], " " * (gap.end - gap.start))
        at = gap.end
    return "".join([*pieces, text[at:]])


def _gaps(text: str) -> Iterator[Gap]:
    endless: set[str] = set()  # what is opened and never closed hides nothing
    match = _TAG.search(text)
    while match:
        closed = match["close"] or ""
        name = (match["name"] or match["comment"] or "").lower()
        end = match.end()
        ending = _COMMENT_END if match["comment"] else None if closed else _HIDDEN.get(name)
        if ending and name not in endless:
            last = ending.search(text, end)
            end = last.end() if last else end
            endless |= set() if last else {name}
        yield Gap(match.start(), end, closed + name, _parts(match, name, end - match.start()))
        match = _TAG.search(text, end)


def _parts(match: re.Match[str], name: str, size: int) -> bool:
    if match["comment"]:
        return size > COMMENT_CHARS
    return not match["space"] and (name not in _INLINE or size > INLINE_TAG_CHARS)


class _Reader:
    def __init__(self, visible: str) -> None:
        self.visible = visible
        self.headings = Headings()
        self.header: tuple[Span, ...] = ()

    def segments(self, gaps: Sequence[Gap]) -> Iterator[Segment]:
        """The segments of each run of text."""
        at, inside, cells = 0, "", set[str]()
        for gap in gaps:
            if gap.parts:
                yield from self._run(Span(at, gap.start), inside, cells)
                at, inside, cells = gap.end, gap.name, set()
                self.header = () if gap.name == "table" else self.header
            else:
                cells.add(gap.name)
        yield from self._run(Span(at, len(self.visible)), inside, cells)

    def _run(self, run: Span, inside: str, cells: set[str]) -> Iterator[Segment]:
        run = trimmed(self.visible, *run, whole_lines=inside == "pre")
        above = self.headings.context
        if run.start == run.end:
            return
        if level := _HEADINGS.get(inside):
            yield Segment(*run, "heading", run, self.headings.add(level, run))
        elif inside == "tr":
            yield Segment(*run, "row", run, (*above, *self.header))
            self.header = (run,) if "th" in cells and "td" not in cells else self.header
        elif inside == "pre":
            yield Segment(*run, "code", run, above)
        elif run.end - run.start <= LONG_PARAGRAPH_CHARS:
            yield Segment(*run, "sentence", run, above)
        else:
            yield from sentences(self.visible, run, above)
