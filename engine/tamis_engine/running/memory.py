"""How much memory models may take, what each took when it was last loaded, and giving it back to the system."""

from __future__ import annotations

import ctypes
import gc
import json
import os
import re
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tamis_engine.models.spec import Spec

SETTING, CACHE = "TAMIS_ENGINE_MEMORY", "TAMIS_ENGINE_CACHE"
"""Of the environment: how much models may take; the folder for what is kept between runs, or "off"."""
HOST_SHARE, DEVICE_SHARE = 0.5, 0.8
"""Of what is free: on a machine that other programs need too, and on an accelerator, where batches need room."""
PREFIXES = "kmgt"
ARENAS, ARENA_MAX = 2, -8
"""As malloc.h calls it."""


def default_budget_bytes(free_bytes: int, share: float = HOST_SHARE) -> int:
    """Where the user says nothing. `free_bytes` is what would be free without the models that are held now."""
    return int(free_bytes * share)


def parsed_budget_bytes(setting: str, free_bytes: int) -> int:
    """What the user says: "2GB", "512MiB", or "40%" of what is free. Raises `ValueError` with a sentence."""
    said = re.fullmatch(rf"(\d+(?:\.\d+)?) ?(?:(%)|([{PREFIXES}])(i?)b)", setting.strip().lower())
    if said:
        number, percent, prefix, binary = said.groups()
        unit = free_bytes / 100 if percent else (1024 if binary else 1000) ** (PREFIXES.index(prefix) + 1)
        if float(number) > 0 and not (percent and float(number) > 100):
            return int(float(number) * unit)
    raise ValueError(f"{SETTING} is {setting!r}. Say how much models may take, as 2GB, 512MiB or 40% of what is free.")


def shown(size_bytes: int) -> str:
    """In the unit that suits it, as the user would write it."""
    for power, unit in ((4, "TB"), (3, "GB"), (2, "MB"), (1, "kB")):
        if size_bytes >= 1000**power:
            return f"{size_bytes / 1000**power:.3g} {unit}"
    return f"{size_bytes} B"


def available_bytes() -> int:
    """What programs may still take on this machine, as the system sees it and as far as control groups allow."""
    # late: only who plans a budget needs it
    import psutil

    return max(0, min(psutil.virtual_memory().available, *cgroup_rooms()))


def cgroup_rooms(root: Path = Path("/")) -> list[int]:
    """What is left below each memory limit that this process is under; empty where there is none.

    Pages of files count as free where they are inactive, for the kernel drops them before it kills.
    """
    with suppress(OSError):
        lines = (root / "proc/self/cgroup").read_text(encoding="utf-8").splitlines()
        return [room for line in lines for folder in _cgroup_folders(root, line) for room in _room(folder)]
    return []


def _cgroup_folders(root: Path, line: str) -> Iterator[Path]:
    """The group that `line` names and all around it; the path may be one that only the host sees."""
    _, controllers, name = line.split(":", 2)
    if controllers and "memory" not in controllers.split(","):
        return
    mount = root / "sys/fs/cgroup" / ("memory" if controllers else "")
    folder = mount / name.lstrip("/")
    yield from (folder, *(parent for parent in folder.parents if parent.is_relative_to(mount)))


def _room(folder: Path) -> Iterator[int]:
    for limit, usage, inactive in (
        ("memory.max", "memory.current", "inactive_file"),
        ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
    ):
        # ValueError: "max", or a kernel that writes otherwise
        with suppress(OSError, ValueError):
            allowed = int((folder / limit).read_text(encoding="ascii"))
            used = int((folder / usage).read_text(encoding="ascii"))
            counts = dict(row.split() for row in (folder / "memory.stat").read_text(encoding="ascii").splitlines())
            yield max(0, allowed - used + int(counts.get(inactive, 0)))


def resident_bytes() -> int:
    """Of this process, now."""
    # late, as above
    import psutil

    return psutil.Process().memory_info().rss


def release() -> None:
    """Give memory that was freed back to the system, which glibc does not do by itself."""
    gc.collect()
    if sys.platform == "linux":
        # AttributeError: another C library
        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).malloc_trim(0)


def share_heaps() -> None:
    """For a process of our own, before it has threads: glibc gives each a heap of its own, and every load has a thread.

    What lies scattered in them can't be given back: after a few hundred swaps that was 250 MB.
    """
    if sys.platform == "linux":
        # AttributeError: another C library
        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).mallopt(ARENA_MAX, ARENAS)


class Footprints:
    """What models were measured to take on one device and in one precision, remembered between runs.

    A file that can't be read is as good as none; one that can't be written is left as it is. Of two processes that
    write at once, one loses, and measures again.
    """

    def __init__(self, path: Path, device: str, dtype: str) -> None:
        self._path, self._place = path, f"{device} {dtype}"
        self._writing = threading.Lock()  # the draft, for models may finish loading side by side
        self._measured = self._read()

    def expected(self, spec: Spec) -> int:
        """As measured, else as the files say; 0 where those do not either."""
        return self._measured.get(self._key(spec)) or spec.footprint_bytes

    def remember(self, spec: Spec, footprint_bytes: int) -> None:
        """From now on, and in later runs."""
        if self._measured.get(self._key(spec)) == footprint_bytes:
            return
        draft = self._path.with_name(f"{self._path.name}.{os.getpid()}")
        with self._writing, suppress(OSError):
            self._measured = {**self._read(), **self._measured, self._key(spec): footprint_bytes}
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            draft.write_text(json.dumps(self._measured, indent=1), encoding="utf-8")
            draft.replace(self._path)

    def _key(self, spec: Spec) -> str:
        return f"{spec.name} {spec.revision} {self._place}"

    def _read(self) -> dict[str, int]:
        found: Any = None
        # ValueError: not JSON, or not even text
        with suppress(OSError, ValueError, RecursionError):
            found = json.loads(self._path.read_text(encoding="utf-8"))
        if not isinstance(found, dict):
            return {}
        rows = cast("dict[str, Any]", found).items()
        return {name: size for name, size in rows if type(size) is int and size > 0}
