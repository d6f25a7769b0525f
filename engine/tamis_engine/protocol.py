"""What an engine does, whoever runs it: in this process, in a child process, or far away.

Requests and results are plain values, so that every implementation can send them over a wire.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol, Self

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Kind = Literal["dense", "sparse", "multivector"]
Role = Literal["query", "passage"]
ModelState = Literal["absent", "loading", "resident", "draining", "parked"]
"""`parked`: out of the accelerator, in host memory, quick to come back."""
Ability = Literal["dense", "sparse", "multivector", "score", "extract"]
"""What a model does by itself; one with vectors scores and extracts by their likeness too."""

ANY_LENGTH_TOKENS = 2**20
"""The limit of models that have none; a request is bounded in bytes anyway."""

DEFAULT_MODEL = "all-MiniLM-L6-v2"
"""The embedded encoder: shipped in the wheel, so it is there without a network."""


@dataclass(frozen=True, slots=True)
class EncodeRequest:
    """Texts to turn into vectors. `role` picks the model's prompt where it has one for each.

    `instruction` replaces the task in the prompts of models that take one. `dimensions` keeps the first so many of
    a dense vector and sets it to length 1 again; 0 keeps all.
    """

    texts: tuple[str, ...]
    model: str = DEFAULT_MODEL
    kind: Kind = "dense"
    role: Role = "passage"
    instruction: str = ""
    dimensions: int = 0


@dataclass(frozen=True, slots=True)
class EncodeResult:
    """`vectors` is float32: of kind dense (texts, dimensions), each row of length 1; of kind multivector the
    vectors of all tokens, text by text; of kind sparse (entries, 2), vocabulary index and weight, text by text.

    `rows` says how many rows of `vectors` each text has; it is empty where that is one each (dense).
    `tokens` counts the model's own tokens per text as given; where it passes the model's limit, the text
    was cut there and `truncated` says so.
    """

    vectors: NDArray[np.float32]
    tokens: tuple[int, ...]
    truncated: tuple[bool, ...]
    model: str
    kind: Kind = "dense"
    rows: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class ScoreRequest:
    """One query and the passages to judge against it. `instruction` as in `EncodeRequest`."""

    query: str
    passages: tuple[str, ...]
    model: str = DEFAULT_MODEL
    instruction: str = ""


@dataclass(frozen=True, slots=True)
class ScoreResult:
    """`scores` has shape (passages,), 0 to 1, higher is better: the estimated probability of relevance where
    `calibrated`, else only good for ordering.
    """

    scores: NDArray[np.float32]
    truncated: tuple[bool, ...]
    model: str
    calibrated: bool = True
    tokens: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class ExtractRequest:
    """Passages, and the labels (a name or a question each) to look for in every one of them.

    `threshold` is the least probability, `share` the part of a passage that models keep which ask no question;
    left out, the model's own.
    """

    labels: tuple[str, ...]
    passages: tuple[str, ...]
    model: str = DEFAULT_MODEL
    threshold: float | None = None
    share: float | None = None


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
    """What was found, best first within a label. `truncated` says which passages were not read to their end."""

    extractions: tuple[Extraction, ...]
    model: str
    truncated: tuple[bool, ...] = ()


@dataclass(frozen=True, slots=True)
class ModelStatus:
    """One model as the engine sees it now; `footprint_bytes` is expected while it is absent (0: not known).

    `on_disk` is False where the first use downloads it. `failure` says why the last load failed, if it did;
    `what_for` what to take the model for, where somebody looked.
    """

    name: str
    state: ModelState
    dimensions: int
    max_tokens: int
    footprint_bytes: int
    licence: str
    abilities: tuple[Ability, ...] = ("dense",)
    on_disk: bool = True
    pinned: bool = False
    device: str = ""
    waiting: int = 0
    failure: str = ""
    what_for: str = ""


@dataclass(frozen=True, slots=True)
class Loading:
    """How far a load is: `done` of `total` bytes are there (both 0 while that is not known)."""

    model: str
    step: Literal["waiting for room", "downloading", "loading"]
    done: int = 0
    total: int = 0


OnProgress = Callable[[Loading], object]


class Engine(Protocol):
    """Serves encode, score and extract. Every call may raise `EngineError`; cancelling a call is safe."""

    async def __aenter__(self) -> Self: ...

    async def __aexit__(self, *exc: object) -> None: ...

    async def encode(self, request: EncodeRequest) -> EncodeResult: ...

    async def score(self, request: ScoreRequest) -> ScoreResult: ...

    async def extract(self, request: ExtractRequest) -> ExtractResult: ...

    async def models(self) -> tuple[ModelStatus, ...]:
        """The embedded model, the catalogue, and whatever else was asked for; starts and loads nothing."""
        ...

    async def ready(self, model: str = DEFAULT_MODEL, on_progress: OnProgress | None = None) -> None:
        """Returns once the model is resident; starts, downloads and loads what is needed.

        `on_progress` is called on the caller's event loop. Raises `EngineError`.
        """
        ...

    async def unload(self, model: str) -> None:
        """Let the model leave memory once nobody uses it; one that is absent is fine."""
        ...

    async def pin(self, model: str, pinned: bool = True) -> None:
        """Keep the model in memory, loading it if need be, or let it be evicted again. Raises `EngineError`."""
        ...
