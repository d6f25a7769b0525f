"""A model's folder as what it says: JSON, names of weights and shapes; whatever is missing or odd is refused."""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, cast

from tamis_engine.errors import ModelInvalid

Json = dict[str, Any]
MAX_HEADER_BYTES = 100 * 2**20
"""As the safetensors library has it."""

WEIGHTS = (
    "model.safetensors",
    "model.safetensors.index.json",
    "pytorch_model.bin",
    "pytorch_model.bin.index.json",
)
"""In this order; an index stands for its shards."""


@dataclass(frozen=True, slots=True)
class Files:
    """What lies in `folder`, as the files of the model `name`."""

    name: str
    folder: Path

    def refuse(self, reason: str) -> ModelInvalid:
        """The error to raise."""
        return ModelInvalid(self.name, reason)

    def has(self, path: str) -> bool:
        """Whether there is such a file."""
        return self._at(path).is_file()

    def json(self, path: str, what_for: str) -> Json:
        """The object in a file that has to be there."""
        if not self.has(path):
            raise self.refuse(f"{path} is missing, which says {what_for}. {anew(self.folder)}")
        found = self.value(path)
        if not isinstance(found, dict):
            raise self.refuse(f"{path} holds no JSON object.")
        return cast("Json", found)

    def json_or_empty(self, path: str) -> Json:
        """The object in a file that may be there."""
        return self.json(path, "") if self.has(path) else {}

    def value(self, path: str) -> object:
        """Any JSON."""
        try:
            return json.loads(self._at(path).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise self.refuse(f"{path} can't be read ({error}).") from error

    def weights(self, sub: str = "") -> str:
        """The file of weights in the folder `sub`: the first of `WEIGHTS`; what an index names is there."""
        for name in WEIGHTS:
            path = within(sub, name)
            if self.has(path):
                for shard in self.shards(path):
                    if not self.has(shard):
                        raise self.refuse(f"{shard} is missing, a part of its weights. {anew(self.folder)}")
                return path
        where = f"its folder {sub!r}" if sub else "it"
        raise self.refuse(f"{where} holds no weights: expected one of {', '.join(WEIGHTS)}. {anew(self.folder)}")

    def shards(self, path: str) -> tuple[str, ...]:
        """The files that `path` stands for."""
        if not path.endswith(".index.json"):
            return (path,)
        names: Mapping[str, str] = self.json(path, "where its weights lie").get("weight_map", {})
        return tuple(within(str(PurePosixPath(path).parent), name) for name in sorted(set(names.values())))

    def shapes(self, path: str) -> dict[str, tuple[int, ...]]:
        """Of all tensors by name, out of the headers; nothing for a format that can't be read without its weights."""
        shapes: dict[str, tuple[int, ...]] = {}
        for shard in self.shards(path):
            if shard.endswith(".safetensors"):
                header = self._header(shard)
                shapes |= {name: tuple(each["shape"]) for name, each in header.items() if name != "__metadata__"}
        return shapes

    def size(self, path: str) -> int:
        """In bytes, of all that `path` stands for."""
        return sum(self._at(shard).stat().st_size for shard in self.shards(path))

    def revision(self) -> str:
        """The commit, where the folder is a snapshot of the hub's cache; else a hash of the files' names, sizes and
        times."""
        if self.folder.parent.name == "snapshots":
            return self.folder.name
        listed = hashlib.sha256()
        for path in _files_in(self.folder):
            facts = path.stat()
            line = f"{path.relative_to(self.folder).as_posix()}\0{facts.st_size}\0{facts.st_mtime_ns}\n"
            listed.update(line.encode("utf-8", "surrogateescape"))
        return f"local-{listed.hexdigest()[:32]}"

    def _header(self, path: str) -> Json:
        try:
            with self._at(path).open("rb") as file:
                (length,) = struct.unpack("<Q", file.read(8))
                if length > MAX_HEADER_BYTES:
                    raise ValueError("its header is too long")
                return json.loads(file.read(length))
        except (OSError, ValueError, struct.error) as error:
            raise self.refuse(f"{path} is no safetensors file ({error}). {anew(self.folder)}") from error

    def _at(self, path: str) -> Path:
        """Files may name others, but none outside of the folder."""
        if ".." in PurePosixPath(path).parts or Path(path).is_absolute():
            raise self.refuse(f"its files name {path!r}, which lies outside of its folder.")
        return self.folder / path


def anew(folder: Path) -> str:
    """What to do where a file is missing or damaged."""
    if folder.parent.name == "snapshots":
        return f"Delete {folder.parents[1]}, and the next use downloads it anew."
    return "Download the model again, whole."


def within(sub: str, name: str) -> str:
    """`name` in the folder `sub`, as the files of a model spell it."""
    return str(PurePosixPath(sub) / name)


def _files_in(folder: Path) -> Iterator[Path]:
    paths = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return (path for path in paths if not any(part.startswith(".") for part in path.relative_to(folder).parts))
