"""What can go wrong in the engine; each class writes its own sentence.

EngineError
├── EngineUnavailable   the process that computes did not start, died or stopped answering
├── ModelNotFound       no model of that name
├── ModelInvalid        the model's files are not what they must be
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
    """No model of that name."""

    def __init__(self, name: str, known: tuple[str, ...]) -> None:
        near = get_close_matches(name, known, n=1)
        hint = f"Did you mean {near[0]!r}?" if near else f"Known models: {', '.join(known)}."
        super().__init__(f"No model named {name!r}. {hint}")


class ModelInvalid(EngineError):
    """The model's files are not what they must be."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"Model {name!r} can't be used: {reason}")


class RequestInvalid(EngineError):
    """The request can't be served as it stands."""
