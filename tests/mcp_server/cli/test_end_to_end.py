"""The real program in a process of its own, with the real engine and operations."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

TAMIS = [sys.executable, "-m", "tamis_mcp_server"]
CODE = "def retry(times):\n    # try again after a failure\n    return times\n\n\ndef paint(colour):\n    return 1\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path.resolve() / "project"
    folder.mkdir()
    (folder / "app.py").write_text(CODE, encoding="utf-8")
    (folder / "notes.md").write_text("# Colours\n\nThe house is painted blue – twice.\n", encoding="utf-8")
    return folder


def environment(folder: Path) -> dict[str, str]:
    """Ours, with home, caches and settings in a folder of the test's own."""
    home = str(folder.parent / "home")
    Path(home).mkdir(exist_ok=True)
    changed = ("HOME", "USERPROFILE", "APPDATA", "LOCALAPPDATA", "XDG_CACHE_HOME", "XDG_CONFIG_HOME")
    return {**os.environ, **dict.fromkeys(changed, home), "PYTHONWARNINGS": "default"}


def tamis(folder: Path, *argv: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [*TAMIS, *argv], cwd=folder, input=stdin, capture_output=True, env=environment(folder), check=False
    )


def test_compress_prints_one_object_whose_offsets_hold(project: Path) -> None:
    done = tamis(project, "compress", ".", "--query", "how often is it tried again", "--budget", "500", "--json")
    assert done.returncode == 0, done.stderr.decode()
    found = json.loads(done.stdout)
    assert found["query"] == "how often is it tried again"
    assert found["budget_tokens"] == 500
    assert found["tokens"] <= 500
    assert found["handle"].startswith("@h_")
    for piece in found["slices"]:
        text = (project / piece["source"]).read_text(encoding="utf-8")
        assert text[piece["start"] : piece["end"]] == piece["text"]


def test_rerank_prints_the_best_first(project: Path) -> None:
    done = tamis(project, "rerank", ".", "-q", "the colour of the house", "--top-k", "2", "--json")
    assert done.returncode == 0, done.stderr.decode()
    best = json.loads(done.stdout)["results"][0]
    assert best["source"] == "notes.md"
    assert set(best) == {"source", "start_line", "end_line", "score", "preview"}


def test_what_is_piped_in_is_read_like_a_file(project: Path) -> None:
    done = tamis(project, "compress", "-", "-q", "what was refused", stdin="ERROR: café refused\n".encode())
    assert done.returncode == 0, done.stderr.decode()
    assert "ERROR: café refused" in done.stdout.decode("utf-8")


def test_a_missing_file_is_code_3_and_one_line(project: Path) -> None:
    done = tamis(project, "rerank", "ap.py", "-q", "q")
    assert (done.returncode, done.stdout) == (3, b"")
    assert b"app.py" in done.stderr
    assert done.stderr.count(b"\n") == 1


def test_a_budget_that_is_too_small_is_code_2(project: Path) -> None:
    done = tamis(project, "compress", "app.py", "-q", "q", "--budget", "1")
    assert done.returncode == 2
    assert done.stderr.startswith(b"tamis: ")


def test_doctor_finds_a_working_machine(project: Path) -> None:
    done = tamis(project, "doctor", "--json")
    found = {check["name"]: check for check in json.loads(done.stdout)["checks"]}
    assert [check for check in found.values() if check["status"] == "fail"] == []
    assert done.returncode == 0
    assert {"engine", "server", "pdf", "handles"} <= set(found)


def test_a_reader_that_leaves_early_is_no_error(project: Path) -> None:
    program = subprocess.Popen(
        [*TAMIS, "rerank", ".", "-q", "q"],
        cwd=project,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(project),
    )
    assert program.stdout
    assert program.stderr
    program.stdout.close()
    with program.stderr:
        assert program.stderr.read() == b""
    assert program.wait(120) == 0
