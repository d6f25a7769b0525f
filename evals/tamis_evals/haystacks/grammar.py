"""Sentences out of phrase lists: small enough to read, varied enough that hardly two are the same."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from random import Random

from tamis_evals.haystacks.pieces import one

_SLOT = re.compile(r"<([A-Za-z_]+|\d+-\d+)>")
NOTHING: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class Grammar:
    """Lists of phrases by name. In a phrase, `<name>` stands for a phrase of that list and `<3-90>` for a number.

    `<Name>` is the same with a capital, `<NAME>` in capitals.
    """

    rules: Mapping[str, tuple[str, ...]]

    def say(self, rng: Random, rule: str, fixed: Mapping[str, str] = NOTHING) -> str:
        """A phrase of a list, its slots filled: those in `fixed` as told, the others by chance."""
        return self.fill(rng, one(rng, self.rules[rule]), fixed)

    def fill(self, rng: Random, phrase: str, fixed: Mapping[str, str] = NOTHING) -> str:
        """The phrase with its slots filled in the same way; raises `KeyError` for a list that is not there."""
        return _SLOT.sub(lambda slot: self._slot(rng, slot[1], fixed), phrase)

    def _slot(self, rng: Random, slot: str, fixed: Mapping[str, str]) -> str:
        if slot[0].isdigit():
            return _number(rng, slot)
        rule = slot.lower()
        phrase = fixed[rule] if rule in fixed else self.say(rng, rule, fixed)
        return phrase if slot == rule else _cased(slot, phrase)


@cache
def grammar(name: str) -> Grammar:
    """The lists of one vocabulary file: `[name]`, then a phrase a line, where \\n is a line break."""
    text = files("tamis_evals").joinpath("haystacks", "vocabulary", f"{name}.txt").read_text(encoding="utf-8")
    rules: dict[str, list[str]] = {}
    phrases: list[str] = []
    for line in text.splitlines():
        if line.startswith("[") and line.endswith("]"):
            phrases = rules.setdefault(line[1:-1], [])
        elif line and not line.startswith("#!"):
            phrases.append(line.replace("\\n", "\n"))
    return Grammar({rule: tuple(found) for rule, found in rules.items()})


def _number(rng: Random, bounds: str) -> str:
    low, high = (int(bound) for bound in bounds.split("-"))
    return str(low + int(rng.random() * (high - low + 1)))


def capital(text: str) -> str:
    """The text with its first letter in upper case."""
    return text[:1].upper() + text[1:]


def _cased(slot: str, phrase: str) -> str:
    return phrase.upper() if slot.isupper() else capital(phrase)
