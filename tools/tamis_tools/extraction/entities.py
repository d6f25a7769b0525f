"""All that documents hold of things known by their form, each once with its first place and how often it stands."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from tamis_tools.extraction import patterns
from tamis_tools.segments import segment

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tamis_tools.document import Document, Span
    from tamis_tools.pace import Pace

MOST_DIFFERENT = 20_000
"""Different values of one type that are counted; later ones are not, so that memory stays small."""
_IN_MARKUP = {"url", "email"}
"""Types that are looked for in the tags of a page too: that is where its links stand."""


class Mention(NamedTuple):
    """Where `documents[document]` holds something."""

    document: int
    span: Span


@dataclass(slots=True)
class Tally:
    """The values of one type in reading order. `full` where there were too many different ones."""

    first: dict[str, Mention] = field(default_factory=dict[str, Mention])
    counts: dict[str, int] = field(default_factory=dict[str, int])
    full: bool = False

    def add(self, value: str, mention: Mention) -> None:
        """Count one more."""
        if value in self.first:
            self.counts[value] += 1
        elif len(self.first) < MOST_DIFFERENT:
            self.first[value], self.counts[value] = mention, 1
        else:
            self.full = True

    def most_frequent(self, limit: int) -> list[str]:
        """At most so many values; equally frequent ones in reading order."""
        return sorted(self.first, key=lambda value: -self.counts[value])[:limit]


def tally(documents: Sequence[Document], names: Sequence[str], pace: Pace) -> tuple[dict[str, Tally], int]:
    """A tally for every type of `PATTERNS` that is named, and how many documents were searched before time ran out.

    Runs in a worker thread.
    """
    tallies = {name: Tally() for name in names}
    for number, document in enumerate(documents):
        if pace.expired and number:
            return tallies, number
        for name, found in tallies.items():
            for window in _windows(document, name):
                pace.step_in_thread(0.3 + 0.6 * number / len(documents), f"searching {document.address}")
                for span in patterns.find(patterns.PATTERNS[name], document.text, window):
                    found.add(document.text[span.start : span.end], Mention(number, span))
    return tallies, len(documents)


def _windows(document: Document, name: str) -> Iterator[Span]:
    if document.format == "html" and name not in _IN_MARKUP:
        yield from (piece.span for piece in segment(document))
    else:
        yield from patterns.windows(document.text, document.readable)
