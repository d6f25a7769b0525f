"""Rows that were computed before: what names one, what stays in memory, what is found again on disk."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import numpy as np
import pytest

from tamis_engine.operation import Input, LabelledInput, PairInput, Row, TextInput
from tamis_engine.running.rows import OVERHEAD_BYTES, RowCache, key

ROW_BYTES = 400 + OVERHEAD_BYTES


def row(number: int, size: int = 100) -> Row:
    return Row(np.full(size, number, np.float32), number, False)


def name(number: int) -> bytes:
    return key("model", "1", "dense", TextInput(str(number)))


def numbers(rows: dict[bytes, Row]) -> list[int]:
    return [found.tokens for found in rows.values()]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "rows.sqlite"


@pytest.fixture
def opened(path: Path) -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def test_a_key_is_another_for_everything_that_changes_the_numbers() -> None:
    asked: list[Input] = [
        TextInput("a"),
        TextInput("b"),
        TextInput("a", "query"),
        TextInput("a", "passage", "i"),
        PairInput("a", "passage"),
        PairInput("a", "passag", "e"),
        LabelledInput(("a", "b"), "c"),
        LabelledInput(("a",), "c"),
        LabelledInput(("a b",), "c"),
        LabelledInput(("a",), "c", threshold=0.0),
        LabelledInput(("a",), "c", share=0.0),
    ]
    keys = {key("m", "1", "dense", each) for each in asked}
    keys |= {key("n", "1", "dense", asked[0]), key("m", "2", "dense", asked[0]), key("m", "1", "sparse", asked[0])}
    assert len(keys) == len(asked) + 3


def test_text_that_is_not_valid_unicode_has_a_key_of_its_own() -> None:
    halves = "\ud83d" + "\ude00"
    assert key("m", "1", "dense", TextInput(halves)) != key("m", "1", "dense", TextInput("\U0001f600"))


def test_what_was_put_is_found_and_counted() -> None:
    cache = RowCache(None)
    cache.put_many({name(1): row(1), name(2): row(2)})
    assert numbers(cache.get_many([name(2), name(3), name(1), name(3)])) == [2, 1]
    assert (cache.hits, cache.misses) == (2, 1)


def test_memory_keeps_what_was_used_last() -> None:
    cache = RowCache(None, memory_bytes=2 * ROW_BYTES)
    cache.put_many({name(1): row(1), name(2): row(2)})
    cache.get_many([name(1)])
    cache.put_many({name(3): row(3)})
    assert numbers(cache.get_many([name(1), name(2), name(3)])) == [1, 3]
    assert cache.used_bytes == 2 * ROW_BYTES


def test_a_row_that_is_put_again_is_counted_once() -> None:
    cache = RowCache(None)
    cache.put_many({name(1): row(1)})
    cache.put_many({name(1): row(1)})
    assert cache.used_bytes == ROW_BYTES


def test_one_row_does_not_keep_the_batch_that_it_was_computed_in() -> None:
    cache = RowCache(None)
    batch = np.zeros((1000, 100), np.float32)
    cache.put_many({name(1): Row(batch[0], 1, False)})
    assert cache.get_many([name(1)])[name(1)].values.base is None


def test_rows_are_found_again_by_the_next_process_to_the_last_bit(path: Path) -> None:
    values = np.random.default_rng(0).standard_normal((7, 3)).astype(np.float32)
    shapes = {
        name(1): Row(values, 7, False),
        name(2): Row(np.float32(0.1) * np.ones((), np.float32), 2**31, True),
        name(3): Row(np.empty((0, 4), np.float32), 0, False),
        name(4): Row(values[:, 0], 1, False),
    }
    with closing(RowCache(path)) as cache:
        cache.put_many(shapes)
    with closing(RowCache(path)) as cache:
        found = cache.get_many(list(shapes))
        assert (cache.hits, cache.misses) == (4, 0)
    for each, kept in shapes.items():
        np.testing.assert_array_equal(found[each].values, kept.values, strict=True)
        assert (found[each].tokens, found[each].truncated) == (kept.tokens, kept.truncated)


def test_what_is_found_on_disk_is_in_memory_afterwards(path: Path) -> None:
    with closing(RowCache(path)) as cache:
        cache.put_many({name(1): row(1)})
    with closing(RowCache(path)) as cache:
        cache.get_many([name(1)])
        assert cache.used_bytes == ROW_BYTES


def test_texts_are_not_on_disk(path: Path) -> None:
    text = "a secret that nobody else may read"
    with closing(RowCache(path)) as cache:
        cache.put_many({key("m", "1", "dense", TextInput(text)): row(1)})
    assert text.encode() not in b"".join(file.read_bytes() for file in path.parent.iterdir())


def test_many_threads_may_read_and_write_at_once(path: Path, opened: ExitStack) -> None:
    cache = opened.enter_context(closing(RowCache(path, memory_bytes=20 * ROW_BYTES)))
    wrong: list[str] = []
    start = threading.Barrier(8)

    def work(mine: int) -> None:
        start.wait()
        for turn in range(30):
            cache.put_many({name(number): row(number) for number in range(mine * 5, mine * 5 + 10)})
            for each, found in cache.get_many([name(number) for number in range(50)]).items():
                if each != name(found.tokens) or not (found.values == found.tokens).all():
                    wrong.append(json.dumps([mine, turn]))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    cache.close()
    again = opened.enter_context(closing(RowCache(path)))
    assert sorted(numbers(again.get_many([name(number) for number in range(45)]))) == list(range(45))
