"""What each operation takes; values are checked where they are used, with errors that teach."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tamis_engine.protocol import DEFAULT_MODEL, Kind

Detail = Literal["verbatim", "outline", "locations"]
Unit = Literal["passage", "file"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CompressRequest:
    """The slices of `sources` that matter for `query`; with a `cursor`, the next ones of an earlier answer."""

    sources: tuple[str, ...] = ()
    query: str = ""
    budget_tokens: int = 2_000
    detail: Detail = "verbatim"
    cursor: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RerankRequest:
    """The `top_k` best addresses: passages, or whole files by their best passage."""

    sources: tuple[str, ...]
    query: str
    top_k: int = 10
    unit: Unit = "passage"


@dataclass(frozen=True, slots=True, kw_only=True)
class FilterRequest:
    """Which sources stay: by relevance to `query`, or by the best of `labels`.

    Kept are those that reach `threshold` (0 to 1; None is .1), or the best `keep` of them where
    that is set. With `dedupe`, near-duplicates of a kept source go.
    """

    sources: tuple[str, ...]
    query: str = ""
    labels: tuple[str, ...] = ()
    threshold: float | None = None
    keep: int = 0
    dedupe: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtractRequest:
    """Values for `fields` (a name, or `name: what to find`), for `labels`, or of `entities` (date, email, …)."""

    sources: tuple[str, ...]
    fields: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    entities: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreRequest:
    """Relevance of each source to `query`."""

    sources: tuple[str, ...]
    query: str
    model: str = DEFAULT_MODEL


@dataclass(frozen=True, slots=True, kw_only=True)
class EncodeRequest:
    """Vectors of the sources' passages, written to a file."""

    sources: tuple[str, ...]
    model: str = DEFAULT_MODEL
    kind: Kind = "dense"
    unit: Unit = "passage"
    similarity: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpandRequest:
    """A part of an original: `ref` is `@handle`, `@handle/path`, or `path:120-260`; or a question inside it."""

    ref: str
    question: str = ""
    from_line: int = 0
    max_tokens: int = 2_000
