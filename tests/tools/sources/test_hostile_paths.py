"""Paths that try to lead out, hang or confuse: always a clear message, and nothing outside the roots is ever read."""

import os
import socket
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tamis_tools.errors import (
    BadArgument,
    NothingReadable,
    OutsideRoots,
    SecretRefused,
    SourceError,
    SourceNotFound,
    TamisError,
)
from tamis_tools.sources import containment
from tamis_tools.sources.containment import Inside, opened

SENTINEL = "THE SENTINEL THAT NOBODY MAY READ"
REFUSED = r"is outside the allowed folders \[.*root\]. Ask the user to add --root; do not retry."


@pytest.mark.parametrize(
    "spec",
    [
        "../outside.txt",
        "sub/../../outside.txt",
        "missing/../../outside.txt",
        "./.././outside.txt:1",
        "../root-evil/x.txt",
        "../*.txt",
        "sub/../../*.txt",
        "../{outside,x}.txt",
        "/etc/passwd",
        "//etc/passwd",
        "/etc/*",
        "/",
        "~/.bashrc",
        "file:///etc/passwd",
        "file:///etc/pass%77d",
        "/proc/self/environ",
        "/dev/stdin",
        "/nowhere/at/all",
    ],
)
def test_a_path_that_leads_out_is_refused_whether_it_exists_or_not(reader, outside, spec):
    reader.write("sub/a.txt")
    evil = outside.parent / "root-evil"
    evil.mkdir()
    (evil / "x.txt").write_text(SENTINEL, encoding="utf-8")
    with pytest.raises(OutsideRoots, match=REFUSED):
        reader(spec)


def test_a_link_out_is_refused_when_named_and_counted_when_met(reader, outside):
    reader.write("a.txt")
    (reader.root / "link.txt").symlink_to(outside)
    (reader.root / "up").symlink_to(outside.parent)
    for spec in ("link.txt", "up/outside.txt", "up", "up/*.txt", f"up/{reader.root.name}/../outside.txt"):
        with pytest.raises(OutsideRoots):
            reader(spec)
    for spec in (".", "**", "*"):
        reading = reader(spec)
        assert [document.address for document in reading.documents] == ["a.txt"]
        assert reading.notes == ("2 files were skipped: they lead out of the allowed folders.",)


def test_a_link_inside_is_followed_to_the_file_and_read_once(reader):
    reader.write("real/a.txt")
    (reader.root / "link.txt").symlink_to(reader.root / "real" / "a.txt")
    (reader.root / "folder").symlink_to(reader.root / "real")
    assert reader.addresses("link.txt") == ["real/a.txt"] == reader.addresses(".") == reader.addresses("folder/*.txt")


def test_links_in_circles_end(reader):
    reader.write("a/a.txt")
    (reader.root / "a" / "again").symlink_to(reader.root)
    (reader.root / "x").symlink_to(reader.root / "y")
    (reader.root / "y").symlink_to(reader.root / "x")
    assert reader.addresses("**") == ["a/a.txt"] == reader.addresses("a/again/a")
    with pytest.raises(SourceError, match="x is a link that leads in a circle"):
        reader("x")


def test_a_link_to_nothing_is_told(reader):
    (reader.root / "broken").symlink_to(reader.root / "gone")
    with pytest.raises(SourceNotFound, match="broken is gone, or a link to nothing"):
        reader("broken")


@pytest.mark.parametrize("by_folder", [True, False])
def test_what_was_swapped_for_a_link_after_the_check_is_not_opened(reader, outside, by_folder, monkeypatch):
    monkeypatch.setattr(containment, "_BY_FOLDER", by_folder)
    reader.write("sub/outside.txt", "inside")
    root = reader.root.resolve()
    place = Inside(root / "sub" / "outside.txt", root)
    (root / "sub").rename(root / "old")
    (root / "sub").symlink_to(outside.parent)
    with pytest.raises((OSError, SourceError), match=r"sub|changed while it was opened"), opened(place):
        pass
    (root / "sub").unlink()
    (root / "sub").mkdir()
    (root / "sub" / "outside.txt").symlink_to(outside)
    with pytest.raises(SourceError, match="not a regular file"), opened(place):
        pass


def test_pipes_sockets_and_devices_are_refused_without_waiting_on_them(reader):
    reader.write("a.txt")
    os.mkfifo(reader.root / "pipe")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(os.path.relpath(reader.root / "socket"))
        for name in ("pipe", "socket"):
            with pytest.raises(SourceError, match=f"{name} is not a regular file but a device, pipe, socket"):
                reader(name)
        assert reader(".").notes == ("2 files were skipped: they could not be opened.",)
    reader.root = Path("/dev")
    with pytest.raises(SourceError, match="zero is not a regular file"):
        reader("zero")


@pytest.mark.parametrize("name", ["a\0b", "a\x1b[2Jb", "a\u202etxt", "a\ud800"])
def test_names_that_cannot_be_shown_are_refused(reader, name):
    with pytest.raises(BadArgument, match="holds a control character or half a surrogate pair") as raised:
        reader(name)
    assert str(raised.value).isascii()


