"""Private files that appear whole or not at all, and whose times say when they were last used."""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from tamis_tools.handles.retention import Entry

if TYPE_CHECKING:
    from collections.abc import Iterator

_UNFINISHED = ".unfinished"


def make_folder(path: Path) -> None:
    """Make it where it is missing, for its owner alone."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)


def write(path: Path, data: bytes, now: float) -> None:
    """Write a file that only its owner may read; others see the old one or the whole new one.

    Nothing waits for the disk: after a power cut a file may be torn, so every reader checks a hash.
    """
    handle, name = tempfile.mkstemp(_UNFINISHED, dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        os.utime(name, (now, now))
        _put_in_place(Path(name), path)
    except BaseException:
        with suppress(OSError):
            Path(name).unlink()
        raise


def _put_in_place(written: Path, path: Path) -> None:
    try:
        written.replace(path)
    except PermissionError:
        # Windows refuses while someone reads the old file; a file's name is its content, so that one will do
        if not path.is_file():
            raise
        written.unlink()


def touch(path: Path, now: float) -> None:
    """Note that a file was used."""
    with suppress(OSError):
        os.utime(path, (now, now))


def listing(path: Path) -> Iterator[Entry]:
    """The files in a folder; those that vanish meanwhile are left out."""
    with suppress(OSError), os.scandir(path) as found:
        for item in found:
            with suppress(OSError):
                facts = item.stat(follow_symlinks=False)
                unfinished = item.name.endswith(_UNFINISHED)
                yield Entry(Path(item.path), facts.st_size, facts.st_mtime, unfinished)


def remove(entry: Entry) -> None:
    """Remove a file unless it was used since it was listed."""
    with suppress(OSError):
        if entry.path.lstat().st_mtime == entry.used:
            entry.path.unlink()
