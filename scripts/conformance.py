"""The protocol's own conformance suite, and clients that others wrote, against this server. Prints one table.

With `--agents` coding agents as well, which take 1 GB and get the server from `tamis install`. The exit code is 0
only if everything that was asked for ran and passed.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import installed
from ground import LEGACY, MODERN, QUESTION, REST, TAMIS, Ground, judged, lay, serving
from installed import Failed


@dataclass(frozen=True, slots=True)
class Part:
    """A suite or client: its pinned `package`, the revisions to try, and what must be installed for it.

    `run` gives what came of one revision, or raises `Failed`.
    """

    what: str
    package: str
    revisions: tuple[str, ...]
    run: Callable[[str, Ground], str]
    needs: str = "npm"


def suite(revision: str, ground: Ground) -> str:
    """The suite's verdict, under which expected failures are listed in clients/expected-failures.yml."""
    name = f"suite-{revision}"
    program = ground.package("@modelcontextprotocol/conformance") / "dist/index.js"
    baseline = installed.CLIENTS / "expected-failures.yml"
    results = ["-o", installed.LOGS / name]
    with serving(ground) as url:
        options = ["--url", url, "--suite", "all", "--spec-version", revision, "--expected-failures", baseline]
        try:
            printed = ground.run(name, installed.node(), program, "server", *options, *results)
        except Failed as error:
            raise Failed(f"{_surprises(installed.output(name))}{error}") from None
    total = re.search(r"Total: (\d+) passed, (\d+) failed", printed)
    if not total:
        raise Failed(f"the suite gave no total; see {installed.log(name)}")
    return f"{total[1]} checks passed, {total[2]} failed as expected"


def _surprises(printed: str) -> str:
    """What failed unexpectedly (✗) or passes although the list says that it fails (✓)."""
    return "".join(f"{line.strip()}; " for line in re.findall(r"^  [✗✓] .+$", printed.partition("Total:")[2], re.M))


def javascript(file: str, revision: str, ground: Ground) -> str:
    """One of our own programs on a library of others."""
    printed = ground.run(f"{file}-{revision}", installed.node(), ground.npm / file, ground.job(revision))
    return judged(json.loads(printed), revision)


def python(library: str, revision: str, ground: Ground) -> str:
    """The same in Python, in the library's own environment."""
    program = installed.CLIENTS / f"{library}_client.py"
    printed = ground.run(f"{library}-{revision}", installed.python(library), program, ground.job(revision))
    return judged(json.loads(printed), revision)


def inspector(revision: str, ground: Ground) -> str:
    """The inspector starts a server for each request, so the handle outlives the one that gave it."""
    program = ground.package("@modelcontextprotocol/inspector") / "clients/launcher/build/index.js"
    era = ["--protocol-era", "legacy" if revision == LEGACY else "modern"]

    def ask(method: str, *options: str) -> Any:
        name = "-".join(["inspector", revision, *method.split("/"), *options[1:2]])
        command = [installed.node(), program, "--cli", *ground.server, *era, "--format", "json"]
        return json.loads(ground.run(name, *command, "--method", method, *options))["result"]

    def call(tool: str, arguments: dict[str, Any]) -> str:
        answer = ask("tools/call", "--tool-name", tool, "--tool-args-json", json.dumps(arguments))
        return answer["content"][0]["text"]

    compressed = call("compress", QUESTION)
    handle = re.findall(r"@h_\w+", compressed)[0]
    report = {
        "revision": ask("initialize")["protocolVersion"],
        "tools": [tool["name"] for tool in ask("tools/list", "--strict")["tools"]],
        "compressed": compressed,
        "expanded": call("expand", {"ref": f"{handle}/{REST}"}),
    }
    return judged(report, revision)


def connected(client: str, program: str, _revision: str, ground: Ground) -> str:
    """An agent's own word that it reached the server which `tamis install` told it of."""
    _install(client, ground)
    ground.run(client, installed.node(), ground.package(program), "mcp", "list")
    # the exit code is 0 either way, and agents differ in where they write
    if not re.search(r"tamis: .*Connected", installed.output(client) + installed.output(client, "err")):
        raise Failed(f"it is not connected; see {installed.log(client)}")
    return "knows it from `tamis install`; connected"


