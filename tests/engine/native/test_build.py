"""The build: a kernel wherever there is a compiler, and a reason in words wherever there is none."""

import platform
from pathlib import Path

import pytest

from tamis_engine.native import build
from tamis_engine.native.kernel import CannotCompute, best, library, why_not
from tests.engine.native.conftest import Kernels


def test_there_is_a_kernel_wherever_there_is_a_compiler(kernels: Kernels, built: Path) -> None:
    """All other tests compute with `kernels`: with none they would pass whatever the code does."""
    possible = build.compiler() is not None and platform.machine().lower() in build.LEVELS
    assert bool(kernels) == possible
    assert possible or why_not(built)


def test_without_a_compiler_nothing_is_built_and_the_reason_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CXX", str(tmp_path / "no compiler"))
    assert build.build(tmp_path) == ()
    assert list(tmp_path.iterdir()) == []
    assert "none was compiled for portable" in why_not(tmp_path)
    assert "torch does its work" in build.said(())


def test_a_compiler_that_fails_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = build.file_of("portable", tmp_path)
    before.write_bytes(b"as it was")
    monkeypatch.setenv("CXX", "false")
    assert build.build(tmp_path) == ()
    assert before.read_bytes() == b"as it was"


def test_a_folder_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    assert build.build(tmp_path / "missing") == ()


def test_a_file_that_is_no_library_is_a_reason(tmp_path: Path) -> None:
    build.file_of("portable", tmp_path).write_bytes(b"nonsense")
    assert "can't be loaded" in why_not(tmp_path)


def test_a_kernel_of_other_sources_is_not_used(built: Path, kernels: Kernels, tmp_path: Path) -> None:
    for level in kernels:
        binary = build.file_of(level, built).read_bytes().replace(build.fingerprint().encode(), b"0" * 16)
        build.file_of(level, tmp_path).write_bytes(binary)
        with pytest.raises(CannotCompute, match="other sources"):
            library(level, tmp_path)


def test_the_portable_kernel_alone_is_left_unused(built: Path, kernels: Kernels, tmp_path: Path) -> None:
    for level in kernels.keys() & {"portable"}:
        build.file_of(level, tmp_path).write_bytes(build.file_of(level, built).read_bytes())
        with pytest.raises(CannotCompute, match="neither AVX2"):
            best(tmp_path)
