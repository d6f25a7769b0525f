"""The budget, what limits it, what models took before, and giving memory back."""

from __future__ import annotations

import gc
import os
import sys
import threading
import weakref
from dataclasses import replace
from pathlib import Path

import pytest

from tamis_engine.models.spec import Network, Spec, Text
from tamis_engine.running.memory import (
    Footprints,
    available_bytes,
    cgroup_rooms,
    default_budget_bytes,
    parsed_budget_bytes,
    release,
    resident_bytes,
    shown,
)

SPEC = Spec("a/b", Path(), "1", Network({}, ()), Text(512), {}, footprint_bytes=70)


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("2GB", 2_000_000_000),
        ("512MiB", 512 * 2**20),
        ("1.5 gib", 3 * 2**29),
        (" 100kB ", 100_000),
        ("1TiB", 2**40),
        ("40%", 400),
        ("100 %", 1000),
    ],
)
def test_a_budget_is_said_as_people_say_it(said: str, meant: int) -> None:
    assert parsed_budget_bytes(said, 1000) == meant


@pytest.mark.parametrize("said", ["", "2", "GB", "-2GB", "0MB", "0%", "101%", "2G", "2 GB or so", "1e9GB", "nan%"])
def test_a_budget_that_makes_no_sense_is_a_sentence_with_examples(said: str) -> None:
    with pytest.raises(ValueError, match="2GB, 512MiB or 40%") as caught:
        parsed_budget_bytes(said, 1000)
    assert f"TAMIS_ENGINE_MEMORY is {said!r}." in str(caught.value)


def test_models_get_a_share_of_what_is_free() -> None:
    assert default_budget_bytes(1001) == 500
    assert default_budget_bytes(1001, 0.8) == 800


@pytest.mark.parametrize(
    ("size", "text"), [(0, "0 B"), (999, "999 B"), (1000, "1 kB"), (90_900_000, "90.9 MB"), (1_500_000_000, "1.5 GB")]
)
def test_sizes_are_shown_in_the_unit_that_suits_them(size: int, text: str) -> None:
    assert shown(size) == text


def cgroup(root: Path, lines: str, files: dict[str, str]) -> Path:
    """A root folder with a process in these groups."""
    contents = {"proc/self/cgroup": lines} | {f"sys/fs/cgroup/{name}": text for name, text in files.items()}
    for name, text in contents.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="ascii")
    return root


def group(folder: str, limit: str, usage: int, inactive: int, *, version: int = 2) -> dict[str, str]:
    names = ("memory.max", "memory.current") if version == 2 else ("memory.limit_in_bytes", "memory.usage_in_bytes")
    count = "inactive_file" if version == 2 else "total_inactive_file"
    texts = (f"{limit}\n", f"{usage}\n", f"anon 1\n{count} {inactive}\n")
    return {f"{folder}{name}": text for name, text in zip((*names, "memory.stat"), texts, strict=True)}


def test_a_limit_of_the_group_or_of_any_around_it_counts(tmp_path: Path) -> None:
    files = group("a/b/", "1000", 300, 50) | group("a/", "5000", 4500, 0) | group("", "max", 1, 0)
    assert sorted(cgroup_rooms(cgroup(tmp_path, "0::/a/b\n", files))) == [500, 750]


def test_a_container_sees_its_limit_though_its_path_is_the_hosts(tmp_path: Path) -> None:
    files = group("memory/", "1000", 300, 50, version=1)
    lines = "5:cpu,cpuacct:/docker/1\n4:memory:/docker/1\n"
    assert cgroup_rooms(cgroup(tmp_path, lines, files)) == [750]


def test_other_controllers_limit_no_memory(tmp_path: Path) -> None:
    assert cgroup_rooms(cgroup(tmp_path, "5:cpu:/\n", group("", "1000", 0, 0))) == []


def test_a_group_that_is_over_its_limit_has_no_room(tmp_path: Path) -> None:
    assert cgroup_rooms(cgroup(tmp_path, "0::/\n", group("", "10", 30, 0))) == [0]


def test_where_there_are_no_control_groups_nothing_is_limited(tmp_path: Path) -> None:
    assert cgroup_rooms(tmp_path) == []


def test_the_machine_has_some_memory_and_this_process_takes_some() -> None:
    assert available_bytes() > 0
    assert resident_bytes() > 10_000_000


def test_a_footprint_is_what_the_files_say_until_it_was_measured(tmp_path: Path) -> None:
    path = tmp_path / "cache" / "footprints.json"
    footprints = Footprints(path, "cpu", "float32")
    assert footprints.expected(SPEC) == 70
    footprints.remember(SPEC, 90)
    assert footprints.expected(SPEC) == Footprints(path, "cpu", "float32").expected(SPEC) == 90


def test_footprints_are_of_one_model_revision_device_and_precision(tmp_path: Path) -> None:
    path = tmp_path / "footprints.json"
    Footprints(path, "cpu", "float32").remember(SPEC, 90)
    assert Footprints(path, "cuda", "float32").expected(SPEC) == 70
    assert Footprints(path, "cpu", "bfloat16").expected(SPEC) == 70
    assert Footprints(path, "cpu", "float32").expected(replace(SPEC, revision="2")) == 70
    assert Footprints(path, "cpu", "float32").expected(replace(SPEC, name="a/c")) == 70


def test_processes_keep_each_others_footprints(tmp_path: Path) -> None:
    path = tmp_path / "footprints.json"
    one, other = Footprints(path, "cpu", "float32"), Footprints(path, "cpu", "float32")
    one.remember(SPEC, 90)
    other.remember(replace(SPEC, name="c"), 30)
    assert Footprints(path, "cpu", "float32").expected(SPEC) == 90
    assert os.listdir(tmp_path) == ["footprints.json"]


@pytest.mark.parametrize(
    "damage", [b"", b"{", b"[]", b"\xff\xfe", b"[" * 9999, b'{"a/b 1 cpu float32": "9"}', b'{"a/b 1 cpu float32": -9}']
)
def test_a_file_of_footprints_that_makes_no_sense_is_ignored_and_written_anew(tmp_path: Path, damage: bytes) -> None:
    path = tmp_path / "footprints.json"
    path.write_bytes(damage)
    footprints = Footprints(path, "cpu", "float32")
    assert footprints.expected(SPEC) == 70
    footprints.remember(SPEC, 90)
    assert Footprints(path, "cpu", "float32").expected(SPEC) == 90


def test_footprints_that_cannot_be_written_are_kept_for_this_run(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    footprints = Footprints(tmp_path / "file" / "footprints.json", "cpu", "float32")
    footprints.remember(SPEC, 90)
    assert footprints.expected(SPEC) == 90


def test_what_a_circle_of_references_holds_is_let_go() -> None:
    class Circle:
        def __init__(self) -> None:
            self.itself = self

    gc.disable()
    try:
        seen = weakref.ref(Circle())
        release()
    finally:
        gc.enable()
    assert seen() is None


def test_memory_of_small_pieces_goes_back_to_the_system() -> None:
    """glibc keeps what other threads than the first have freed."""
    taken: list[int] = []

    def work() -> None:
        pieces = [bytearray(1000) for _ in range(60_000)]
        taken.append(resident_bytes())
        del pieces[:-1]

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    release()
    assert taken[0] - resident_bytes() > 30_000_000 or sys.platform != "linux"
