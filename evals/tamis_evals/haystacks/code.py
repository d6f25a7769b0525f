"""Modules of Python that never ran: constants, registrations, functions, small classes."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from tamis_evals.haystacks.grammar import capital, grammar
from tamis_evals.haystacks.pieces import Frame, Piece

FRAME = Frame()
_APART = "\n\n\n"
_KEPT = ("field", "other", "store", "verb", "step")
"""What stays the same within a statement."""


def pieces(rng: Random) -> Iterator[Piece]:
    """Top-level statements without end, module after module."""
    say = grammar("code").say
    number = 0
    while True:
        number += 1
        area, thing = say(rng, "area"), say(rng, "thing")
        file = f"lantern/{area}/{thing}_{number:03}.py"
        fixed = {"area": area, "thing": thing, "class": capital(thing), "kind": capital(say(rng, "store"))}
        yield Piece(file, "", say(rng, "module", fixed), after=_APART, opens=True, fixed=True)
        for _ in range(rng.randint(8, 20)):
            rule = "statement" if rng.random() < 0.4 else "function"
            words = {name: say(rng, name) for name in _KEPT}
            yield Piece(file, _APART, say(rng, rule, fixed | words), after=_APART)
