"""What one connection may read: the folders that the user opened, and what was allowed beyond them."""

from __future__ import annotations

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
    resolved = tuple(_checked(Path(root)) for root in (roots or (".",)))
    return Scope(resolved, allow_urls, allow_secrets, limits or Limits())


def _checked(root: Path) -> Path:
    folder = root.expanduser().resolve()
    if not folder.is_dir():
        raise BadArgument(f"--root {root} is not a folder. Give a folder that exists.")
    if too_wide(folder, Path.home()):
        raise BadArgument(f"--root {root} is {folder}, which is too wide. Give the folder of a project, not / or home.")
    return folder


def too_wide(folder: Path, home: Path) -> bool:
    """True for a whole disk, the home folder and what holds it: nothing that a user means to open to an agent."""
    at = home.resolve()
    return folder in (at, *at.parents, Path(folder.anchor))
