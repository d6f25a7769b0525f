"""What the tools take: one model for each, whose docstring and descriptions are what an agent reads."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from tamis_engine.protocol import DEFAULT_MODEL, Kind
from tamis_tools.requests import Detail, Unit


def _listed(value: object) -> object:
    """Some clients send one bare string for a list, or the list as a string of JSON."""
    if not isinstance(value, str):
        return value
    if value.lstrip().startswith("["):
        with suppress(ValueError, RecursionError):
            return json.loads(value)
    return [value] if value else []


Texts = Annotated[tuple[str, ...], BeforeValidator(_listed)]

Sources = Annotated[
    Texts,
    Field(description='Paths, folders, globs, "file:10-90" or @handles, as in ["src/**/*.py", "app.log"]'),
]


class Arguments(BaseModel):
    """Base of all arguments: nothing unknown is accepted, so that a typo is told and not ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Compress(Arguments):
    """Read sources through a question: the lines that matter, verbatim with path:lines, within a token
    budget. Use it in place of reading long or many files.
    """

    sources: Sources = ()
    query: str = Field("", description="What you need to know or change, as a sentence")
    budget_tokens: int = Field(2_000, description="Most tokens to answer with, 100 to 8000")
    detail: Detail = Field("verbatim", description="outline: headings and signatures; locations: places only")
    cursor: str = Field("", description="From an earlier answer, for the next lines; needs nothing else")


class Rerank(Arguments):
    """Where to look first: the best places for a question, with relevance 0 to 1 and one line each, not
    the text.
    """

    sources: Sources
    query: str = Field(description="What you look for, as a sentence")
    top_k: int = Field(10, description="How many places")
    unit: Unit = Field("passage", description="file ranks whole files by their best passage")


class Filter(Arguments):
    """Which sources stay: by relevance to a query, or sorted by the best of labels. Near-duplicates are
    folded.
    """

    sources: Sources
    query: str = Field("", description="Keep what is relevant to this; give query or labels")
    labels: Texts = Field((), description='Classes to sort sources into, as in ["bug report", "question"]')
    threshold: float | None = Field(None, description="Least relevance to keep, 0 to 1; .1 if left out")
    keep: int = Field(0, description="Keep the best n instead")
    dedupe: bool = Field(True, description="Drop near-duplicates of what is kept")


class Extract(Arguments):
    """Values out of sources, each with an exact quote and path:line, or "not found". Give fields, labels
    or entities.
    """

    sources: Sources
    fields: Texts = Field((), description='Name, or "name: what to find", as in ["port: where the server listens"]')
    labels: Texts = Field((), description="Kinds of statement to quote, as in risk or decision")
    entities: Texts = Field((), description="What to list by its form: date, email, url, ip, version, amount, path, …")


class Score(Arguments):
    """Relevance 0 to 1 of each source to a query, in the order given."""

    sources: Sources
    query: str = Field(description="What to judge by, as a sentence")
    model: str = Field(DEFAULT_MODEL, description="See tamis://models")


class Encode(Arguments):
    """Vectors of sources, written to a file; answers with its path, shape and norms, never with numbers of
    vectors.
    """

    sources: Sources
    model: str = Field(DEFAULT_MODEL, description="See tamis://models")
    kind: Kind = "dense"
    unit: Unit = "passage"
    similarity: bool = Field(False, description="Also give the cosines, where texts are few")


class Expand(Arguments):
    """Any part of an original, or of what an earlier answer left out, verbatim."""

    ref: str = Field(description='"@h_…", "@h_…/path" or "path:120-260"')
    question: str = Field("", description="Only what answers this")
    from_line: int = Field(0, description="Start at this line")
    max_tokens: int = Field(2_000, description="Most tokens to answer with, 100 to 8000")
