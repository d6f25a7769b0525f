"""Examples for the reader: a question beside a window of text that holds its answer, or that holds none."""

from __future__ import annotations

import hashlib
import json
import random
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from tamis_engine.compute.extracting.windows import Asked, asked_in_pairs, question_first
from tamis_engine.compute.tokens import Tokeniser
from tamis_engine.operation import Piece

FILES = ("squadshifts/new_wiki_v1.0.json", "squadshifts/reddit_v1.0.json", "squadshifts/amazon_reviews_v1.0.json")
HELD_OUT = 10
"""Per cent of the documents that are never trained on."""
LOOKED_AT = 40
"""How many other paragraphs are looked at for one that speaks of what is asked."""
WITHOUT_ANSWER = 0.3
"""Of all examples. The windows of a long text hold an answer far more seldom still."""
CROPPED, FILLED = 0.6, 0.15
"""Shares of the windows that show some of a paragraph, and one among foreign ones; the others show one whole."""
CROP_TOKENS = 48, 144
"""From and to: short windows teach as much in half of the time."""
TRIES = 10
OWN = 0.35
"""Share of the windows without an answer that show another part of the paragraph which has it."""


class Paragraph(NamedTuple):
    """A text in tokens; `words` are the ids in it."""

    text: str
    ids: Sequence[int]
    words: frozenset[int]


class Question(NamedTuple):
    """`first` and `last` are tokens of the paragraph with that number."""

    asked: Asked
    paragraph: int
    first: int
    last: int
    answer: str


class Example(NamedTuple):
    """What the network reads, and the places of the answer's first and last token in it; 0, [CLS], is no answer."""

    piece: Piece
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Part:
    """Paragraphs, and the questions about them."""

    paragraphs: Sequence[Paragraph]
    questions: Sequence[Question]


def load(data: Path, tokeniser: Tokeniser) -> tuple[Part, Part]:
    """What is trained on, and what is held out: split by document, where a file names one, else by paragraph."""
    found = [row for path in FILES for row in paragraphs(json.loads((data / path).read_text(encoding="utf-8")))]
    parts = [[row for document, row in found if _is_held_out(document) is wanted] for wanted in (False, True)]
    trained, tested = (_part(rows, tokeniser) for rows in parts)
    return trained, tested


