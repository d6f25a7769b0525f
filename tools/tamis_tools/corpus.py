"""Documents cut and made ready to rank: every segment with the text to judge it by."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

from tamis_tools.segments import MAX_SEGMENT_CHARS, ranking_text, segment

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from tamis_tools.document import Document
    from tamis_tools.handles import Shown
    from tamis_tools.pace import Pace
    from tamis_tools.segments import Segment

MOST_ENTRIES = 150_000
"""Segments that are ranked one by one; millions of tiny records are taken some at a time."""


class Entry(NamedTuple):
    """One segment of `documents[document]`, with the text to rank it by."""

    document: int
    segment: Segment
    text: str


@dataclass(frozen=True, slots=True)
class Corpus:
    """Everything that one call looks at, in reading order."""

    documents: tuple[Document, ...]
    entries: tuple[Entry, ...]

    def without(self, seen: Iterable[Shown]) -> Corpus:
        """The same documents, less what was shown; of a segment that was shown in part, the rest."""
        spans: dict[int, list[tuple[int, int]]] = {}
        for document, start, end in seen:
            spans.setdefault(document, []).append((start, end))
        rest = (part for entry in self.entries for part in _unseen(entry, spans.get(entry.document, ())))
        return Corpus(self.documents, tuple(rest))


def _unseen(entry: Entry, shown: Sequence[tuple[int, int]]) -> Iterator[Entry]:
    start, whole = entry.segment.start, entry.segment.end
    inside = sorted(span for span in shown if span[0] < whole and start < span[1])
    for begin, end in (*inside, (whole, whole)):
        if start < begin:
            yield entry if begin - start == whole - entry.segment.start else _part(entry, start, begin)
        start = max(start, end)


def _part(entry: Entry, start: int, end: int) -> Entry:
    return entry._replace(segment=replace(entry.segment, start=start, end=end))


def cut(documents: Sequence[Document], pace: Pace) -> Corpus:
    """Segment every document; runs in a worker thread."""
    pieces: list[tuple[int, Segment]] = []
    for number, document in enumerate(documents):
        if number % 16 == 0:
            pace.step_in_thread(0.2 + 0.2 * number / len(documents), f"cutting {document.address}")
        pieces += ((number, piece) for piece in segment(document))
    entries = [
        Entry(number, piece, ranking_text(documents[number], piece)) for number, piece in _coarser(pieces, MOST_ENTRIES)
    ]
    return Corpus(tuple(documents), tuple(entries))


def _coarser(pieces: list[tuple[int, Segment]], most: int) -> list[tuple[int, Segment]]:
    """Neighbours put together, as many as it takes to leave about `most`; long ones stay as they are."""
    together = -(-len(pieces) // most)
    joined: list[tuple[int, Segment]] = []
    size = 0
    for number, piece in pieces if together > 1 else ():
        last = joined[-1] if joined else None
        fits = last and last[0] == number and size < together and piece.end - last[1].start <= MAX_SEGMENT_CHARS
        if last and fits:
            joined[-1], size = (number, replace(last[1], end=piece.end)), size + 1
        else:
            joined.append((number, piece))
            size = 1
    return joined or pieces