def test_files_whose_names_cannot_be_shown_are_counted(reader):
    reader.write("a.txt")
    (reader.root / "link.txt").symlink_to(reader.write("b\nc.txt"))
    reader.write("d\u202etxt.exe")
    Path(os.fsdecode(os.fsencode(reader.root) + b"/caf\xe9.txt")).write_bytes(b"text")
    reading = reader(".")
    assert [document.address for document in reading.documents] == ["a.txt"]
    assert reading.notes == ("4 files were skipped: 3 have names that can't be shown, 1 could not be opened.",)
    with pytest.raises(SourceError, match=r"'b\\nc.txt' has a name that can't be shown. Ask the user to rename it"):
        reader("link.txt")


@pytest.mark.parametrize("spec", ["x" * 300, "/".join(["d"] * 1_500), "x" * 300 + "/*.py"])
def test_names_longer_than_a_system_allows_are_missing_not_a_crash(reader, spec):
    with pytest.raises(SourceNotFound, match="List the folder"):
        reader(spec)


@pytest.fixture
def deep(reader):
    """3,000 folders in each other, taken away again because pytest could not."""
    at = os.open(reader.root, os.O_RDONLY)
    for _ in range(3_000):
        os.mkdir("d", dir_fd=at)
        at = _moved(at, "d")
    yield reader
    for _ in range(3_000):
        at = _moved(at, "..")
        os.rmdir("d", dir_fd=at)
    os.close(at)


def _moved(at, name):
    there = os.open(name, os.O_RDONLY, dir_fd=at)
    os.close(at)
    return there


def test_a_tree_deeper_than_the_stack_is_walked_as_far_as_paths_go(deep):
    deep.write("a.txt")
    reading = deep("**/*.txt")
    assert [document.address for document in reading.documents] == ["a.txt"]
    assert reading.notes == ("1 file was skipped: it could not be opened.",)


@pytest.mark.parametrize(
    "spec", ["**/" * 200 + "*", "**/**/**/**/*", "*" * 2_000 + "b", "[" * 500, "**/*a*a*a*a*a*a*a*b"]
)
def test_a_glob_bomb_ends(reader, spec):
    for number in range(30):
        reader.write(f"{'d/' * (number % 6)}{'a' * 200}{number}.txt")
    with suppress(SourceNotFound):
        assert len(reader(spec).documents) == 30


def test_hostile_ignore_rules_end(reader):
    reader.write(".gitignore", "*a*a*a*a*a*a*a*a*a*a*b\n" + "**/" * 60 + "b\n[z-a]\n!\n\\\n[[:alpha:]]\n*.tmp\n")
    reader.write("a" * 240)
    reader.write("gone.tmp")
    assert reader.addresses("a*", ".") == ["a" * 240, ".gitignore"]


@pytest.mark.parametrize(
    "spec", [".env", ".ENV", "sub/.Env.Local", "id_rsa", "link.txt", ".aws/config", ".aws", "text.md"]
)
def test_secrets_are_refused_even_when_named(reader, spec):
    for path in (".env", ".ENV", "sub/.Env.Local", "id_rsa", ".aws/config"):
        reader.write(path, SENTINEL)
    reader.write("text.md", "Some words\n-----BEGIN OPENSSH PRIVATE KEY-----\nb3Bl\n")
    (reader.root / "link.txt").symlink_to(reader.root / ".env")
    with pytest.raises(SecretRefused, match=r"looks like a credential .* --allow-secrets .* do not retry"):
        reader(spec)
    assert reader(spec, allow_secrets=True).documents


def test_a_glob_for_secrets_finds_nothing_readable(reader):
    reader.write(".env", SENTINEL)
    reader.write("deploy/.env.production", SENTINEL)
    with pytest.raises(NothingReadable, match=r"they look like secrets. Ask the user to add --allow-secrets"):
        reader("**/.env*")


def test_a_secret_is_not_read_through_a_harmless_link_that_a_walk_meets(reader):
    reader.write("a.txt")
    reader.write("keys/id_rsa", SENTINEL)
    (reader.root / "notes.txt").symlink_to(reader.root / "keys" / "id_rsa")
    reading = reader(".")
    assert [document.address for document in reading.documents] == ["a.txt"]


_PART = st.sampled_from(
    [
        "..",
        ".",
        "*",
        "**",
        "?*",
        "[!x]*",
        "{..,a}",
        "root",
        "root-evil",
        "outside.txt",
        "up",
        "a",
        "link.txt",
        "~",
        "",
        "in",
    ]
)


@settings(max_examples=400, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(parts=st.lists(_PART, min_size=1, max_size=6), start=st.sampled_from(["", "/", "./", "file://", "tmp"]))
def test_nothing_outside_the_roots_is_ever_read(reader, outside, parts, start):
    if not (reader.root / "link.txt").is_symlink():
        evil = outside.parent / "root-evil"
        evil.mkdir()
        (evil / "a").write_text(SENTINEL, encoding="utf-8")
        reader.write("a/in", "inside")
        (reader.root / "link.txt").symlink_to(outside)
        (reader.root / "up").symlink_to(outside.parent)
        (reader.root / "a" / "up").symlink_to("../..")
    prefix = f"{outside.parent}/" if start == "tmp" else start
    documents, told = _documents_or_error(reader, prefix + "/".join(parts))
    assert SENTINEL not in told
    for document in documents:
        assert SENTINEL not in document.text
        assert document.path is not None
        assert document.path.resolve().is_relative_to(reader.root.resolve())


def _documents_or_error(reader, spec):
    try:
        return reader(spec).documents, ""
    except TamisError as error:
        return (), str(error)
