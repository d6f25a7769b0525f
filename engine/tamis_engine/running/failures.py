"""Errors on their way to callers: what is not ours becomes a sentence, and is shown to whoever reads the log."""

from __future__ import annotations

import traceback
from contextlib import suppress

from tamis_engine.errors import EngineError


def told(error: BaseException) -> EngineError:
    """As a caller gets it."""
    if isinstance(error, EngineError):
        return error
    show(error)
    return EngineError(f"The engine failed on this request ({type(error).__name__}: {error}).")


def show(error: BaseException) -> None:
    """On stderr; a log that can't be written, as on a full disk, hurts nobody."""
    with suppress(OSError, ValueError):
        traceback.print_exception(error)
