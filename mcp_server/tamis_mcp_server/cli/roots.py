"""Which folders a command may read: at a shell, a person names the files herself.

Without `--root` these are the working directory and the folder of every source that is named. Neither the home
folder nor a whole disk is ever opened, so a file that lies directly in one has to be piped in.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tamis_tools.errors import BadArgument
from tamis_tools.scope import too_wide
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
    roots = tuple(str(cwd / Path(root).expanduser()) for root in given) or _folders(sources, cwd, home)
    if roots and Path(roots[0]).resolve() == cwd.resolve():
        return Opened(roots, tuple(sources))
    return Opened(roots, tuple(_absolute(source, cwd) for source in sources))


def _folders(sources: Sequence[str], cwd: Path, home: Path) -> tuple[str, ...]:
    folders = [] if too_wide(cwd.resolve(), home) else [cwd.resolve()]
    for source in sources:
        folder = _folder_of(source, cwd)
        if folder is None or any(folder.is_relative_to(known) for known in folders):
            continue
        if too_wide(folder.resolve(), home):
            raise BadArgument(
                f"{source} would open {folder}, and Tamis opens neither the home folder nor a whole disk. "
                "Name a folder inside it; a single file that lies there can be piped: tamis ... - < FILE."
            )
        folders.append(folder)
    return tuple(map(str, folders))


def _folder_of(source: str, cwd: Path) -> Path | None:
    """The folder to open for a source; None where none is needed or none is there."""
    spec = parse(source)
    if not isinstance(spec, PathSpec):
        return None
    literal = cwd / Path(spec.text).expanduser()
    named = literal if literal.exists() else _before_wild(cwd / Path(spec.path).expanduser())
    at = named.resolve()
    folder = at if at.is_dir() else at.parent
    return folder if folder.is_dir() else None


def _before_wild(path: Path) -> Path:
    """The part of a glob that names a folder."""
    if path.exists():
        return path
    plain = path
    for part in (path, *path.parents):
        if _WILD & set(part.name):
            plain = part.parent
    return plain


def _absolute(source: str, cwd: Path) -> str:
    spec = parse(source)
    if not isinstance(spec, PathSpec) or spec.text.startswith("~"):
        return source
    return str(cwd / spec.text)
