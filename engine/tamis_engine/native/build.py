"""Compiles the kernel, once for each set of instructions: at install, or `python -m tamis_engine.native.build`.

Reads nothing but the standard library, since it runs before anything is installed. Without a compiler that knows GCC's
vector types (g++, clang++) there is no kernel, and torch does its work.
"""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

FOLDER = Path(__file__).parent
SOURCES = ("attention.h", "bert.cpp", "cpu.h", "linear.h", "simd.h")
COMPILERS = ("c++", "g++", "clang++")
FLAGS = (
    *("-std=c++17", "-O3", "-fPIC", "-shared", "-pthread", "-fvisibility=hidden"),
    *("-fno-math-errno", "-fno-trapping-math", "-ffp-contract=fast", "-Wno-psabi"),
)

PORTABLE = "portable"
"""Runs everywhere: it tells what the processor can do."""

_AVX2 = ("-mavx2", "-mfma")
_AVX512 = (*_AVX2, "-mavx512f", "-mavx512bw", "-mavx512dq", "-mavx512vl", "-mavx512vnni", "-mprefer-vector-width=512")
_X86 = {PORTABLE: (), "avx2": _AVX2, "avxvnni": (*_AVX2, "-mavxvnni"), "avx512vnni": _AVX512}
_ARM = {PORTABLE: (), "dotprod": ("-march=armv8.2-a+dotprod",)}

LEVELS: Mapping[str, Mapping[str, Sequence[str]]] = {
    "x86_64": _X86,
    "amd64": _X86,
    "aarch64": _ARM,
    "arm64": _ARM,
}
"""The compiler's flags by processor and by the level that `simd.h` then chooses."""


def fingerprint() -> str:
    """Of the sources: a library built from others is not used."""
    return hashlib.sha256(b"".join((FOLDER / name).read_bytes() for name in SOURCES)).hexdigest()[:16]


def file_of(level: str, folder: Path = FOLDER) -> Path:
    """Where the kernel for one set of instructions lies."""
    return folder / f"bert-{level}.so"


def wanted() -> Mapping[str, Sequence[str]]:
    """The levels of this kind of processor, with their flags."""
    return LEVELS.get(platform.machine().lower(), {})


def compiler() -> str | None:
    """`CXX` if that is set, else the first that is there; None on Windows, whose own does not know these sources."""
    if sys.platform == "win32":
        return None
    asked = os.environ.get("CXX")
    return asked or next((found for name in COMPILERS if (found := shutil.which(name))), None)


def build(folder: Path = FOLDER) -> tuple[str, ...]:
    """The levels that were compiled into `folder`, where older files are replaced whole; none where that fails."""
    command = compiler()
    if not command or not wanted():
        return ()
    try:
        with TemporaryDirectory(dir=folder) as scratch:
            made = _compiled(command, Path(scratch))
            if PORTABLE not in made:
                return ()
            for level in made:
                file_of(level, Path(scratch)).replace(file_of(level, folder))
    except OSError:
        return ()
    return made


def _compiled(command: str, folder: Path) -> tuple[str, ...]:
    """All at once: each takes some seconds of one core."""
    fixed = [*FLAGS, f'-DTAMIS_SOURCES="{fingerprint()}"', str(FOLDER / "bert.cpp")]
    running = {
        level: subprocess.Popen(
            [*command.split(), *fixed, *flags, "-o", str(file_of(level, folder))],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for level, flags in wanted().items()
    }
    return tuple(level for level, process in running.items() if process.wait() == 0)


def main() -> None:
    """Build, and say in one line what came of it."""
    made = build()
    print(said(made))  # noqa: T201 -- a program


def said(made: Sequence[str]) -> str:
    """One line."""
    if made:
        return f"Tamis: the CPU kernel was compiled for {', '.join(made)}."
    return "Tamis: no CPU kernel, since no C++ compiler (g++, clang++) did; torch does its work, more slowly."


if __name__ == "__main__":
    main()
