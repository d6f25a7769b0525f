"""Glob patterns matched a component at a time, so that no pattern costs more than the folders it can reach."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from fnmatch import translate
from itertools import product

from tamis_tools.errors import BadArgument

_MAGIC = re.compile(r"[*?\[{]")
_BRACES = re.compile(r"\{([^{}]*,[^{}]*)\}")
_MOST_ALTERNATIVES = 64

State = frozenset[int]
"""How far a path has come: indices into the components of a pattern that may match what follows."""


@dataclass(frozen=True, slots=True)
class Glob:
    """`base` is the literal folder where the pattern begins; None among `components` stands for `**`."""

    base: str
    components: tuple[re.Pattern[str] | None, ...]
    literal: frozenset[str] = frozenset()

    @property
    def start(self) -> State:
        """The state at `base`."""
        return self._closed(0)

    def enter(self, state: State, name: str) -> State:
        """The state inside the folder `name`; empty where nothing in there can match."""
        reached: set[int] = set()
        for at in state - {len(self.components)}:
            component = self.components[at]
            if component is None:
                reached |= self._closed(at)
            elif component.match(name):
                reached |= self._closed(at + 1)
        return frozenset(reached - {len(self.components)})

    def accepts(self, state: State, name: str) -> bool:
        """Whether a file `name` met in this state matches."""
        last = len(self.components) - 1
        return last in state and ((component := self.components[last]) is None or bool(component.match(name)))

    def _closed(self, at: int) -> State:
        """`**` also matches no folder at all."""
        reached = {at}
        while at < len(self.components) - 1 and self.components[at] is None:
            at += 1
            reached.add(at)
        return frozenset(reached)


EVERYTHING = Glob(".", (None,))


def is_glob(text: str) -> bool:
    """Whether `text` holds a character that means something in a glob."""
    return bool(_MAGIC.search(text))


def globs(text: str) -> tuple[Glob, ...]:
    """The pattern as one glob for each of its `{a,b}` alternatives."""
    return tuple(_glob(alternative) for alternative in _alternatives(text.replace(os.sep, "/")))


def _glob(text: str) -> Glob:
    parts = (f"{text}**" if text.endswith("/") else text).split("/")
    cut = next((at for at, part in enumerate(parts) if is_glob(part)), len(parts) - 1)
    tail = [part for part in parts[cut:] if part not in {"", "."}]
    if ".." in tail:
        raise BadArgument(f"{text!r}: '..' can't follow a wildcard. Write the folder out and begin the pattern there.")
    base = "/".join(parts[:cut]) or ("/" if cut else ".")
    literal = frozenset(part for part in tail if not is_glob(part))
    return Glob(base, tuple(None if part == "**" else re.compile(translate(part)) for part in tail), literal)


def _alternatives(text: str) -> list[str]:
    pieces = _BRACES.split(text)
    choices = [piece.split(",") if at % 2 else [piece] for at, piece in enumerate(pieces)]
    count = 1
    for choice in choices:
        count *= len(choice)
    if count > _MOST_ALTERNATIVES:
        raise BadArgument(f"{text!r} has {count:,} alternatives in braces; at most {_MOST_ALTERNATIVES} are tried.")
    return ["".join(chosen) for chosen in product(*choices)]
