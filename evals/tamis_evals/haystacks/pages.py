"""Short passages as an agent meets them: each in a file of its own, among others that a search finds with it."""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tamis_evals.arms.bm25 import index
from tamis_evals.datasets.labelled import Labelled
from tamis_evals.sample import Passage, Source, Unit
from tamis_tools import tokens


@dataclass(frozen=True, slots=True)
class Page:
    """A passage as a file: `source.text[offset:]` begins with the text of the row."""

    row: Labelled
    source: Source
    offset: int

    def passage(self, number: int, sentence: int) -> Passage:
        """Where a sentence of the row stands in the file, which is the source with that number."""
        start, end = self.row.sentences[sentence]
        return Passage(number, self.offset + start, self.offset + end)

    def relevant(self, number: int) -> tuple[Passage, ...]:
        """The sentences that answer the row's question."""
        return tuple(self.passage(number, sentence) for sentence in self.row.relevant)


def page(row: Labelled) -> Page:
    """A Markdown file headed by the title; a row without one is a list of facts."""
    if not row.title:
        return Page(row, Source("facts.md", row.text), 0)
    heading = f"# {row.title}\n\n"
    name = re.sub(r"\W+", "-", row.title.lower()).strip("-") or "page"
    return Page(row, Source(f"{name}.md", f"{heading}{row.text}\n"), len(heading))


def sentences(pages: Iterable[Page]) -> tuple[Unit, ...]:
    """The data set's sentences of all files, with the title of their file."""
    return tuple(
        Unit(each.passage(number, sentence), each.row.title)
        for number, each in enumerate(pages)
        for sentence in range(len(each.row.sentences))
    )


def blocks(pages: Iterable[Page]) -> tuple[Unit, ...]:
    """The whole text of each file as one block, with its title; files without one have no blocks."""
    return tuple(
        Unit(Passage(number, each.offset, each.offset + len(each.row.text)), each.row.title)
        for number, each in enumerate(pages)
        if each.row.title
    )


class Shelf:
    """The files of a data set, to find company for one of them."""

    def __init__(self, pages: Iterable[Page]) -> None:
        self.pages = list({each.source.text: each for each in pages}.values())
        self._sizes = [tokens.count(each.source.text) for each in self.pages]
        self._index = index([each.source.text for each in self.pages])

    def likest(self, own: Page) -> Sequence[int]:
        """All files, those first that BM25 ranks highest for the question: a baseline's hardest rivals."""
        return [int(at) for at in (-self._index.scores(own.row.question)).argsort(kind="stable")]

    def by_lot(self, own: Page, seed: int) -> Sequence[int]:
        """All files in an order that has nothing to do with the question."""
        return random.Random(f"{seed} {own.row.id} company").sample(range(len(self.pages)), len(self.pages))

    def among(self, own: Page, order: Iterable[int], least_tokens: int, seed: int) -> tuple[Page, ...]:
        """The file and others, shuffled, until there are `least_tokens`: of other documents, none with an answer."""
        chosen, size = [own], tokens.count(own.source.text)
        for at in order:
            if size >= least_tokens:
                break
            if _suits(self.pages[at], own, chosen):
                chosen.append(self.pages[at])
                size += self._sizes[at]
        random.Random(f"{seed} {own.row.id}").shuffle(chosen)
        return tuple(chosen)


def _suits(other: Page, own: Page, chosen: Iterable[Page]) -> bool:
    text = other.source.text.lower()
    held = any(answer.lower() in text for answer in own.row.answers)
    return not held and all(other.source.name != each.source.name for each in chosen)
