"""Documents cut and made ready to rank: every segment with the text to judge it by."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

from tamis_tools.segments import ranking_text, segment

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tamis_tools.document import Document
    from tamis_tools.handles import Shown
    from tamis_tools.pace import Pace
    from tamis_tools.segments import Segment


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
        rest = (_unseen(entry, spans.get(entry.document, ())) for entry in self.entries)
        return Corpus(self.documents, tuple(entry for entry in rest if entry))


def _unseen(entry: Entry, shown: Sequence[tuple[int, int]]) -> Entry | None:
    begin = max((end for start, end in shown if start <= entry.segment.start < end), default=entry.segment.start)
    if begin == entry.segment.start:
        return entry
    return entry._replace(segment=replace(entry.segment, start=begin)) if begin < entry.segment.end else None


def cut(documents: Sequence[Document], pace: Pace) -> Corpus:
    """Segment every document; runs in a worker thread."""
    entries: list[Entry] = []
    for number, document in enumerate(documents):
        if number % 16 == 0:
            pace.step_in_thread(0.2 + 0.2 * number / len(documents), f"cutting {document.address}")
        entries += (Entry(number, piece, ranking_text(document, piece)) for piece in segment(document))
    return Corpus(tuple(documents), tuple(entries))
