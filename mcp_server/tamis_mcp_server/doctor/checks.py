"""What `tamis doctor` looks at, in order: to look at one more thing, add a row.

What a check needs is imported inside it, so that what is broken fails that check and no other.
"""

from __future__ import annotations

import hashlib
import json
import platform
import shutil
from importlib import import_module
from importlib.metadata import PackageNotFoundError, requires, version
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, cast

from tamis_engine.embedded import FOLDER
from tamis_mcp_server.doctor import trials
from tamis_mcp_server.doctor.finding import Check, Status
from tamis_mcp_server.install import CLIENTS, InstallError
from tamis_mcp_server.install.files import read
from tamis_mcp_server.install.plan import current

if TYPE_CHECKING:
    from collections.abc import Iterator

    from packaging.requirements import Requirement

    from tamis_mcp_server.install import Machine

_REINSTALL = "Install Tamis again: pip install --force-reinstall tamis."


def python(_machine: Machine) -> tuple[Status, str]:
    """Which interpreter runs us."""
    return "ok", f"{platform.python_version()} on {platform.system()} {platform.machine()}"


def packages(_machine: Machine) -> tuple[Status, str]:
    """Whether every package is there in a version that we were tested with."""
    wrong = [found for need in _requirements() if (found := _mismatch(need))]
    return ("fail", "; ".join(wrong)) if wrong else ("ok", "all in their tested versions")


def model(_machine: Machine) -> tuple[Status, str]:
    """Whether the embedded encoder is the one that was shipped."""
    shipped = json.loads(FOLDER.joinpath("hashes.json").read_text(encoding="utf-8"))["shipped"]
    wrong = [
        name
        for name, expected in shipped.items()
        if hashlib.sha256(FOLDER.joinpath(name).read_bytes()).hexdigest() != expected
    ]
    return ("fail", f"altered: {', '.join(wrong)}") if wrong else ("ok", f"{len(shipped)} files, as shipped")


def tokens(_machine: Machine) -> tuple[Status, str]:
    """Whether budgets are counted with the right vocabulary."""
    from tamis_tools.tokens import RANKS_SHA256, count

    ranks = files("tamis_tools").joinpath("data/o200k_base.tiktoken").read_bytes()
    if hashlib.sha256(ranks).hexdigest() != RANKS_SHA256:
        return "fail", "the o200k_base vocabulary is altered"
    return "ok", f"o200k_base, as shipped; 'hello world' is {count('hello world')} tokens"


def languages(_machine: Machine) -> tuple[Status, str]:
    """Whether code is cut along its syntax."""
    import tree_sitter

    names = [need.name for need in _requirements() if need.name.startswith("tree-sitter-")]
    for name in names:
        grammar = import_module(name.replace("-", "_"))
        for entry in (entry for entry in dir(grammar) if entry.startswith("language")):
            tree_sitter.Language(cast("object", getattr(grammar, entry)()))
    return "ok", f"{len(names)} grammars load"


def handles(_machine: Machine) -> tuple[Status, str]:
    """Whether originals can be kept, and what they take."""
    from tamis_tools.document import Document
    from tamis_tools.handles import HandleStore, default_folder

    folder = default_folder()
    store = HandleStore(folder)
    text = "kept by tamis doctor"
    if store.get(store.put([Document("text:", text)])).documents[0].text != text:
        return "fail", f"{folder} gives back something else than was kept"
    used = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    return "ok", f"{folder}, {used / 1e6:.1f} MB used, {shutil.disk_usage(folder).free / 1e9:.0f} GB free"


def clients(machine: Machine) -> tuple[Status, str]:
    """Which clients start us, and whether what they start is there."""
    configured = list(_configured(machine))
    gone = [f"{path} starts {command}, which is not there" for _, path, command in configured if _gone(command)]
    if gone:
        return "warn", "; ".join(gone)
    names = ", ".join(f"{title} ({path})" for title, path, _ in configured)
    return ("ok", names) if names else ("warn", "none is configured")


def _requirements() -> Iterator[Requirement]:
    from packaging.requirements import Requirement

    for line in requires("tamis") or ():
        need = Requirement(line)
        if need.marker is None or need.marker.evaluate({"extra": ""}):
            yield need


def _mismatch(need: Requirement) -> str:
    try:
        found = version(need.name)
    except PackageNotFoundError:
        return f"{need.name} is missing"
    return "" if need.specifier.contains(found, prereleases=True) else f"{need.name} {found} is not {need.specifier}"


def _configured(machine: Machine) -> Iterator[tuple[str, Path, str]]:
    """Title of the client, its file, and the command in it."""
    for client in CLIENTS.values():
        for project in (False, True) if client.project_file else (False,):
            path = client.config_file(machine, project=project)
            try:
                entry = current(client, path, read(path))
            except InstallError:
                continue
            if entry is not None:
                yield client.title, path, str(entry.get("command", ""))


def _gone(command: str) -> bool:
    return Path(command).is_absolute() and not Path(command).exists()


CHECKS = (
    Check("python", python, ""),
    Check("packages", packages, "Install again in a fresh environment: pip install tamis."),
    Check("torch", trials.torch, "Install torch for this machine: pip install --force-reinstall torch.", engine=True),
    Check("model", model, _REINSTALL, engine=True),
    Check("engine", trials.engine, "Look at the lines about torch and the model; else --debug.", engine=True),
    Check("sharing", trials.sharing, "Make that folder yours, or name another with TAMIS_ENGINE_FOLDER.", engine=True),
    Check("tokens", tokens, _REINSTALL),
    Check("code", languages, _REINSTALL),
    Check("pdf", trials.pdf, "Install the reader again: pip install --force-reinstall pypdfium2."),
    Check("handles", handles, "Make the folder writable for you, and the disk not full."),
    Check("server", trials.server, "Run `tamis mcp` to see what it says."),
    Check("clients", clients, "Run `tamis install CLIENT`; `tamis install --help` lists them."),
)
