"""What an engine does, whoever runs it: in this process, in a child process, or far away.

Requests and results are plain values, so that every implementation can send them over a wire.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol, Self

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Kind = Literal["dense", "sparse", "multivector"]
Role = Literal["query", "passage"]
ModelState = Literal["absent", "loading", "resident", "draining"]

DEFAULT_MODEL = "all-MiniLM-L6-v2"
"""The embedded encoder: shipped in the wheel, so it is there without a network."""


@dataclass(frozen=True, slots=True)
class EncodeRequest:
    """Texts to turn into vectors. `role` picks the model's prompt where it has one for each."""

    texts: tuple[str, ...]
    model: str = DEFAULT_MODEL
    kind: Kind = "dense"
    role: Role = "passage"


@dataclass(frozen=True, slots=True)
class EncodeResult:
    """`vectors` has shape (texts, dimensions), float32, each row of length 1.

    `tokens` counts the model's own tokens per text as given; where it passes the model's limit, the text
    was cut there and `truncated` says so.
    """

    vectors: NDArray[np.float32]
    tokens: tuple[int, ...]
    truncated: tuple[bool, ...]
    model: str


@dataclass(frozen=True, slots=True)
class ScoreRequest:
    """One query and the passages to judge against it."""

    query: str
    passages: tuple[str, ...]
    model: str = DEFAULT_MODEL


@dataclass(frozen=True, slots=True)
class ScoreResult:
    """`scores` has shape (passages,): the estimated probability of relevance, 0 to 1. Higher is better."""

    scores: NDArray[np.float32]
    truncated: tuple[bool, ...]
    model: str


@dataclass(frozen=True, slots=True)
class ExtractRequest:
    """Passages, and the labels (a name or a question each) to look for in every one of them."""

    labels: tuple[str, ...]
    passages: tuple[str, ...]
    model: str = DEFAULT_MODEL


@dataclass(frozen=True, slots=True)
class Extraction:
    """`passages[passage][start:end]` answers `label` with probability `score`."""

    passage: int
    start: int
    end: int
    label: str
    score: float


@dataclass(frozen=True, slots=True)
class ExtractResult:
    """What was found, best first within a label."""

    extractions: tuple[Extraction, ...]
    model: str


@dataclass(frozen=True, slots=True)
class ModelStatus:
    """One model as the engine sees it now; `footprint_bytes` is 0 while it is absent."""

    name: str
    state: ModelState
    dimensions: int
    max_tokens: int
    footprint_bytes: int
    licence: str


class Engine(Protocol):
    """Serves encode, score and extract. Every call may raise `EngineError`; cancelling a call is safe."""

    async def __aenter__(self) -> Self: ...

    async def __aexit__(self, *exc: object) -> None: ...

    async def encode(self, request: EncodeRequest) -> EncodeResult: ...

    async def score(self, request: ScoreRequest) -> ScoreResult: ...

    async def extract(self, request: ExtractRequest) -> ExtractResult: ...

    async def models(self) -> tuple[ModelStatus, ...]: ...

    async def ready(self) -> None:
        """Returns once the default model answers; starts what is needed. Raises `EngineUnavailable`."""
        ...
