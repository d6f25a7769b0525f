"""What one connection may read: the folders that the user opened, and what was allowed beyond them."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from tamis_tools.errors import BadArgument
from tamis_tools.limits import Limits


@dataclass(frozen=True, slots=True)
class Scope:
    """`roots` are resolved folders; the first one is where relative paths begin."""

    roots: tuple[Path, ...]
    allow_urls: bool = False
    allow_secrets: bool = False
    limits: Limits = field(default_factory=Limits)


def open_scope(
    roots: tuple[str, ...] = (),
    *,
    allow_urls: bool = False,
    allow_secrets: bool = False,
    limits: Limits | None = None,
) -> Scope:
    """A scope over `roots`, or over the working directory; refuses `/`, the home folder and what is no folder."""
    resolved = tuple(_checked(root) for root in (roots or (".",)))
    return Scope(resolved, allow_urls, allow_secrets, limits or Limits())


def _checked(root: str) -> Path:
    folder = _folder(root)
    if folder is None:
        raise BadArgument(f"--root {root} is not a folder. Give a folder that exists.")
    if why := too_wide(folder, home_folder()):
        raise BadArgument(
            f"--root {root} is {folder}, which {why}: too wide. Give the folder of a project, not / or home."
        )
    return folder


def _folder(root: str) -> Path | None:
    try:
        folder = as_typed(root).resolve()
        return folder if folder.is_dir() else None
    except FileNotFoundError:
        message = "The working directory is gone. Start in a folder that exists, or give --root in full."
        raise BadArgument(message) from None
    except (OSError, RuntimeError):  # links in a circle, or a longer name than there can be
        return None


def as_typed(text: str) -> Path:
    """The path with `~` as a shell has it; as it stands where that names nobody, or a user without a home."""
    path = Path(text)
    if text.startswith("~"):  # of the text: `./~` is a file, and a path forgets the difference
        with suppress(RuntimeError):
            return path.expanduser()
    return path


def home_folder() -> Path:
    """The user's home folder; the whole disk for one who has none."""
    try:
        return Path.home()
    except RuntimeError:
        return Path(os.sep).resolve()


def too_wide(folder: Path, home: Path) -> str:
    """Why a user can't mean to open a folder to an agent; empty where nothing is against it."""
    at = home.resolve()
    if folder == Path(folder.anchor):
        return "is a whole disk"
    if folder == at:
        return "is the home folder"
    return "holds the home folder" if folder in at.parents else ""
