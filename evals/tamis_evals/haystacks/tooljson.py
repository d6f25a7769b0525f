"""What a tool returns when it is asked for notes: records of customers, sites and rooms that never were."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from tamis_evals.haystacks.grammar import capital, grammar
from tamis_evals.haystacks.needles import names
from tamis_evals.haystacks.pieces import Frame, Piece, one

FILE = "list_notes.json"
FRAME = Frame('{\n  "tool": "list_notes",\n  "notes": [\n    ', "\n  ]\n}\n")
_TAIL = '"}'


def pieces(rng: Random) -> Iterator[Piece]:
    """Records without end, their numbers rising."""
    say, lists = grammar("json").say, names()
    number = 40_000
    while True:
        number += rng.randint(2, 9)
        author, person, firm = (one(rng, lists[name]) for name in ("people", "people", "firms"))
        fixed = {"author": author, "person": person, "firm": firm}
        text = capital(say(rng, "note", fixed))
        lead, after = _lead(number, author), _lead(number + 1, one(rng, lists["people"]))
        yield Piece(FILE, lead, text, _TAIL, after=after, after_tail=_TAIL, opens=True)


def _lead(number: int, author: str) -> str:
    return f',\n    {{"id": {number}, "by": "{author}", "note": "'
