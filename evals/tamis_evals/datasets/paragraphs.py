"""Rows that the multi-hop data sets share: titled paragraphs in sentences, and questions that need several of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from sentencex import get_sentence_boundaries  # pyright: ignore[reportAttributeAccessIssue]


class Paragraph(NamedTuple):
    """A titled paragraph; its text is its sentences with a blank between them. No line ends, no empty sentences."""

    title: str
    sentences: tuple[str, ...]

    @property
    def text(self) -> str:
        """The sentences as one line."""
        return " ".join(self.sentences)


class Hop(NamedTuple):
    """One step of a question's decomposition: the answer to it, and the paragraph that gives it."""

    paragraph: int
    answer: str


class Fact(NamedTuple):
    """A supporting sentence, by its number and that of its paragraph."""

    paragraph: int
    sentence: int


@dataclass(frozen=True, slots=True)
class Question:
    """A question over its own paragraphs: those that support its answer, and the data set's distractors.

    `facts` are empty where the data set labels paragraphs only, `hops` where it holds no decomposition.
    """

    id: str
    query: str
    answers: tuple[str, ...]
    paragraphs: tuple[Paragraph, ...]
    supporting: frozenset[int]
    facts: tuple[Fact, ...] = ()
    hops: tuple[Hop, ...] = ()

    @property
    def support(self) -> list[Paragraph]:
        """The supporting paragraphs, in their order."""
        return [self.paragraphs[at] for at in sorted(self.supporting)]

    @property
    def distractors(self) -> list[Paragraph]:
        """The others, in their order."""
        return [paragraph for at, paragraph in enumerate(self.paragraphs) if at not in self.supporting]


def from_sentences(title: str, sentences: Iterable[str]) -> Paragraph:
    """A paragraph that the data set cuts into sentences; blank ones are left out, line ends become blanks."""
    lines = (" ".join(sentence.split()) for sentence in sentences)
    return Paragraph(" ".join(title.split()), tuple(line for line in lines if line))


def from_text(title: str, text: str) -> Paragraph:
    """A paragraph that the data set gives whole, cut by sentencex."""
    line = " ".join(text.split())
    cuts = (line[bound["start_index"] : bound["end_index"]] for bound in get_sentence_boundaries("en", line))
    return from_sentences(title, cuts)


def with_facts(
    row: tuple[str, str, str], context: Iterable[tuple[str, list[str]]], labels: Iterable[tuple[str, int]]
) -> Question:
    """A question of the HotpotQA form: `row` is its id, text and answer; labels name a title and a sentence of it.

    A paragraph that is given twice counts once. A label of a blank sentence is dropped with the sentence.
    """
    own = {title: sentences for title, sentences in context}
    numbers = {title: number for number, title in enumerate(own)}
    facts = [Fact(numbers[title], at) for title, label in labels if (at := _moved(own[title], label)) is not None]
    paragraphs = tuple(from_sentences(title, sentences) for title, sentences in own.items())
    supporting = frozenset(fact.paragraph for fact in facts)
    name, query, answer = row
    return Question(name, query, (answer,), paragraphs, supporting, tuple(dict.fromkeys(facts)))


def _moved(sentences: list[str], label: int) -> int | None:
    """The number of a sentence when blank ones are not counted; None where it is blank or not there."""
    if label >= len(sentences) or not sentences[label].strip():
        return None
    return sum(bool(sentence.strip()) for sentence in sentences[:label])
