"""Where the clients of one user, machine and version meet their engine: files named after what all of them know.

Not in the runtime folder of the session: many MCP clients start a server with little more than HOME, and those
that differ in XDG_RUNTIME_DIR would each find an engine of their own.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import stat
from dataclasses import dataclass
from functools import cache
from pathlib import Path

WHAT_WE_ARE = ("*.py", "*.cpp", "*.h", "catalogue.json", "hashes.json")
LONGEST_SOCKET_PATH_BYTES = 100
"""macOS takes 103, Linux 107."""


class CannotShare(Exception):
    """No engine can be met here, though one may well run: the message says why."""


@dataclass(frozen=True, slots=True)
class Address:
    """`loopback`: a port of 127.0.0.1 and a key in a private file, where a socket can't be a file (Windows)."""

    folder: Path
    name: str
    loopback: bool = os.name == "nt"

    @property
    def meeting_point(self) -> Path:
        """The socket, or the file that says port and key; there while an engine listens, or was killed."""
        return self.folder / f"{self.name}.{'port' if self.loopback else 'sock'}"

    @property
    def log(self) -> Path:
        """What the engine says on stderr; begun anew by each."""
        return self.folder / f"{self.name}.log"

    @property
    def start_lock(self) -> Path:
        """Held by the client that starts an engine, until it listens."""
        return self.folder / f"{self.name}.start.lock"

    @property
    def life_lock(self) -> Path:
        """Held by the engine as long as it lives; whoever holds it owns the meeting point."""
        return self.folder / f"{self.name}.lock"


@dataclass(frozen=True, slots=True)
class Port:
    """What the file of a loopback address holds. The key is new with each engine and never travels."""

    number: int
    key: str

    def write(self, path: Path) -> None:
        """Readable for its owner alone, and there at once or not at all."""
        draft = path.with_suffix(".new")
        draft.unlink(missing_ok=True)
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            json.dump([self.number, self.key], file)
        draft.replace(path)

    @classmethod
    def read(cls, path: Path) -> Port:
        """Raises `OSError` and `ValueError`."""
        number, key = json.loads(path.read_text(encoding="utf-8"))
        return cls(number, key)


def here(folder: Path | None = None) -> Address:
    """Of this user, machine and version."""
    return Address(folder or default_folder(), identity())


def default_folder() -> Path:
    """Where engines are met unless the user says otherwise; the folder need not exist."""
    # late: only a caller that was given no folder needs it
    from platformdirs import user_cache_path

    return user_cache_path("tamis", appauthor=False) / "engine"


@cache
def identity() -> str:
    """The same for equal code and model on one machine: two versions live side by side, each with its clients.

    The machine is part of it, for home folders that several share over a network.
    """
    package = Path(__file__).parents[1]
    digest = hashlib.sha256(platform.node().encode())
    for path in sorted(path for pattern in WHAT_WE_ARE for path in package.rglob(pattern)):
        digest.update(path.read_bytes())
    # whether the kernel was built decides what computes
    digest.update(repr(sorted(path.name for path in package.glob("native/*.so"))).encode())
    return digest.hexdigest()[:16]


def prepare(address: Address) -> None:
    """Make the folder, for its owner alone. Raises `CannotShare` where it can't be made safe or named by a socket."""
    if not address.loopback and len(os.fsencode(address.meeting_point)) > LONGEST_SOCKET_PATH_BYTES:
        raise CannotShare(f"{address.meeting_point} is too long for a socket; TAMIS_ENGINE_FOLDER names another folder")
    try:
        address.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if os.name == "posix":
            _check_private(address.folder)
    except OSError as error:
        raise CannotShare(f"{address.folder} can't be used ({error})") from error


def _check_private(folder: Path) -> None:
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        raise CannotShare(f"{folder} is not a folder of yours")
    if stat.S_IMODE(found.st_mode) & 0o077:
        raise CannotShare(f"others may look into {folder} (chmod 700 helps)")
