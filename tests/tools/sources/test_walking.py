"""Which files a folder or a glob brings, and in what order."""

import errno
import os
import shutil
import subprocess

import pytest

from tamis_tools.errors import NothingReadable, SourceError, SourceNotFound
from tamis_tools.pace import Pace
from tamis_tools.scope import Scope
from tamis_tools.sources.containment import Inside
from tamis_tools.sources.globs import globs
from tamis_tools.sources.walking import Walk


@pytest.fixture
def tree(reader):
    for path in ("a.py", "b.txt", "src/x.py", "src/x.ts", "src/deep/y.py", "src/deep/er/z.py", ".github/ci.yml"):
        reader.write(path)
    return reader


@pytest.mark.parametrize(
    ("glob", "expected"),
    [
        ("*.py", ["a.py"]),
        ("**/*.py", ["a.py", "src/deep/er/z.py", "src/deep/y.py", "src/x.py"]),
        ("src/**", ["src/deep/er/z.py", "src/deep/y.py", "src/x.py", "src/x.ts"]),
        ("src/**/", ["src/deep/er/z.py", "src/deep/y.py", "src/x.py", "src/x.ts"]),
        ("src/**/deep/**/z.*", ["src/deep/er/z.py"]),
        ("**/deep/*.py", ["src/deep/y.py"]),
        ("s?c/[xy].*", ["src/x.py", "src/x.ts"]),
        ("src/x.{ts,py}", ["src/x.ts", "src/x.py"]),
        ("{src,.github}/*", ["src/x.py", "src/x.ts", ".github/ci.yml"]),
        ("./src/./*.ts", ["src/x.ts"]),
        ("src/../src/*.ts", ["src/x.ts"]),
        ("**/**/**/ci.yml", [".github/ci.yml"]),
    ],
)
def test_a_glob_matches(tree, glob, expected):
    assert tree.addresses(glob) == expected


def test_a_folder_is_walked_in_one_order(tree):
    assert tree.addresses(".") == [
        ".github/ci.yml",
        "a.py",
        "b.txt",
        "src/deep/er/z.py",
        "src/deep/y.py",
        "src/x.py",
        "src/x.ts",
    ]


def test_an_absolute_glob_inside_the_root_works(tree):
    assert tree.addresses(f"{tree.root}/src/*.ts") == ["src/x.ts"]


def test_what_others_put_there_is_passed_by_unless_named(reader):
    for path in (".git/config", "node_modules/m/i.js", "p/__pycache__/c.py", "env/pyvenv.cfg", "env/lib/l.py", "a.py"):
        reader.write(path)
    assert reader.addresses(".") == ["a.py"] == reader.addresses("**/*.*")
    assert reader.addresses("node_modules/m") == ["node_modules/m/i.js"] == reader.addresses("**/node_modules/**/*.js")
    assert reader.addresses("env/lib") == ["env/lib/l.py"]


def test_gitignore_rules_hold_from_the_top_down(reader):
    reader.write(".gitignore", "\ufeff# comment\n*.log\n/build/\n!keep.log\ndocs/*.tmp\n")
    reader.write("src/.gitignore", "!wanted.log\n*.gen\n")
    kept = ["keep.log", "src/a.txt", "src/wanted.log", "src/docs/x.tmp", "src/build/y"]
    gone = ["a.log", "build/x", "src/b.log", "src/c.gen", "docs/x.tmp", "src/deep/d.gen"]
    for path in kept + gone:
        reader.write(path)
    found = [address for address in reader.addresses(".") if ".gitignore" not in address]
    assert sorted(found) == sorted(kept)
    assert "src/c.gen" not in reader.addresses("src")


def test_a_repository_inside_starts_anew(reader):
    reader.write(".gitignore", "*.txt\n")
    reader.write("inner/.git/info/exclude", "*.md\n")
    reader.write("inner/a.txt")
    reader.write("inner/b.md")
    assert reader.addresses("inner") == ["inner/a.txt"]


@pytest.mark.parametrize("spec", ["build/x.py", "build", "build/*.py", "build/deep/*"])
def test_an_ignored_file_or_folder_is_read_when_named(reader, spec):
    reader.write(".gitignore", "build/\n")
    reader.write("build/x.py")
    reader.write("build/deep/y.py")
    assert reader.addresses(spec)


