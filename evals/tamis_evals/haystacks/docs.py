"""Pages of documentation of a platform that never was: headings, paragraphs, lists, settings, tables."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from tamis_evals.haystacks.grammar import Grammar, grammar
from tamis_evals.haystacks.pieces import Frame, Piece

FRAME = Frame()


def pieces(rng: Random) -> Iterator[Piece]:
    """Blocks and sentences without end, page after page."""
    words = grammar("docs")
    number = 0
    while True:
        topic = words.say(rng, "topic")
        number += 1
        page = _Page(words, rng, f"docs/{number:03}-{topic.replace(' ', '-')}.md", topic)
        yield page.title()
        for heading in rng.sample(words.rules["heading"], rng.randint(4, 7)):
            yield from page.section(heading)


class _Page:
    """One page: what it is about stays the same in all its sentences."""

    def __init__(self, words: Grammar, rng: Random, file: str, topic: str) -> None:
        self.words, self.rng, self.file = words, rng, file
        component, companion = rng.sample(words.rules["component"], 2)
        self.fixed = {"topic": topic, "component": component, "companion": companion}

    def title(self) -> Piece:
        """Where reading starts."""
        return self._block(self.words.say(self.rng, "title", self.fixed), opens=True)

    def section(self, heading: str) -> Iterator[Piece]:
        """A heading, a paragraph or two, sometimes a list and an example."""
        yield self._block(self.words.fill(self.rng, heading, self.fixed))
        yield self._sentence("\n\n")
        for _ in range(self.rng.randint(2, 6)):
            yield self._sentence("\n\n" if self.rng.random() < 0.15 else " ")
        if self.rng.random() < 0.4:
            yield from self._list()
        if self.rng.random() < 0.3:
            yield self._block(self.words.say(self.rng, "block", self.fixed))

    def _list(self) -> Iterator[Piece]:
        for first in (True, *([False] * self.rng.randint(1, 4))):
            lead = "\n\n" if first else "\n"
            yield Piece(self.file, lead, self.words.say(self.rng, "bullet", self.fixed), after="\n- ", fixed=True)

    def _sentence(self, lead: str) -> Piece:
        return Piece(self.file, lead, self.words.say(self.rng, "sentence", self.fixed))

    def _block(self, text: str, opens: bool = False) -> Piece:
        return Piece(self.file, "\n\n", text, after="\n\n", opens=opens, fixed=True)
