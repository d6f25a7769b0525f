"""Needles of the project's own writing: a fact in four forms that share less and less with its question."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from itertools import cycle, islice
from random import Random
from typing import Literal

from pydantic import BaseModel, ConfigDict

from tamis_tools.lexical import query_terms

Grade = Literal["verbatim", "paraphrase", "one_hop", "two_hop"]
GRADES: tuple[Grade, ...] = ("verbatim", "paraphrase", "one_hop", "two_hop")
Material = Literal["prose", "docs", "code", "tool"]
Kind = Literal["prose", "docs", "code", "log", "json"]


class Form(BaseModel):
    """A fact said in one way: `{a}` stands for who or what it is about, `{v}` for what is said, `{b}` for a link.

    Where there are two `texts`, the first answers the question with a name alone, and the second says whose it is.
    `value` makes it true; each of `rivals` makes it another statement of the same shape.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    texts: tuple[str, ...]
    value: str
    rivals: tuple[str, ...]


class Fact(BaseModel):
    """A question with one answer. `others` names the list of what rivals speak of instead."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    material: Material
    kind: Kind
    question: str
    answer: str
    others: str
    bridge: str
    bridges: tuple[str, ...]
    forms: Mapping[Grade, Form]

    def evidence(self, grade: Grade) -> tuple[str, ...]:
        """What must be read to answer; the last text holds the answer."""
        form = self.forms[grade]
        return tuple(_filled(text, self.answer, form.value, self.bridge) for text in form.texts)

    def rivals(self, grade: Grade, count: int, rng: Random) -> list[str]:
        """`count` statements of the same shape about something else (at most 16), the misleading ones first."""
        return list(islice(self._wrong(self.forms[grade], rng), count))

    def _wrong(self, form: Form, rng: Random) -> Iterator[str]:
        others, values, bridges = (list(words) for words in (names()[self.others], form.rivals, self.bridges))
        for words in (others, values, bridges):
            rng.shuffle(words)
        for other, value, bridge in zip(others, cycle(values), cycle(bridges), strict=False):
            # a chain is led to by its second text: that one holds the wrong answer
            yield from (_filled(text, other, value, bridge) for text in reversed(form.texts))


@cache
def facts() -> tuple[Fact, ...]:
    """All facts, the materials in turn."""
    lines = _file("needles.jsonl").splitlines()
    by_material: dict[str, list[Fact]] = {}
    for line in lines:
        fact = Fact.model_validate_json(line)
        by_material.setdefault(fact.material, []).append(fact)
    return tuple(fact for turn in zip(*by_material.values(), strict=True) for fact in turn)


@cache
def names() -> Mapping[str, tuple[str, ...]]:
    """What rivals can speak of, by the name of the list: people, ships, hosts …, never the answer of a fact."""
    return {name: tuple(words) for name, words in json.loads(_file("rivals.json")).items()}


def overlap(question: str, text: str) -> float:
    """Share of the question's content words whose stems stand in the text too, from 0 to 1."""
    asked = set(query_terms(question))
    return len(asked & set(query_terms(text))) / len(asked) if asked else 0.0


def _filled(text: str, about: str, value: str, bridge: str) -> str:
    return text.replace("{a}", about).replace("{v}", value).replace("{b}", bridge)


def _file(name: str) -> str:
    return files("tamis_evals").joinpath("haystacks", name).read_text(encoding="utf-8")
