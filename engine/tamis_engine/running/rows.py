"""Rows that were computed before, so that nothing is computed twice: some in memory, more on disk."""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import fields
from hashlib import sha256
from pathlib import Path

from tamis_engine.operation import Input, Row
from tamis_engine.running.row_store import RowStore

MEMORY_BYTES, DISK_BYTES = 64 * 2**20, 512 * 10**6
OVERHEAD_BYTES = 400
"""Key, array header, entry and link, beside the numbers themselves."""


def key(model: str, revision: str, operation: str, asked: Input) -> bytes:
    """Names a row without keeping the text. What else the numbers depend on belongs into `revision`."""
    parts = [model, revision, operation, type(asked).__name__, *(getattr(asked, part.name) for part in fields(asked))]
    # not in ASCII: that would write half an emoji and another half as the whole one
    return sha256(json.dumps(parts, ensure_ascii=False).encode("utf-8", "surrogatepass")).digest()


class RowCache:
    """Any thread may call it. Least recently used out first, in memory and on disk.

    Arrays that were given or gotten are shared: nobody may write to them.
    """

    def __init__(self, path: Path | None, memory_bytes: int = MEMORY_BYTES, disk_bytes: int = DISK_BYTES) -> None:
        self._store = RowStore(path, disk_bytes) if path else None
        self._memory_bytes = memory_bytes
        self._rows: OrderedDict[bytes, Row] = OrderedDict()
        self._lock = threading.Lock()  # everything here but the store, which has locks of its own
        self.used_bytes = 0
        self.hits = 0
        self.misses = 0

    def get_many(self, keys: Sequence[bytes]) -> dict[bytes, Row]:
        """Those that are there, which count as used now."""
        with self._lock:
            rows = {key: self._rows[key] for key in keys if key in self._rows}
            for key in rows:
                self._rows.move_to_end(key)
        missing = [key for key in dict.fromkeys(keys) if key not in rows]
        stored = self._store.get_many(missing) if self._store and missing else {}
        with self._lock:
            self._remember(stored)
            self.hits += len(rows) + len(stored)
            self.misses += len(missing) - len(stored)
        return {**rows, **stored}

    def put_many(self, rows: Mapping[bytes, Row]) -> None:
        """Keep them. Costs the caller no wait for the disk."""
        # a copy, so that one row kept does not keep its whole batch
        own = {key: _owned(row) for key, row in rows.items()}
        with self._lock:
            self._remember(own)
        if self._store and own:
            self._store.put_many(own)

    def close(self) -> None:
        """Once all is on disk."""
        if self._store:
            self._store.close()

    def _remember(self, rows: Mapping[bytes, Row]) -> None:
        for key, row in rows.items():
            if key in self._rows:
                self.used_bytes -= _size(self._rows.pop(key))
            self._rows[key] = row
            self.used_bytes += _size(row)
        while self.used_bytes > self._memory_bytes:
            self.used_bytes -= _size(self._rows.popitem(last=False)[1])


def _owned(row: Row) -> Row:
    return row if row.values.base is None else Row(row.values.copy(), row.tokens, row.truncated)


def _size(row: Row) -> int:
    return row.values.nbytes + OVERHEAD_BYTES
