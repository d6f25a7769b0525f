"""Which paths lie inside the folders that the user opened, and how a file there is opened without a way out.

A path is resolved through every link and compared with the roots by components. What is then opened is the
resolved path, component by component from its root, and no component may be a link: what was swapped for one
after the check is refused by the kernel, not raced against.
"""

from __future__ import annotations

import errno
import os
import stat
from contextlib import contextmanager
from dataclasses import dataclass
from functools import reduce
from operator import or_
from pathlib import Path
from typing import TYPE_CHECKING

from tamis_tools.errors import OutsideRoots, SourceError, SourceNotFound
from tamis_tools.scope import as_typed
from tamis_tools.sources.specs import as_address

if TYPE_CHECKING:
    from collections.abc import Generator

    from tamis_tools.scope import Scope


def _flags(*names: str) -> int:
    """Those of the flags that this system has."""
    return reduce(or_, (getattr(os, name, 0) for name in names), os.O_RDONLY)


_FILE = _flags("O_NOFOLLOW", "O_NONBLOCK", "O_CLOEXEC", "O_NOCTTY", "O_BINARY")
_FOLDER = _flags("O_NOFOLLOW", "O_DIRECTORY", "O_CLOEXEC", "O_PATH")
_BY_FOLDER = os.open in os.supports_dir_fd


@dataclass(frozen=True, slots=True)
class Inside:
    """A resolved path in one of the roots. `path` itself holds no links."""

    path: Path
    root: Path

    @property
    def relative(self) -> str:
        """The path from the root, in posix form; `.` for the root itself."""
        return self.path.relative_to(self.root).as_posix()


def anchor(text: str, scope: Scope) -> Path:
    """The path that `text` means, not resolved: relative ones begin at the first root, `~` is the home folder."""
    path = as_typed(text)
    if os.name == "nt":
        _refuse_windows_tricks(text, path, scope)
    return scope.roots[0] / path


def contain(path: Path, scope: Scope, given: str) -> Inside:
    """`path` resolved, if that lies in a root; says OutsideRoots about `given` otherwise."""
    resolved = Path(os.path.realpath(path))
    for root in scope.roots:
        if resolved.is_relative_to(root):
            return Inside(resolved, root)
    raise outside(given, scope)


def outside(given: str, scope: Scope) -> OutsideRoots:
    """The error for a path that leads out of the roots."""
    roots = ", ".join(map(str, scope.roots))
    return OutsideRoots(f"{given} is outside the allowed folders [{roots}]. Ask the user to add --root; do not retry.")


def is_folder(path: Path) -> bool:
    """Whether a folder is there; False also where the system can't say."""
    try:
        return path.is_dir()
    except OSError:
        return False


def address_of(place: Inside, scope: Scope) -> str:
    """What an agent passes to name the path again: from the first root if inside it, else absolute."""
    return as_address(place.relative if place.root == scope.roots[0] else place.path.as_posix())


@contextmanager
def opened(place: Inside) -> Generator[int]:
    """A descriptor of the regular file at `place`; raises OSError, or SourceError if it is no regular file."""
    if not stat.S_ISREG(place.path.lstat().st_mode):  # before opening: to open a device can already do something
        raise SourceError(_NOT_A_FILE)
    descriptor = _open_from_root(place) if _BY_FOLDER else _open_and_look_again(place)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise SourceError(_NOT_A_FILE)
        yield descriptor
    finally:
        os.close(descriptor)


_NOT_A_FILE = "is not a regular file but a device, pipe, socket or link. Pass a regular file"


def explain(given: str, error: Exception) -> SourceError:
    """What to tell about a path that could not be opened."""
    if isinstance(error, SourceError):
        return type(error)(f"{given} {error}.")
    code = error.errno if isinstance(error, OSError) else None
    if code == errno.ENOENT:
        return SourceNotFound(f"{given} is gone, or a link to nothing. List its folder and pass what is there.")
    reasons = {
        errno.EACCES: "may not be read by this user. Ask the user to change its permissions",
        errno.EPERM: "may not be read by this user. Ask the user to change its permissions",
        errno.ELOOP: "is a link that leads in a circle, or became one. Pass the file itself",
        errno.ENAMETOOLONG: "is longer than a path can be here. Check it",
    }
    return SourceError(f"{given} {reasons.get(code or 0, f'could not be read ({error}). Pass another source')}.")


def _open_from_root(place: Inside) -> int:
    *folders, name = place.path.relative_to(place.root).parts or (".",)
    at = os.open(place.root, _FOLDER)
    try:
        for folder in folders:
            inner = os.open(folder, _FOLDER, dir_fd=at)
            os.close(at)
            at = inner
        return os.open(name, _FILE, dir_fd=at)
    finally:
        os.close(at)


def _open_and_look_again(place: Inside) -> int:
    descriptor = os.open(place.path, _FILE)
    seen, now = os.fstat(descriptor), place.path.lstat()
    if (seen.st_dev, seen.st_ino) != (now.st_dev, now.st_ino) or Path(os.path.realpath(place.path)) != place.path:
        os.close(descriptor)
        raise SourceError("changed while it was opened. Try again")
    return descriptor


def _refuse_windows_tricks(text: str, path: Path, scope: Scope) -> None:
    """A share would be asked for our credentials before it is resolved; `file:stream` names hide from every rule."""
    on_a_share = path.drive.startswith("\\\\") and not any(path.drive == root.drive for root in scope.roots)
    if on_a_share or ":" in text.removeprefix(path.drive):
        raise outside(text, scope)
