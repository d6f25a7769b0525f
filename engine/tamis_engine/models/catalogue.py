"""Models that were looked at: what they are for, under which licence, and what their own files do not say."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from tamis_engine.models.spec import Calibration, ChatPair, KeepWords, LogitPick, Prompts, Splade
from tamis_engine.protocol import Ability

PATH = Path(__file__).with_name("catalogue.json")
"""Revisions and sizes are those of MTEB 2.26's list of models; `scripts/pin_catalogue.py` looks up the rest."""


class _Row(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Overrides(_Row):
    """Facts that go before those of the files. `logits`, `words` and `splade` say what a bare network is for, `idf`
    where its queries' weights lie, `base` the repository whose config and tokenizer it uses."""

    prompts: Prompts | None = None
    pair: ChatPair | None = None
    logits: LogitPick | None = None
    words: KeepWords | None = None
    splade: Splade | None = None
    idf: str = ""
    base: str = ""
    template: str | None = None
    threshold: float | None = None
    score_scale: float | None = None
    calibration: Calibration | None = None
    max_tokens: int | None = None
    forbidden_dtypes: tuple[Literal["float16", "bfloat16"], ...] = ()


class Entry(_Row):
    """One model. `bytes` and `revision` are None until somebody with a network looked; `gated` asks for a licence to
    be accepted on its page first."""

    id: str
    hub: str
    aliases: tuple[str, ...] = ()
    revision: str | None = Field(default=None, pattern="^[0-9a-f]{40}$")
    licence: str
    gated: bool = False
    parameters: int
    dimensions: int = 0
    max_tokens: int
    abilities: tuple[Ability, ...]
    bytes: int | None = None
    what_for: str
    overrides: Overrides = Overrides()

    @property
    def expected_bytes(self) -> int:
        """Of its weights: as looked up, else what so many parameters take in float32."""
        return self.bytes or 4 * self.parameters

    def names(self) -> tuple[str, ...]:
        """All that it answers to."""
        return (self.id, self.hub, *self.aliases)


class Trio(_Row):
    """One model for each thing to do, that go well together on one kind of machine."""

    encode: str
    score: str
    extract: str


class Catalogue(_Row):
    """The whole file."""

    models: tuple[Entry, ...]
    sets: dict[str, Trio]


@cache
def catalogue() -> Catalogue:
    """Read once, when it is first asked for."""
    return Catalogue.model_validate_json(PATH.read_bytes())


def find(name: str) -> Entry | None:
    """By id, repository or alias, in any case."""
    return _by_name().get(name.lower())


def suggestions(name: str) -> list[str]:
    """Names that look like what was meant, the nearest first."""
    return get_close_matches(name.lower(), _by_name(), n=3, cutoff=0.7)


def trio(name: str) -> Trio | None:
    """The set of that name."""
    return catalogue().sets.get(name)


@cache
def _by_name() -> dict[str, Entry]:
    return dict(_names())


def _names() -> Iterator[tuple[str, Entry]]:
    for entry in catalogue().models:
        for name in entry.names():
            yield name.lower(), entry
