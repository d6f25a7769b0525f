"""What a haystack is made of: pieces of text with what stands around them, so that one more fits in anywhere."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from random import Random

from tamis_evals.sample import Passage, Source


@dataclass(frozen=True, slots=True)
class Piece:
    """A sentence, a function, a line or a record.

    `lead` and `tail` stand around `text` in its file. A piece put in behind this one is led by `after` and closed by
    `after_tail`. `opens` marks where reading can start; a `fixed` piece (a title, a table) stays where it is when the
    others are shuffled.
    """

    file: str
    lead: str
    text: str
    tail: str = ""
    after: str = " "
    after_tail: str = ""
    opens: bool = False
    fixed: bool = False

    @property
    def whole(self) -> str:
        """The piece as it stands in its file."""
        return f"{self.lead}{self.text}{self.tail}"


@dataclass(frozen=True, slots=True)
class Frame:
    """What every file of a material begins and ends with."""

    opening: str = ""
    closing: str = "\n"


def one(rng: Random, words: Sequence[str]) -> str:
    """One of them; several times faster than `Random.choice`, and a haystack takes tens of thousands."""
    return words[int(rng.random() * len(words))]


def shuffled(pieces: Sequence[Piece], rng: Random) -> list[Piece]:
    """The same texts in another order, in the same places: stamps, numbers and paragraph breaks stay."""
    free = [at for at, piece in enumerate(pieces) if not piece.fixed]
    texts = [pieces[at].text for at in free]
    rng.shuffle(texts)
    out = list(pieces)
    for at, text in zip(free, texts, strict=True):
        out[at] = replace(out[at], text=text)
    return out


def placed(
    pieces: Sequence[Piece], extras: Sequence[tuple[int, str]], frame: Frame
) -> tuple[tuple[Source, ...], tuple[Passage, ...]]:
    """The files with every extra text put in behind the piece of that number, and where each extra then stands."""
    order: list[tuple[Piece, int | None]] = []
    behind: dict[int, list[int]] = {}
    for number, (at, _) in enumerate(extras):
        behind.setdefault(at, []).append(number)
    for at, piece in enumerate(pieces):
        order.append((piece, None))
        order.extend((_put(piece, extras[number][1]), number) for number in behind.get(at, ()))
    return _joined(order, frame)


def _put(before: Piece, text: str) -> Piece:
    return Piece(before.file, before.after, text, before.after_tail, before.after, before.after_tail)


def _joined(order: Sequence[tuple[Piece, int | None]], frame: Frame) -> tuple[tuple[Source, ...], tuple[Passage, ...]]:
    sources: list[Source] = []
    spans: dict[int, Passage] = {}
    for name, members in groupby(order, lambda pair: pair[0].file):
        written = [frame.opening]
        size = len(frame.opening)
        for first, (piece, number) in _counted(members):
            lead = piece.lead.lstrip(", \n") if first else piece.lead
            if number is not None:
                spans[number] = Passage(len(sources), size + len(lead), size + len(lead) + len(piece.text))
            written += (lead, piece.text, piece.tail)
            size += len(lead) + len(piece.text) + len(piece.tail)
        sources.append(Source(name, "".join((*written, frame.closing))))
    return tuple(sources), tuple(spans[number] for number in range(len(spans)))


def _counted(
    members: Iterator[tuple[Piece, int | None]],
) -> Iterator[tuple[bool, tuple[Piece, int | None]]]:
    return ((at == 0, member) for at, member in enumerate(members))