def held_out(file: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Of a file in SQuAD's format, the paragraphs that are never trained on, with their documents."""
    return ((document, row) for document, row in paragraphs(file) if _is_held_out(document))


def paragraphs(file: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """All of a file in SQuAD's format, with what they are split by."""
    for document in file["data"]:
        for row in document["paragraphs"]:
            yield (document["title"] if len(file["data"]) > 1 else row["context"]), row


def _is_held_out(document: str) -> bool:
    return int.from_bytes(hashlib.sha256(document.encode()).digest()[:4], "big") % 100 < HELD_OUT


def _part(rows: Sequence[dict[str, Any]], tokeniser: Tokeniser) -> Part:
    read = tokeniser.parts([row["context"] for row in rows], offsets=True)
    texts = [Paragraph(row["context"], each.ids, frozenset(each.ids)) for row, each in zip(rows, read, strict=True)]
    questions = [
        question
        for number, (row, each) in enumerate(zip(rows, read, strict=True))
        for question in _questions(row, number, each.offsets, tokeniser)
    ]
    return Part(texts, questions)


def _questions(
    row: dict[str, Any], paragraph: int, offsets: Sequence[tuple[int, int]], tokeniser: Tokeniser
) -> Iterator[Question]:
    asked = asked_in_pairs(tokeniser, [each["question"] for each in row["qas"]])
    for question, each in zip(asked, row["qas"], strict=True):
        start, text = _agreed((answer["answer_start"], answer["text"]) for answer in each["answers"])
        tokens = [at for at, (left, right) in enumerate(offsets) if left < start + len(text) and right > start]
        if tokens:
            yield Question(question, paragraph, tokens[0], tokens[-1], text)


def _agreed(answers: Iterable[tuple[int, str]]) -> tuple[int, str]:
    """What most annotators marked; of several such the shortest."""
    counted = Counter(answers)
    return min(counted, key=lambda answer: (-counted[answer], len(answer[1]), answer[0]))


class Examples:
    """An epoch's examples, other ones in each; the same for the same seed."""

    def __init__(self, part: Part, tokeniser: Tokeniser, seed: int) -> None:
        self._part = part
        self._tokeniser = tokeniser
        self._seed = seed
        common = Counter(word for paragraph in part.paragraphs for word in paragraph.words)
        self._rare = {word for word, count in common.items() if count * 20 < len(part.paragraphs)}

    def epoch(self, number: int) -> list[Callable[[], Example]]:
        """In random order, made when they are called for."""
        chance = random.Random(f"{self._seed} {number}")
        made = [self._later(self._answered, question, chance.random()) for question in self._part.questions]
        without = round(len(made) * WITHOUT_ANSWER / (1 - WITHOUT_ANSWER))
        more = chance.sample(self._part.questions, min(without, len(made)))
        made += [self._later(self._unanswered, question, chance.random()) for question in more]
        chance.shuffle(made)
        return made

    def _later(
        self, make: Callable[[Question, random.Random], Example], question: Question, seed: float
    ) -> Callable[[], Example]:
        return lambda: make(question, random.Random(seed))

    def _answered(self, question: Question, chance: random.Random) -> Example:
        own, room = self._part.paragraphs[question.paragraph].ids, question.asked.room
        shown = self._shown(own, room, chance)
        if shown > len(own):
            foreign = self._filler(question, chance, shown - len(own))
            cut = chance.randint(0, len(foreign))
            ids = [*foreign[:cut], *own, *foreign[cut:]]
            return self._example(question, ids, cut + question.first, cut + question.last)
        earliest = max(0, min(question.last + 1, len(own)) - shown)
        skipped = chance.randint(earliest, max(earliest, min(question.first, len(own) - shown)))
        return self._example(
            question, own[skipped : skipped + shown], question.first - skipped, question.last - skipped
        )

    def _unanswered(self, question: Question, chance: random.Random) -> Example:
        own, room = self._part.paragraphs[question.paragraph].ids, question.asked.room
        longer_side = max(own[: question.first], own[question.last + 1 :], key=len)
        if chance.random() < OWN and len(longer_side) >= CROP_TOKENS[0]:
            return self._example(question, longer_side[:room], -1, -1)
        likely = self._alike(question, chance)
        shown = self._shown(likely, room, chance)
        foreign = self._filler(question, chance, max(0, shown - len(likely)))
        ids = [*likely, *foreign] if chance.random() < 0.5 else [*foreign, *likely]
        skipped = chance.randint(0, len(ids) - shown)
        return self._example(question, ids[skipped : skipped + shown], -1, -1)

    def _shown(self, paragraph: Sequence[int], room: int, chance: random.Random) -> int:
        """How many tokens of a paragraph are shown, or how many with foreign ones around it."""
        kind = chance.random()
        if kind < CROPPED:
            return min(chance.randint(*CROP_TOKENS), len(paragraph), room)
        whole = min(len(paragraph), room)
        return chance.randint(whole, room) if kind < CROPPED + FILLED else whole

    def _example(self, question: Question, ids: Sequence[int], first: int, last: int) -> Example:
        piece = question_first(self._tokeniser, question.asked, ids, (0, len(ids)))
        if not 0 <= first <= last < len(ids):
            return Example(piece, 0, 0)
        at = piece.notes.at
        return Example(piece, at + first, at + last)

    def _filler(self, question: Question, chance: random.Random, tokens: int) -> list[int]:
        ids: list[int] = []
        while len(ids) < tokens:
            ids += self._foreign(question, chance).ids
        return ids[:tokens]

    def _alike(self, question: Question, chance: random.Random) -> Sequence[int]:
        """Of some foreign paragraphs the one that shares most words with the question."""
        asked = self._rare & set(question.asked.ids)
        looked_at = [self._foreign(question, chance) for _ in range(LOOKED_AT)]
        return max(looked_at, key=lambda paragraph: len(asked & paragraph.words)).ids

    def _foreign(self, question: Question, chance: random.Random) -> Paragraph:
        """Another paragraph, without the answer unless that is a word which stands everywhere."""
        own, answer = self._part.paragraphs[question.paragraph].text, question.answer.lower()
        found = chance.choice(self._part.paragraphs)
        for _ in range(TRIES):
            if found.text != own and answer not in found.text.lower():
                break
            found = chance.choice(self._part.paragraphs)
        return found


def batches(made: Sequence[Callable[[], Example]], tokens: int, pool: int = 2048) -> Iterator[list[Example]]:
    """Of alike lengths, at most `tokens` each with padding; lengths follow each other at random."""
    for at in range(0, len(made), pool):
        ordered = sorted((make() for make in made[at : at + pool]), key=lambda example: len(example.piece.ids))
        grouped: dict[int, list[Example]] = defaultdict(list)
        number = longest = 0
        for example in ordered:
            longest = max(longest, len(example.piece.ids))
            if longest * (len(grouped[number]) + 1) > tokens:
                number, longest = number + 1, len(example.piece.ids)
            grouped[number].append(example)
        shuffled = [group for group in grouped.values() if group]
        random.Random(at).shuffle(shuffled)
        yield from shuffled
