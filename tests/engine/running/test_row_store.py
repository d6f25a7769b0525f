"""The file of rows: shared by processes, killed in the middle, broken, locked, foreign, full."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import numpy as np
import pytest

from tamis_engine.operation import Row
from tamis_engine.running.row_store import PENDING_BYTES, TOUCH_SECONDS, RowStore

Open = Callable[..., RowStore]
WRITER = Path(__file__).with_name("row_writer.py")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "rows.sqlite"


@pytest.fixture
def opened(path: Path) -> Iterator[Open]:
    with ExitStack() as stack:

        def opened(path: Path = path, disk_bytes: int = 2**26, **options: Callable[[], float]) -> RowStore:
            return stack.enter_context(closing(RowStore(path, disk_bytes, **options)))

        yield opened


def rows(*numbers: int, size: int = 384) -> dict[bytes, Row]:
    return {str(number).encode(): Row(np.full(size, number, np.float32), number, False) for number in numbers}


def found(store: RowStore, numbers: range) -> list[int]:
    """Those that are there, whole."""
    got = store.get_many([str(number).encode() for number in numbers])
    assert all((row.values == row.tokens).all() and name == str(row.tokens).encode() for name, row in got.items())
    return sorted(row.tokens for row in got.values())


def kept(opened: Open, *numbers: int, **options: Callable[[], float]) -> None:
    store = opened(**options)
    store.put_many(rows(*numbers))
    store.close()


def writer(path: Path, first: int, batches: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-P", str(WRITER), str(path), str(first), str(batches)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8")


def test_processes_share_one_file_though_they_start_at_once(path: Path, opened: Open) -> None:
    processes = [writer(path, 1000 * number, 20) for number in range(3)]
    said = [process.communicate(timeout=60) for process in processes]
    assert [errors for _, errors in said] == [""] * 3
    everything = [first + number for first in (0, 1000, 2000) for number in range(200)]
    assert found(opened(), range(3000)) == everything


def test_a_process_that_is_killed_leaves_a_file_that_is_whole(path: Path, opened: Open) -> None:
    with writer(path, 0, 10_000) as process:
        assert process.stdout
        lines = [process.stdout.readline() for _ in range(5)]
        process.kill()
    assert lines[-1] == "4\n"
    assert set(range(50)) <= set(found(opened(), range(1000)))
    kept(opened, 5000)
    assert found(opened(), range(5000, 5001)) == [5000]
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_only_the_user_may_read_the_file(path: Path, opened: Open) -> None:
    store = opened()
    store.put_many(rows(1))
    store.close()
    assert stat.S_IMODE(path.stat().st_mode) & 0o177 == 0 or os.name == "nt"


@pytest.mark.parametrize("damage", [b"not a database, but some other file that was here before " * 100, b"\0" * 5000])
def test_a_file_that_is_no_database_is_set_aside_and_a_new_one_begun(
    path: Path, opened: Open, capfd: pytest.CaptureFixture[str], damage: bytes
) -> None:
    path.write_bytes(damage)
    kept(opened, 1)
    assert found(opened(), range(3)) == [1]
    assert path.with_name("rows.sqlite.broken").read_bytes() == damage
    assert capfd.readouterr().err.count("a new one is begun") == 1


def test_another_programs_database_is_set_aside_as_it_is(path: Path, opened: Open) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE rows (theirs)")
    kept(opened, 1)
    assert found(opened(), range(3)) == [1]
    with closing(sqlite3.connect(path.with_name("rows.sqlite.broken"))) as connection:
        assert connection.execute("SELECT name FROM pragma_table_info('rows')").fetchall() == [("theirs",)]


def test_damage_within_the_file_costs_rows_and_never_numbers(
    path: Path, opened: Open, capfd: pytest.CaptureFixture[str]
) -> None:
    kept(opened, *range(500))
    content = bytearray(path.read_bytes())
    content[8192::4001] = bytes(255 - byte for byte in content[8192::4001])
    path.write_bytes(content)
    for _ in range(2):
        store = opened()
        assert len(found(store, range(500))) < 500
        store.put_many(rows(1000))
        store.close()
    kept(opened, 1)
    assert found(opened(), range(1, 2)) == [1]


def test_a_row_whose_bytes_have_changed_is_not_there(path: Path, opened: Open) -> None:
    kept(opened, 1, 2)
    with closing(sqlite3.connect(path)) as connection, connection:
        ((packed,),) = connection.execute("SELECT packed FROM rows WHERE key = ?", (b"1",))
        connection.execute("UPDATE rows SET packed = ? WHERE key = ?", (packed[:-1] + b"\7", b"1"))
    assert found(opened(), range(3)) == [2]
    kept(opened, 1)
    assert found(opened(), range(3)) == [1, 2]


def test_a_locked_file_is_done_without_and_said_once(
    path: Path, opened: Open, capfd: pytest.CaptureFixture[str]
) -> None:
    kept(opened, 1)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("PRAGMA locking_mode = EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        other.execute("UPDATE rows SET used = 0")
        store = opened()
        assert found(store, range(3)) == []
        store.put_many(rows(2))
        assert found(store, range(3)) == []
        store.close()
    assert capfd.readouterr().err.count("database is locked") == 1


@pytest.mark.parametrize("in_the_way", ["folder", "file"])
def test_a_place_that_cannot_hold_a_file_is_done_without_and_said_once(
    path: Path, opened: Open, capfd: pytest.CaptureFixture[str], in_the_way: str
) -> None:
    if in_the_way == "folder":
        path.mkdir()
    else:
        path.write_text("", encoding="utf-8")
        path = path / "rows.sqlite"
    store = opened(path)
    store.put_many(rows(1))
    assert found(store, range(3)) == []
    store.close()
    assert capfd.readouterr().err.count("results are not kept in") == 1


def test_the_file_stays_within_its_size_and_the_oldest_use_goes(path: Path, opened: Open) -> None:
    time = iter(range(10_000))
    store = opened(disk_bytes=500_000, clock=lambda: next(time))
    for first in range(0, 1000, 50):
        store.put_many(rows(*range(first, first + 50)))
    store.close()
    assert path.stat().st_size <= 500_000
    left = found(opened(), range(1000))
    assert left == list(range(left[0], 1000))
    assert len(left) > 150


def test_what_was_read_long_after_it_was_kept_stays_longer(path: Path, opened: Open) -> None:
    now = [0.0]
    store = opened(disk_bytes=200_000, clock=lambda: now[0])
    store.put_many(rows(*range(50)))
    store.close()
    now[0] = TOUCH_SECONDS + 1
    store = opened(disk_bytes=200_000, clock=lambda: now[0])
    assert found(store, range(10)) == list(range(10))
    for first in range(100, 150, 10):
        store.put_many(rows(*range(first, first + 10)))
    store.close()
    left = found(opened(), range(50))
    assert left[:10] == list(range(10))
    assert 10 not in left


def test_a_read_soon_after_writes_nothing(path: Path, opened: Open) -> None:
    kept(opened, 1, clock=lambda: 1000)
    store = opened(clock=lambda: 1001)
    found(store, range(2))
    store.close()
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT used FROM rows").fetchall() == [(1000,)]


def test_more_than_the_file_may_hold_is_not_kept(opened: Open) -> None:
    store = opened(disk_bytes=100_000)
    store.put_many(rows(1))
    store.put_many(rows(2, size=100_000))
    store.close()
    assert found(opened(), range(3)) == [1]


def test_more_than_may_wait_is_not_kept_and_the_next_is(opened: Open) -> None:
    store = opened()
    store.put_many(rows(1, size=PENDING_BYTES // 4 + 1))
    store.put_many(rows(2))
    store.close()
    assert found(opened(), range(3)) == [2]


def test_nothing_is_found_or_kept_after_the_end(opened: Open) -> None:
    store = opened()
    store.put_many(rows(1))
    store.close()
    store.put_many(rows(2))
    assert found(store, range(3)) == []
    assert found(opened(), range(3)) == [1]
