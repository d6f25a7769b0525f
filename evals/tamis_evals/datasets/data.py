"""The folder of evaluation data: read by path, never copied; what was read is hashed for the record."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
from pathlib import Path
from typing import Any

VARIABLE = "TAMIS_EVAL_DATA"


class DataMissing(Exception):
    """The folder of evaluation data, or a file in it, is not there; the message says what to do."""


class Data:
    """Files by their path inside the folder. `hashes` holds the SHA-256 of every one that was read."""

    def __init__(self, folder: Path) -> None:
        if not folder.is_dir():
            raise DataMissing(f"There is no folder {folder}. Give the evaluation data with --data DIR or {VARIABLE}.")
        self.folder = folder
        self.hashes: dict[str, str] = {}

    @classmethod
    def find(cls, folder: str | None = None) -> Data:
        """The folder given, or that of the environment."""
        named = folder or os.environ.get(VARIABLE, "")
        if not named:
            raise DataMissing(f"Where is the evaluation data? Give --data DIR or set {VARIABLE}; see evals/README.md.")
        return cls(Path(named).expanduser().resolve())

    def bytes(self, path: str) -> bytes:
        """One file, unpacked where its name ends in .gz; raises `DataMissing`."""
        file = self.folder / path
        try:
            content = file.read_bytes()
        except OSError as error:
            raise DataMissing(f"{file} cannot be read ({error.strerror}). evals/README.md lists the data.") from error
        self.hashes[path] = hashlib.sha256(content).hexdigest()
        return gzip.decompress(content) if path.endswith(".gz") else content

    def text(self, path: str) -> str:
        """One file as UTF-8, with the line ends it has."""
        return self.bytes(path).decode("utf-8")

    def json(self, path: str) -> Any:
        """One JSON document."""
        return json.loads(self.bytes(path))

    def lines(self, path: str) -> list[Any]:
        """One JSON document a line."""
        return [json.loads(line) for line in self.text(path).splitlines() if line.strip()]

    def names(self, folder: str, pattern: str = "*") -> list[str]:
        """Paths of the files in a folder, in order of their names."""
        found = sorted(file for file in (self.folder / folder).glob(pattern) if file.is_file())
        return [file.relative_to(self.folder).as_posix() for file in found]