def codex(_revision: str, ground: Ground) -> str:
    """Codex's app server calls tools without a login."""
    _install("codex", ground)
    program = [sys.executable, installed.CLIENTS / "codex_client.py", ground.job()]
    app_server = [installed.node(), ground.package("@openai/codex/bin/codex.js"), "app-server"]
    return judged(json.loads(ground.run("codex", *program, *app_server)), LEGACY)


def _install(client: str, ground: Ground) -> None:
    ground.run(f"tamis-install-{client}", TAMIS, "install", client, "--root", str(ground.project))


_BOTH, _MCP = (LEGACY, MODERN), "@modelcontextprotocol"
PARTS = (
    Part("conformance suite", f"{_MCP}/conformance", _BOTH, suite),
    Part("TypeScript SDK 1", f"{_MCP}/sdk", (LEGACY,), partial(javascript, "typescript_v1.mjs")),
    Part("TypeScript SDK 2", f"{_MCP}/client", _BOTH, partial(javascript, "typescript_v2.mjs")),
    Part("Inspector", f"{_MCP}/inspector", _BOTH, inspector),
    Part("LangChain", "langchain-mcp-adapters", (LEGACY,), partial(python, "langchain"), needs="langchain"),
    Part("fastmcp", "fastmcp", _BOTH, partial(python, "fastmcp"), needs="fastmcp"),
)
"""In the order of the table. LangChain stands on the first generation of the Python SDK, fastmcp on the second."""

_CLAUDE, _GEMINI, _OWN = "@anthropic-ai/claude-code", "@google/gemini-cli", ("its own",)
AGENTS = (
    Part("Claude Code", _CLAUDE, _OWN, partial(connected, "claude-code", f"{_CLAUDE}/cli-wrapper.cjs")),
    Part("Gemini CLI", _GEMINI, _OWN, partial(connected, "gemini", f"{_GEMINI}/bundle/gemini.js")),
    Part("Codex", "@openai/codex", _OWN, codex),
)
"""They pick the revision themselves."""


def missing(needs: Iterable[str], *, agents: bool) -> dict[str, str]:
    """Installs what is needed; what could not be installed, and why."""
    reasons: dict[str, str] = {}
    for need in sorted(needs):
        try:
            installed.npm_packages(agents=agents) if need == "npm" else installed.python(need)
        except Failed as error:
            reasons[need] = str(error)
    return reasons


def outcome(part: Part, revision: str, ground: Ground, reasons: dict[str, str]) -> tuple[bool, str]:
    """Whether a part passed, and what came of it."""
    if part.needs in reasons:
        return False, f"not run: {reasons[part.needs]}"
    print(f"Running {part.what}, {revision} ...", flush=True)
    try:
        return True, part.run(revision, ground)
    except Failed as error:
        return False, str(error)
    except Exception as error:  # noqa: BLE001 - an edge: whatever one client trips over, the others still run
        return False, f"{type(error).__name__}: {error}"


def main() -> int:
    """Run it all; 1 if anything failed or could not run."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--agents", action="store_true", help="also Claude Code, Gemini CLI and Codex (1 GB)")
    agents = options.parse_args().agents
    chosen = PARTS + (AGENTS if agents else ())
    reasons = missing({part.needs for part in chosen}, agents=agents)
    with tempfile.TemporaryDirectory() as name:
        ground = Ground(Path(name).resolve(), installed.npm_folder(agents=agents))
        lay(ground.folder)
        rows = [(part, one, *outcome(part, one, ground, reasons)) for part in chosen for one in part.revisions]
    versions = installed.versions()
    print()
    for part, revision, passed, text in rows:
        print(f"{'ok  ' if passed else 'FAIL'}  {part.what:<17}  {versions[part.package]:<14}  {revision:<10}  {text}")
    failed = sum(not passed for *_, passed, _ in rows)
    print(f"\n{len(rows) - failed} passed, {failed} failed or not run")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
