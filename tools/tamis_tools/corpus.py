"""Documents cut and made ready to rank: every segment with the text to judge it by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from tamis_tools.segments import ranking_text, segment

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tamis_tools.document import Document, Span
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
        """The same documents, less the segments that were shown."""
        spans = _spans(seen)
        kept = (entry for entry in self.entries if not covered(entry.segment.span, spans.get(entry.document, ())))
        return Corpus(self.documents, tuple(kept))


def cut(documents: Sequence[Document], pace: Pace) -> Corpus:
    """Segment every document; runs in a worker thread."""
    entries: list[Entry] = []
    for number, document in enumerate(documents):
        if number % 16 == 0:
            pace.step_in_thread(0.2 + 0.2 * number / len(documents), f"cutting {document.address}")
        entries += (Entry(number, piece, ranking_text(document, piece)) for piece in segment(document))
    return Corpus(tuple(documents), tuple(entries))


def covered(span: Span, shown: Sequence[tuple[int, int]]) -> bool:
    """True where one of the stretches holds the whole span."""
    return any(start <= span.start and span.end <= end for start, end in shown)


def _spans(seen: Iterable[Shown]) -> dict[int, list[tuple[int, int]]]:
    spans: dict[int, list[tuple[int, int]]] = {}
    for document, start, end in seen:
        spans.setdefault(document, []).append((start, end))
    return spans
