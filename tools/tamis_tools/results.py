"""What operations give back: data for programs, and the text that an agent reads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict


class Data(BaseModel):
    """Base of all results: frozen, no unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


D_co = TypeVar("D_co", bound=Data, covariant=True)


@dataclass(frozen=True, slots=True)
class Answer(Generic[D_co]):
    """`text` is what the agent reads, fences and footer included; `data` is the same for programs."""

    text: str
    data: D_co


class Place(Data):
    """Where something stands. Lines count from 1; `start` and `end` are character offsets into the decoded source."""

    source: str
    start_line: int
    end_line: int
    start: int
    end: int


class Slice(Place):
    """A verbatim piece of a source."""

    score: float
    tokens: int
    text: str


class Omitted(Data):
    """What was read and not shown. `tokens` counts the sources' own text."""

    segments: int
    tokens: int


class Compressed(Data):
    """`tokens` counts the whole answer as sent. `answered` is false where the sources probably hold no answer."""

    query: str
    budget_tokens: int
    tokens: int
    slices: list[Slice]
    omitted: Omitted
    answered: bool
    handle: str
    cursor: str
    notes: list[str]
    timings: dict[str, float]


class Ranked(Data):
    """One address with its relevance (0 to 1) and its first line."""

    source: str
    start_line: int
    end_line: int
    score: float
    preview: str


class Reranked(Data):
    """Best first."""

    results: list[Ranked]
    answered: bool
    notes: list[str]


class Verdict(Data):
    """Whether a source stays, and why."""

    source: str
    keep: bool
    score: float
    label: str
    reason: str


class Filtered(Data):
    """Every source once, in the order given."""

    sources: list[Verdict]
    notes: list[str]


class Value(Place):
    """A value found for `field`; `quote` stands in the source at the stated offsets, and contains `value`.

    `count` tells how often the value was found; the place is that of the first, or of the best. A `candidate` is one
    of several values that may be meant, or stands beside a key that says more than the field.
    """

    field: str
    value: str
    quote: str
    score: float
    count: int = 1
    candidate: bool = False


class Extracted(Data):
    """`not_found` lists the fields for which no source held a value."""

    values: list[Value]
    not_found: list[str]
    notes: list[str]


class Score(Data):
    """Relevance of a whole source: that of its best passage, 0 to 1."""

    source: str
    score: float
    start_line: int
    end_line: int


class Scored(Data):
    """In the order of the sources."""

    scores: list[Score]
    model: str
    notes: list[str]


class Encoded(Data):
    """Where the vectors lie. `shape` is that of the numbers: (rows, dimensions), or of kind sparse (entries, 2).

    `similarity` is (texts, texts) cosines where it was asked for and is small.
    """

    file: str
    handle: str
    model: str
    kind: Literal["dense", "sparse", "multivector"]
    shape: list[int]
    norms: list[float]
    sources: list[str]
    similarity: list[list[float]] | None
    notes: list[str]


class Expanded(Data):
    """Consecutive characters of one original, whole lines where a line fits.

    To go on, expand `next_ref` (empty at the end), with `from_line=next_line` where that is not 0.
    `changed` tells that the file differs by now.
    """

    source: str
    start_line: int
    end_line: int
    total_lines: int
    text: str
    next_ref: str
    next_line: int
    changed: bool
    notes: list[str]
