"""Which folders a command may read: at a shell, a person names the files herself.

Without `--root` these are the working directory and the folder of every source that is named. Neither the home
folder nor a whole disk is ever opened, so a file that lies directly in one has to be piped in.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tamis_tools.errors import BadArgument
from tamis_tools.scope import as_typed, too_wide
from tamis_tools.sources.containment import is_folder
from tamis_tools.sources.specs import PathSpec, parse

if TYPE_CHECKING:
    from collections.abc import Sequence

_WILD = frozenset("*?[{")


@dataclass(frozen=True, slots=True)
class Opened:
    """Folders to open, and the sources in words that hold wherever the first folder is."""

    roots: tuple[str, ...]
    sources: tuple[str, ...]


def opened(sources: Sequence[str], given: Sequence[str], cwd: Path, home: Path) -> Opened:
    """Decide by what was typed; `given` are the values of `--root`, and final."""
    if not cwd.is_dir() and any(map(_hangs_on_cwd, sources)):
        raise BadArgument("The working directory is gone. Go to a folder that exists, or write paths in full.")
    roots = tuple(str(cwd / as_typed(root)) for root in given) or _folders(sources, cwd, home)
    if roots and Path(roots[0]).resolve() == cwd.resolve():
        return Opened(roots, tuple(sources))
    return Opened(roots, tuple(_absolute(source, cwd) for source in sources))


def _folders(sources: Sequence[str], cwd: Path, home: Path) -> tuple[str, ...]:
    folders = [] if too_wide(cwd.resolve(), home) or not cwd.is_dir() else [cwd.resolve()]
    for source in sources:
        folder = _folder_of(source, cwd)
        if folder is None or any(folder.is_relative_to(known) for known in folders):
            continue
        if why := too_wide(folder.resolve(), home):
            raise BadArgument(
                f"{source} would open {folder}, which {why} and is never opened. "
                "Name a folder inside it; a single file that lies there can be piped: tamis ... - < FILE."
            )
        folders.append(folder)
    return tuple(map(str, folders))


def _folder_of(source: str, cwd: Path) -> Path | None:
    """The folder to open for a source; None where none is needed or none is there."""
    spec = parse(source)
    if not isinstance(spec, PathSpec):
        return None
    named = (cwd / as_typed(meaning.address) for meaning in spec.meanings)
    path = next(filter(os.path.lexists, named), None) or _before_wild(cwd / as_typed(spec.meanings[-1].address))
    at = path.resolve()
    folder = at if is_folder(at) else at.parent
    return folder if is_folder(folder) else None


def _before_wild(path: Path) -> Path:
    """The part of a glob that names a folder."""
    plain = path
    for part in (path, *path.parents):
        if _WILD & set(part.name):
            plain = part.parent
    return plain


def _hangs_on_cwd(source: str) -> bool:
    spec = parse(source)
    return isinstance(spec, PathSpec) and not as_typed(spec.text).is_absolute()


def _absolute(source: str, cwd: Path) -> str:
    spec = parse(source)
    if not isinstance(spec, PathSpec) or spec.text.startswith("~"):
        return source
    return str(cwd / spec.text)
