"""The file that keeps rows: its SQL, and a row as bytes. Raises what SQLite and the system raise."""

from __future__ import annotations

import os
import platform
import sqlite3
import struct
import zlib
from collections.abc import Mapping, Sequence
from contextlib import closing, suppress
from hashlib import sha256
from pathlib import Path

import numpy as np

from tamis_engine.operation import Row

APPLICATION, SCHEMA = 0x74616D69, 1
SCRIPT = (
    "CREATE TABLE rows (key BLOB PRIMARY KEY, used INTEGER NOT NULL, packed BLOB NOT NULL)",
    "CREATE INDEX rows_by_use ON rows (used)",
)
HEAD = struct.Struct("<IIHH")
"""Checksum, tokens, truncated, dimensions; behind it the size of each dimension, then float32."""

LOCKED_SECONDS, CREATION_SECONDS = 0.25, 5.0
"""How long to wait for a file that another process has locked; longer while it may be busy making it."""
SPARE_SHARE = 0.1
"""Of the file: how much is made free at once."""
PAGE_BYTES = 8192
"""Holds five vectors of 384 dimensions; the usual half of it only two."""
LOG_BYTES = 4 * 2**20
RECORD_BYTES = 150
"""Of a row beside its values: the key, twice, and its place in both indices."""
KEYS_A_STATEMENT = 500


class _Foreign(sqlite3.DatabaseError):
    """The file is a database, but not one of ours."""


def file_name() -> str:
    """One for each schema, and for each machine where several share a home folder: the log works on one alone."""
    return f"rows-{SCHEMA}-{sha256(platform.node().encode()).hexdigest()[:8]}.sqlite"


def packed(key: bytes, row: Row) -> bytes:
    """The row as bytes, with a checksum: the database has none, and wrong numbers are worse than none."""
    values = np.asarray(row.values, "<f4")
    head = HEAD.pack(0, row.tokens, row.truncated, values.ndim)[4:]
    rest = head + struct.pack(f"<{values.ndim}I", *values.shape) + values.tobytes()
    return zlib.crc32(rest, zlib.crc32(key)).to_bytes(4, "little") + rest


def unpacked(key: bytes, packed: bytes) -> Row:
    """What `packed` was made of, not writable. Raises `ValueError` and `struct.error` where it is not whole."""
    checksum, tokens, truncated, dimensions = HEAD.unpack_from(packed)
    if checksum != zlib.crc32(memoryview(packed)[4:], zlib.crc32(key)):
        raise ValueError("the checksum is wrong")
    shape = struct.unpack_from(f"<{dimensions}I", packed, HEAD.size)
    values = np.frombuffer(packed, "<f4", offset=HEAD.size + 4 * dimensions)
    return Row(values.reshape(shape), tokens, bool(truncated))


def connected(path: Path) -> sqlite3.Connection:
    """To the store at `path`, made where there is none. Raises `sqlite3.Error` and `OSError`."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # only where it is not there: to close a file drops all locks that this process holds on it
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    connection = sqlite3.connect(path, LOCKED_SECONDS, isolation_level=None, check_same_thread=False)
    try:
        if not _is_ours(connection):
            _create(connection)
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute(f"PRAGMA journal_size_limit = {LOG_BYTES}")
    except BaseException:
        connection.close()
        raise
    return connection


def _is_ours(connection: sqlite3.Connection) -> bool:
    marks = ("PRAGMA application_id", "PRAGMA user_version")
    return [connection.execute(mark).fetchone()[0] for mark in marks] == [APPLICATION, SCHEMA]


def _create(connection: sqlite3.Connection) -> None:
    """Once, whoever else tries: they wait for the lock, and find it made."""
    connection.execute(f"PRAGMA busy_timeout = {int(CREATION_SECONDS * 1000)}")
    connection.execute(f"PRAGMA page_size = {PAGE_BYTES}")
    with connection:
        connection.execute("BEGIN IMMEDIATE")
        if not _is_ours(connection):
            if connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
                raise _Foreign("it is another program's, or of another version")
            for statement in (*SCRIPT, f"PRAGMA application_id = {APPLICATION}", f"PRAGMA user_version = {SCHEMA}"):
                connection.execute(statement)
    # locked: another process does the same
    with suppress(sqlite3.OperationalError):
        connection.execute("PRAGMA journal_mode = WAL")
    connection.execute(f"PRAGMA busy_timeout = {int(LOCKED_SECONDS * 1000)}")


def select(connection: sqlite3.Connection, keys: Sequence[bytes]) -> list[tuple[bytes, int, bytes]]:
    """Key, last use and packed row of those that are there."""
    found: list[tuple[bytes, int, bytes]] = []
    for start in range(0, len(keys), KEYS_A_STATEMENT):
        some = keys[start : start + KEYS_A_STATEMENT]
        marks = ",".join("?" * len(some))
        found += connection.execute(f"SELECT key, used, packed FROM rows WHERE key IN ({marks})", some)  # noqa: S608
    return found


def insert(connection: sqlite3.Connection, rows: Mapping[bytes, Row], now: int, disk_bytes: int) -> None:
    """All or none; none where they are more than the file may hold."""
    records = [(key, now, packed(key, row)) for key, row in rows.items()]
    # a page holds whole rows, so up to half of it stays empty
    incoming = sum(2 * len(record) + RECORD_BYTES for *_, record in records)
    if incoming > disk_bytes:
        return
    with connection:
        connection.execute("BEGIN IMMEDIATE")
        _make_room(connection, incoming, disk_bytes)
        connection.executemany("INSERT OR REPLACE INTO rows VALUES (?, ?, ?)", records)


def touch(connection: sqlite3.Connection, keys: Sequence[bytes], now: int) -> None:
    """They were used."""
    with connection:
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany("UPDATE rows SET used = ? WHERE key = ?", [(now, key) for key in keys])


def _make_room(connection: sqlite3.Connection, incoming: int, disk_bytes: int) -> None:
    """Some to spare, so that it is not done again for every row."""
    while (lacking := _used_bytes(connection) + incoming - disk_bytes) > 0:
        going: list[tuple[int]] = []
        with closing(connection.execute("SELECT rowid, length(packed) FROM rows ORDER BY used, rowid")) as oldest:
            for rowid, size in oldest:
                going.append((rowid,))
                lacking -= size
                if lacking <= -disk_bytes * SPARE_SHARE:
                    break
        if not going:
            return
        connection.executemany("DELETE FROM rows WHERE rowid = ?", going)


def _used_bytes(connection: sqlite3.Connection) -> int:
    marks = ("PRAGMA page_count", "PRAGMA freelist_count", "PRAGMA page_size")
    pages, unused, size = (connection.execute(mark).fetchone()[0] for mark in marks)
    return (pages - unused) * size


def is_broken(error: Exception) -> bool:
    """The file is at fault, for good."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return isinstance(error, _Foreign) or code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def set_aside(path: Path) -> None:
    """The last one is kept, for whoever wants to know. Raises `OSError`."""
    for end in ("", "-wal", "-shm"):
        with suppress(FileNotFoundError):
            path.with_name(path.name + end).replace(path.with_name(f"{path.name}.broken{end}"))
