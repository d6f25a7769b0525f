"""Carries out a change to a configuration file: keeps a backup, replaces in one step, loses nothing."""

from __future__ import annotations

import os
import shutil
import tempfile
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from tamis_mcp_server.install.errors import Contended, InstallError, Unreadable

if TYPE_CHECKING:
    from datetime import datetime

    from tamis_mcp_server.install.plan import Change


def real(path: Path) -> Path:
    """Where the file itself lies: dotfiles are often links into a repository, and a link must stay one."""
    return path.resolve() if path.is_symlink() else path


def read(path: Path) -> bytes | None:
    """The file's bytes, or None where there is no file."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise Unreadable(f"{path} can't be read: {error.strerror}. Nothing was changed.") from error


def backups(path: Path) -> list[bytes]:
    """What earlier changes replaced, newest first."""
    found = path.parent.glob(f"{path.name}.tamis-backup-*") if path.parent.is_dir() else ()
    return [backup.read_bytes() for backup in sorted(found, reverse=True)]


def apply(change: Change, now: datetime) -> Path | None:
    """Write the change; the path of the backup, where there was a file to keep. Raises `Contended`."""
    path = change.path
    if read(path) != change.before:
        raise Contended(f"{path} was changed by another program just now. Nothing was written; run this again.")
    try:
        return _write(change, now)
    except OSError as error:
        raise InstallError(f"{path} can't be written: {error.strerror}. Nothing was changed.") from error


def _write(change: Change, now: datetime) -> Path | None:
    path = change.path
    if change.after is None:
        path.unlink()
        return None
    path.parent.mkdir(parents=True, exist_ok=True)
    if change.before is None:
        with path.open("xb") as file:
            file.write(change.after)
        return None
    backup = _backup_path(path, now)
    _replace(backup, change.before, like=path)
    _replace(path, change.after, like=path)
    return backup


def _backup_path(path: Path, now: datetime) -> Path:
    stamp = f"{path.name}.tamis-backup-{now:%Y%m%dT%H%M%S}"
    names = (path.with_name(f"{stamp}-{number:02}" if number else stamp) for number in count())
    return next(name for name in names if not name.exists())


def _replace(path: Path, content: bytes, *, like: Path) -> None:
    """Write beside the file, then rename: whoever reads meanwhile sees the old or the new one, whole."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    written = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        shutil.copymode(like, written)
        written.replace(path)
    except OSError:
        written.unlink(missing_ok=True)
        raise
