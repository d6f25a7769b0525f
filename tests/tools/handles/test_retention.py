import os
from pathlib import Path

import pytest

from tamis_tools.document import Document
from tamis_tools.handles import HandleStore, Retention
from tests.fakes import Clock

DAY = 86_400.0


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "handles"


def aged_store(folder: Path, soft_bytes: int, hard_bytes: int = 10**9) -> tuple[HandleStore, Clock]:
    clock = Clock(1_800_000_000.0)
    return HandleStore(folder, clock, Retention(soft_bytes, hard_bytes, DAY)), clock


def alive(store: HandleStore, refs: list[str]) -> list[bool]:
    return [(store.folder / "records" / f"{ref[3:]}.json").exists() for ref in refs]


def put_some(store: HandleStore, clock: Clock, count: int) -> list[str]:
    refs: list[str] = []
    for number in range(count):
        clock.now += 60
        refs.append(store.put([Document(f"{number}", f"{number}" * 10_000)]))
    return refs


def test_past_the_soft_cap_what_was_not_used_for_a_day_goes_the_oldest_first(folder: Path) -> None:
    store, clock = aged_store(folder, soft_bytes=35_000)
    refs = put_some(store, clock, 3)
    clock.now += 2 * DAY
    store.put([Document("more", "m" * 10_000)])
    assert alive(store, refs) == [False, True, True]


def test_reading_counts_as_use(folder: Path) -> None:
    store, clock = aged_store(folder, soft_bytes=35_000)
    refs = put_some(store, clock, 3)
    clock.now += 2 * DAY
    assert store.get(refs[0]).query == ""
    clock.now += 60
    store.put([Document("more", "m" * 10_000)])
    assert alive(store, refs) == [True, False, True]
    assert store.get(refs[0]).documents[0].text == "0" * 10_000


def test_what_was_used_within_a_day_stays_past_the_soft_cap(folder: Path) -> None:
    store, clock = aged_store(folder, soft_bytes=1_000)
    refs = put_some(store, clock, 20)
    clock.now += DAY - 60 * 30
    store.put([Document("notes", "x")])
    assert all(store.get(ref).documents for ref in refs)


def test_past_the_hard_cap_even_young_entries_go_the_oldest_first(folder: Path) -> None:
    store, clock = aged_store(folder, soft_bytes=1_000, hard_bytes=35_000)
    refs = put_some(store, clock, 6)
    assert alive(store, refs) == [False, False, False, True, True, True]
    assert store.get(refs[-1]).documents[0].text == "5" * 10_000


def test_what_a_dead_writer_left_goes_after_an_hour(folder: Path) -> None:
    store, clock = aged_store(folder, soft_bytes=16)
    (folder / "texts").mkdir(parents=True)
    old, new = folder / "texts" / "old.unfinished", folder / "texts" / "new.unfinished"
    for path, age in ((old, 3_601), (new, 3_599)):
        path.write_bytes(b"half")
        os.utime(path, (clock.now - age, clock.now - age))
    store.put([Document("notes", "x")])
    assert (old.exists(), new.exists()) == (False, True)


def test_what_another_process_is_writing_stays_past_every_cap(folder: Path) -> None:
    store, clock = aged_store(folder, soft_bytes=16, hard_bytes=16)
    (folder / "texts").mkdir(parents=True)
    writing = folder / "texts" / "new.unfinished"
    writing.write_bytes(b"half of a long text")
    os.utime(writing, (clock.now - 1, clock.now - 1))
    store.put([Document("notes", "x")])
    assert writing.exists()


def test_a_text_that_an_older_handle_shares_is_not_lost_with_it(folder: Path) -> None:
    store, clock = aged_store(folder, soft_bytes=12_000)
    old = store.put([Document("old", "shared" * 1_000)])
    clock.now += 2 * DAY
    new = store.put([Document("new", "shared" * 1_000)])
    store.put([Document("more", "m" * 10_000)])
    assert alive(store, [old, new]) == [False, True]
    assert store.get(new).documents[0].text == "shared" * 1_000
