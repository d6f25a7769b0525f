"""What can go wrong in the engine; each class writes its own sentence.

EngineError
├── EngineUnavailable   the process that computes did not start, died or stopped answering
├── EngineBusy          too much is waiting already; says when to ask again
├── ModelNotFound       no model of that name, here or on the hub
├── ModelUnavailable    its files can't be had now: no network, gated, no room on the disk
├── ModelInvalid        the model's files are not what they must be
├── OutOfMemory         the model, or this one request, does not fit into memory
└── RequestInvalid      the request can't be served as it stands
"""

from difflib import get_close_matches


class EngineError(Exception):
    """Any failure of the engine that a caller should be told about."""


class EngineUnavailable(EngineError):
    """The process that computes did not start, died or stopped answering."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"The model engine is not available: {reason} Run `tamis doctor` to see what is missing.")


class ModelNotFound(EngineError):
    """No model of that name. `hint` says what to do where that is not to choose one of `known`."""

    def __init__(self, name: str, known: tuple[str, ...], hint: str = "") -> None:
        near = get_close_matches(name, known, n=1)
        hint = hint or (f"Did you mean {near[0]!r}?" if near else f"Known models: {', '.join(known)}.")
        super().__init__(f"No model named {name!r}. {hint}")


class EngineBusy(EngineError):
    """Too much is waiting already."""

    def __init__(self, waiting_tokens: int, retry_after_seconds: float) -> None:
        super().__init__(
            f"The engine is busy: about {waiting_tokens:,} tokens are waiting. "
            f"Ask again in {retry_after_seconds:.0f} s."
        )
        self.retry_after_seconds = retry_after_seconds


class ModelUnavailable(EngineError):
    """The model's files can't be had now."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"Model {name!r} can't be had: {reason}")


class OutOfMemory(EngineError):
    """The model, or this one request, does not fit into memory. The message says which, and both numbers."""


class ModelInvalid(EngineError):
    """The model's files are not what they must be."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"Model {name!r} can't be used: {reason}")


class RequestInvalid(EngineError):
    """The request can't be served as it stands."""
