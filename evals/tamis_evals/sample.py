"""What is asked in an evaluation: a query over sources, which spans of them are the evidence, and which mislead."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

Factor = str | int | float


class Source(NamedTuple):
    """A file as an agent would find it; the suffix of its name says what it is."""

    name: str
    text: str


class Passage(NamedTuple):
    """Characters `start` to `end` of the source with that number in its sample."""

    source: int
    start: int
    end: int


class Unit(NamedTuple):
    """What a baseline keeps or drops as one, and what it reads before it to judge (a title; often nothing)."""

    passage: Passage
    title: str = ""


@dataclass(frozen=True, slots=True)
class Sample:
    """One question of a task.

    `id` is unique in the task, and the same in every run; samples of one `cluster` (a paper, a meeting, a haystack) are
    not independent. `evidence` holds the units that a full answer rests on, `rivals` what must not be
    kept. `sentences` and `blocks` are the data set's own cuts: where they are empty, baselines use those of
    `tamis_evals.cutting`. `factors` is what varies (`length` in tokens, `depth` 0 to 1, `rivals`, `overlap` …).
    """

    id: str
    dataset: str
    cluster: str
    query: str
    sources: tuple[Source, ...]
    evidence: tuple[Passage, ...] = ()
    rivals: tuple[Passage, ...] = ()
    answers: tuple[str, ...] = ()
    factors: Mapping[str, Factor] = field(default_factory=dict[str, Factor])
    sentences: tuple[Unit, ...] = ()
    blocks: tuple[Unit, ...] = ()

    def text(self, passage: Passage) -> str:
        """The characters of a passage."""
        return self.sources[passage.source].text[passage.start : passage.end]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one arm gave for one sample.

    `passages` were kept, in the order shown; `text` is what a reader gets, of `tokens` tokens. `ranked` holds the
    numbers of sources, best first, where a ranking was asked for. `best` is the arm's highest score (comparable within
    the arm alone); None where it has none. `overhead_tokens` are what the agent spends beside the text: arguments of
    every call, schemas once. `failed` says why there is nothing: never counted as a zero.
    """

    passages: tuple[Passage, ...] = ()
    text: str = ""
    tokens: int = 0
    ranked: tuple[int, ...] = ()
    best: float | None = None
    answered: bool = True
    calls: int = 0
    overhead_tokens: int = 0
    seconds: float = 0.0
    failed: str = ""
