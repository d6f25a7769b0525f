"""What the hub and its library say when something goes wrong, as the engine's own errors."""

from __future__ import annotations

import errno
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from tamis_engine.errors import EngineError, ModelNotFound, ModelUnavailable
from tamis_engine.models import catalogue

KEPT = ": what was fetched already is kept."
HOW_MODELS_ARE_NAMED = (
    "`tamis models` lists those that are known; others go by their name on the hub, owner/name, or the path of a "
    "folder, which begins with / or ~."
)


@contextmanager
def in_sentences(repo: str) -> Generator[None]:
    """Raises what happens inside as `ModelNotFound` or `ModelUnavailable`, with what to do."""
    import httpx2  # late: it comes with huggingface_hub, which is only imported where something is fetched
    from huggingface_hub.errors import HFValidationError

    try:
        yield
    except EngineError:
        raise
    except (OSError, httpx2.HTTPError, HFValidationError) as error:
        raise _as_engine_error(repo, error) from error


def is_folder(name: str) -> bool:
    """Whether it can be nothing but a folder's name."""
    return name.startswith("~") or Path(name).is_absolute()


def not_found(name: str) -> ModelNotFound:
    """With what may have been meant."""
    if is_folder(name):
        return ModelNotFound(name, (), "There is no such folder.")
    near = catalogue.suggestions(name)
    return ModelNotFound(name, tuple(near), "" if near else HOW_MODELS_ARE_NAMED)


def _as_engine_error(repo: str, error: Exception) -> EngineError:
    from huggingface_hub.errors import GatedRepoError, HFValidationError, RepositoryNotFoundError

    if isinstance(error, RepositoryNotFoundError | HFValidationError) and not isinstance(error, GatedRepoError):
        return not_found(repo)
    return ModelUnavailable(repo, _reason(repo, error))


def _reason(repo: str, error: Exception) -> str:
    from huggingface_hub import errors

    match error:
        case errors.GatedRepoError():
            return (
                f"it is gated. Accept its licence on https://huggingface.co/{repo} and set HF_TOKEN to a token of "
                "that account (or run `hf auth login`), then restart the engine (`tamis engine stop`)."
            )
        case errors.RevisionNotFoundError():
            return "the hub does not have the revision of it that Tamis knows. Update Tamis."
        case errors.HfHubHTTPError():
            return _answered(error.response.status_code)
        case errors.OfflineModeIsEnabled():
            return (
                "its files are not on this machine, and HF_HUB_OFFLINE keeps Tamis from fetching them. Unset it, or "
                "copy the model into the hub's cache from a machine with a network."
            )
        case OSError() if error.errno == errno.ENOSPC or error.filename:
            return _unwritten(error)
        case _:
            said = str(error).strip().partition("\n")[0] or type(error).__name__
            return f"the hub can't be reached ({said}). Check the network and HF_ENDPOINT, and try again{KEPT}"


def _unwritten(error: OSError) -> str:
    if error.errno == errno.ENOSPC:
        return f"the disk is full. Make room and try again{KEPT}"
    return f"{error.filename} can't be written ({error.strerror})."


def _answered(status: int) -> str:
    if status in (401, 403):
        return "the hub refuses the token in HF_TOKEN. Set one that may read this model, or none."
    if status == 429:
        return "the hub asks for fewer requests. Wait a few minutes, or set HF_TOKEN."
    return f"the hub answers {status}. Try again later{KEPT}"
