"""Rows on disk, in one SQLite file that several processes share.

A write-ahead log lets readers work beside the one who writes, and leaves the file whole after a kill. One thread
writes, so that nobody waits for the disk. Whatever is wrong with the file, the store says so once on stderr and goes
on without it: a row that is not found is computed again.
"""

from __future__ import annotations

import math
import sqlite3
import struct
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from typing import NamedTuple

from tamis_engine.operation import Row
from tamis_engine.running import row_file

REST_SECONDS = 60.0
"""How long the file is left alone after it was locked, or the disk full."""
TOUCH_SECONDS = 3600
"""A row's last use on record may be that old: so reads write next to nothing."""
CLOSING_SECONDS = 1.0
"""For what is not written yet; a process that ends has no more time."""
PENDING_BYTES = 32 * 2**20
"""Of rows that wait to be written; more are not kept."""


class RowStore:
    """Any thread may call it. `disk_bytes` bounds the file, not its log (some MB); what was unused longest goes first.

    Arrays that were given or gotten are shared: nobody may write to them.
    """

    def __init__(self, path: Path, disk_bytes: int, clock: Callable[[], float] = time.time) -> None:
        self._path, self._disk_bytes, self._clock = path, disk_bytes, clock
        self._off_until = 0.0
        self._said = False
        self._pending_bytes = 0
        self._counting = threading.Lock()  # _pending_bytes
        self._opening = threading.Lock()  # what lies at the path, while it is made or moved
        self._reading = threading.Lock()  # the readers' connection
        self._reader: sqlite3.Connection | None = None
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._writer = threading.Thread(target=self._write, name="tamis-row-store", daemon=True)
        self._writer.start()

    def get_many(self, keys: Sequence[bytes]) -> dict[bytes, Row]:
        """Those that are there."""
        rows: dict[bytes, Row] = {}
        old: list[bytes] = []
        for key, used, packed in self._read(keys):
            with suppress(ValueError, struct.error):
                rows[key] = row_file.unpacked(key, packed)
                if used < self._clock() - TOUCH_SECONDS:
                    old.append(key)
        if old:
            now = int(self._clock())
            self._jobs.put(_Job(partial(row_file.touch, keys=old, now=now)))
        return rows

    def put_many(self, rows: Mapping[bytes, Row]) -> None:
        """Soon; not at all while too much is waiting to be written."""
        size = sum(row.values.nbytes for row in rows.values())
        with self._counting:
            if self._off or self._pending_bytes + size > PENDING_BYTES:
                return
            self._pending_bytes += size
        insert = partial(row_file.insert, rows=dict(rows), now=int(self._clock()), disk_bytes=self._disk_bytes)
        self._jobs.put(_Job(insert, size))

    def close(self) -> None:
        """Once what is pending is written; afterwards nothing is found or kept."""
        self._jobs.put(None)
        self._writer.join(CLOSING_SECONDS)
        self._off_until = math.inf
        with self._reading:
            if self._reader:
                self._reader.close()

    @property
    def _off(self) -> bool:
        return time.monotonic() < self._off_until

    def _read(self, keys: Sequence[bytes]) -> list[tuple[bytes, int, bytes]]:
        with self._reading:
            if self._off or not keys:
                return []
            try:
                self._reader = self._reader or self._opened()
                return row_file.select(self._reader, keys)
            except (sqlite3.Error, OSError) as error:
                self._rest(error)
                return []

    def _write(self) -> None:
        """Until `close`."""
        connection = None
        while job := self._jobs.get():
            try:
                if not self._off:
                    connection = connection or self._opened()
                    job.work(connection)
            except (sqlite3.Error, OSError) as error:
                self._rest(error)
            with self._counting:
                self._pending_bytes -= job.size_bytes
        if connection:
            connection.close()

    def _opened(self) -> sqlite3.Connection:
        with self._opening:
            try:
                return row_file.connected(self._path)
            except sqlite3.DatabaseError as error:
                if not row_file.is_broken(error):
                    raise
                self._say(f"{self._path} is no file of results that can be read ({error}); a new one is begun.")
                row_file.set_aside(self._path)
                return row_file.connected(self._path)

    def _rest(self, error: Exception) -> None:
        """Until the file is free or the disk has room again; for good where the file is broken."""
        self._off_until = time.monotonic() + REST_SECONDS
        if row_file.is_broken(error):
            self._off_until = math.inf
            with self._opening, suppress(OSError):
                row_file.set_aside(self._path)
        self._say(f"results are not kept in {self._path} for now ({error}).")

    def _say(self, sentence: str) -> None:
        if not self._said:
            self._said = True
            with suppress(OSError, ValueError):  # the log may lie on the same full disk
                sys.stderr.write(f"tamis: {sentence}\n")


class _Job(NamedTuple):
    work: Callable[[sqlite3.Connection], None]
    size_bytes: int = 0
