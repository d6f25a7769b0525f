"""A chronicle of a harbour town that never was: people, places, weather, small troubles."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from tamis_evals.haystacks.grammar import capital, grammar
from tamis_evals.haystacks.needles import names
from tamis_evals.haystacks.pieces import Frame, Piece, one

FILE = "chronicle.txt"
FRAME = Frame()


def pieces(rng: Random) -> Iterator[Piece]:
    """Sentences without end; a paragraph stays with its people and its place."""
    say, people = grammar("prose").say, names()["people"]
    while True:
        who, other = one(rng, people), one(rng, people)
        fixed = {"who": who, "other": other, "surname": who.split()[-1], "here": say(rng, "place")}
        yield Piece(FILE, "\n\n", capital(say(rng, "opening", fixed)), opens=True)
        for _ in range(rng.randint(3, 7)):
            yield Piece(FILE, " ", capital(say(rng, "sentence", fixed)))
