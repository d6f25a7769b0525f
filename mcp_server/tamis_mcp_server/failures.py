"""Turns every failure of a call into one text that tells a model what to do next. Nothing else does."""

from __future__ import annotations

import logging

from tamis_engine.errors import EngineError
from tamis_tools.errors import TamisError

_log = logging.getLogger(__name__)

_LONGEST = 2_000


def explained(tool: str, error: Exception) -> str:
    """What the model reads. Expected errors speak for themselves; any other is logged with its traceback."""
    match error:
        case TamisError() | EngineError():
            text = str(error)
            # it may repeat a value of any size
            return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}… (shortened)"
        case ExceptionGroup(exceptions=[only]):
            return explained(tool, only)
        case _:
            _log.error("%s failed", tool, exc_info=error)
            return (
                f"{tool} failed because of a bug in Tamis, not because of your arguments. Nothing was lost: "
                "files and @handles are as they were. Read the source directly; the server's log has details."
            )