def test_a_glob_that_only_meets_ignored_files_says_so(reader):
    reader.write(".gitignore", "*.log\n")
    reader.write("a.log")
    with pytest.raises(SourceNotFound, match=r"1 on the way are ignored by .gitignore; name a file or folder itself"):
        reader("*.log")
    (reader.root / "sub").mkdir()
    reader.write("sub/b.log")
    with pytest.raises(NothingReadable, match=r"1 ignored by .gitignore; name a file or folder itself"):
        reader("sub")


def test_ignore_rules_agree_with_git(reader):
    git = shutil.which("git")
    assert git, "the tests need git"
    reader.write(
        ".gitignore", "*.o\n/dist\nlogs/**/debug.log\n!important.o\ntemp?\n[Bb]in/\n**/cache/\n\\#odd\nsp ace\n"
    )
    reader.write("lib/.gitignore", "/local\n*.txt\n!/keep.txt\n")
    names = ["a.o", "important.o", "dist/x", "logs/debug.log", "logs/a/b/debug.log", "temp1", "temp12", "Bin/x"]
    names += ["x/bin/y", "x/cache/z", "cache", "#odd", "sp ace", "lib/local", "lib/x/local", "lib/n.txt"]
    names += ["lib/keep.txt", "lib/x/keep.txt", "lib/dist/y", "lib/b.o", "main.c"]
    for name in names:
        reader.write(name)
    environment = {"PATH": os.environ["PATH"], "HOME": str(reader.root.parent), "GIT_CONFIG_NOSYSTEM": "1"}
    subprocess.run([git, "init", "-q"], cwd=reader.root, check=True, env=environment)
    listed = subprocess.run(
        [git, "ls-files", "--others", "--exclude-standard", "-z"],
        cwd=reader.root,
        check=True,
        capture_output=True,
        env=environment,
    )
    expected = listed.stdout.decode().rstrip("\0").split("\0")
    assert sorted(reader.addresses(".")) == sorted(expected)


def test_a_walk_ends_after_so_many_entries_and_says_so(tree):
    root = tree.root.resolve()
    walk = Walk(Scope((root,)), lambda: True, entries=5)
    assert [place.relative for place in walk.files(Inside(root, root))] == ["a.py", "b.txt"]
    assert walk.cut_short


def test_a_walk_ends_when_it_is_told_to(reader):
    for number in range(2_100):
        (reader.root / f"{number}").touch()
    root, asked = reader.root.resolve(), []
    walk = Walk(Scope((root,)), lambda: bool(asked.append("asked")))
    assert len(list(walk.files(Inside(root, root)))) == 2_100
    assert (asked, walk.cut_short) == (["asked"], True)


def test_a_walk_that_ran_out_of_time_is_told_and_what_it_found_is_pending(reader):
    for number in range(2_100):
        (reader.root / f"{number:04}").touch()
    reader.write("x/y.txt")
    reading = reader(".", pace=Pace(seconds=0))
    assert reading.notes[0].startswith("Not every folder was looked through")
    assert len(reading.pending) == 2_100


def test_a_glob_costs_only_the_folders_it_can_reach(tree):
    root = tree.root.resolve()
    walk = Walk(Scope((root,)), lambda: True, entries=100)
    (glob,) = globs("src/*.ts")
    base = Inside(root / glob.base, root)
    assert [place.relative for place in walk.files(base, glob)] == ["src/x.ts"]
    assert walk.entries == 96  # three entries of src, and src itself


def test_what_may_not_be_opened_is_told_when_named_and_counted_when_met(reader, monkeypatch):
    reader.write("a.txt")
    reader.write("b.txt")
    really_open = os.open

    def open_or_deny(path, *args, **kwargs):
        if path == "b.txt":
            raise PermissionError(errno.EACCES, "Permission denied")
        return really_open(path, *args, **kwargs)

    monkeypatch.setattr(os, "open", open_or_deny)
    assert reader(".").notes == ("1 file was skipped: it could not be opened.",)
    with pytest.raises(SourceError, match=r"b.txt may not be read by this user. Ask the user to change"):
        reader("b.txt")
