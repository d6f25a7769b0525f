"""Which folders a command opens: what a person names, but never the home folder or a disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.mcp_server.cli.fakes import Desk


@pytest.fixture
def other(desk: Desk) -> Path:
    folder = desk.folder / "other"
    (folder / "deep").mkdir(parents=True)
    (folder / "deep" / "a.log").write_text("x\n", encoding="utf-8")
    return folder


def roots(desk: Desk, *sources: str, more: tuple[str, ...] = ()) -> list[Path]:
    said = desk.types("rerank", *sources, "-q", "q", *more)
    assert said.code == 0, said.err
    return list(desk.scopes[-1].roots)


def test_the_working_directory_is_open(desk: Desk) -> None:
    assert roots(desk, "app.py", "**/*.py", "text:a", "@h_x", "https://example.org/a") == [desk.cwd]


def test_the_folder_of_a_named_file_is_open_too(desk: Desk, other: Path) -> None:
    assert roots(desk, str(other / "deep" / "a.log")) == [desk.cwd, other / "deep"]


@pytest.mark.parametrize("source", ["{}/deep/a.log:1-2", "{}/deep/*.log", "{}/deep", "../../other/deep/a.log"])
def test_lines_globs_folders_and_relative_paths_name_a_folder_too(desk: Desk, other: Path, source: str) -> None:
    assert roots(desk, source.format(other)) == [desk.cwd, other / "deep"]


def test_a_glob_opens_the_folder_before_its_first_star(desk: Desk, other: Path) -> None:
    assert roots(desk, f"{other}/*/x/**/a.log") == [desk.cwd, other]


def test_a_link_opens_the_folder_that_it_leads_to(desk: Desk, other: Path) -> None:
    (desk.cwd / "link.log").symlink_to(other / "deep" / "a.log")
    assert roots(desk, "link.log") == [desk.cwd, other / "deep"]


def test_a_folder_is_opened_once(desk: Desk, other: Path) -> None:
    assert roots(desk, str(other), str(other / "deep" / "a.log"), f"{other}/deep/*.log") == [desk.cwd, other]


def test_a_missing_file_opens_its_folder_so_that_the_error_is_about_the_file(desk: Desk, other: Path) -> None:
    assert roots(desk, str(other / "gone.log"), str(other / "no" / "gone.log")) == [desk.cwd, other]


def test_given_roots_are_the_only_ones_and_paths_still_begin_where_the_person_stands(desk: Desk, other: Path) -> None:
    assert roots(desk, "app.py:1", str(other), more=("--root", str(other))) == [other]
    assert desk.asked[-1][1].sources == (str(desk.cwd / "app.py:1"), str(other))


def test_a_given_root_may_not_be_a_disk(desk: Desk) -> None:
    said = desk.types("rerank", "app.py", "-q", "q", "--root", "/")
    assert said.code == 2
    assert "too wide" in said.err


@pytest.mark.parametrize("wide", ["home", "disk"])
def test_in_the_home_folder_and_at_the_top_of_a_disk_deeper_sources_work(desk: Desk, other: Path, wide: str) -> None:
    project = desk.cwd
    desk.cwd = desk.home if wide == "home" else Path(desk.cwd.anchor)
    relative = (project / "app.py").relative_to(desk.cwd)
    assert roots(desk, str(other / "deep" / "a.log"), str(relative)) == [other / "deep", project]
    assert desk.asked[-1][1].sources == (str(other / "deep" / "a.log"), str(project / "app.py"))


def test_in_the_home_folder_a_handle_and_stdin_need_no_folder(desk: Desk) -> None:
    desk.cwd = desk.home
    assert len(roots(desk, "@h_x", "-")) == 1
    assert desk.types("expand", "@h_x").code == 0


@pytest.mark.parametrize("source", ["notes.txt", "*.txt", ".", "missing.txt", "{home}", "{home}/notes.txt:1"])
def test_a_source_directly_in_the_home_folder_is_refused_with_the_way_out(desk: Desk, source: str) -> None:
    (desk.home / "notes.txt").write_text("x\n", encoding="utf-8")
    desk.cwd = desk.home
    said = desk.types("rerank", source.format(home=desk.home), "-q", "q")
    assert said.code == 2
    assert str(desk.home) in said.err
    assert "tamis ... - <" in said.err
    assert not desk.asked


def test_a_folder_that_holds_the_home_folder_is_refused_for_what_it_is(desk: Desk) -> None:
    said = desk.types("rerank", str(desk.folder / "notes.txt"), "-q", "q")
    assert said.code == 2
    assert f"would open {desk.folder}, which holds the home folder and is never opened" in said.err


def test_a_user_who_is_nobody_is_told_in_a_sentence(desk: Desk) -> None:
    said = desk.types("rerank", "app.py", "-q", "q", "--root", "~nobody-of-that-name/code")
    assert said.code == 2
    assert "is not a folder" in said.err
    assert roots(desk, "~nobody-of-that-name/app.py", "x" * 300) == [desk.cwd]


def test_where_the_working_directory_is_gone_whole_paths_work_and_others_are_told(desk: Desk, other: Path) -> None:
    desk.cwd = desk.folder / "gone"
    assert roots(desk, str(other / "deep" / "a.log"), "@h_x") == [other / "deep"]
    said = desk.types("rerank", "app.py", "-q", "q")
    assert said.code == 2
    assert "The working directory is gone" in said.err


@pytest.mark.parametrize("place", [" p2", ":p2:1-9", "#page=2", "#L1-L2"])
def test_a_part_of_a_file_opens_its_folder(desk: Desk, other: Path, place: str) -> None:
    assert roots(desk, f"{other}/deep/a.log{place}") == [desk.cwd, other / "deep"]
