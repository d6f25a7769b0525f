"""`tamis doctor`: what works on this machine, and what to do about what does not."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from tamis_mcp_server.cli.failures import Command
from tamis_mcp_server.cli.output import emit
from tamis_mcp_server.cli.session import Wiring
from tamis_mcp_server.doctor import Finding

if TYPE_CHECKING:
    from tamis_mcp_server.doctor import Check
    from tamis_mcp_server.install import Machine

_COLOURS = {"ok": "green", "warn": "yellow", "fail": "red"}


def command() -> click.Command:
    """The command itself."""

    @click.pass_context
    def run(ctx: click.Context, as_json: bool) -> None:
        wiring = ctx.find_object(Wiring)
        assert wiring is not None
        found: list[Finding] = []
        for check in wiring.checks():
            found.append(_looked(check, wiring.machine))
            if not as_json:
                emit_finding(found[-1])
        if as_json:
            emit(json.dumps({"ok": not exit_code(found), "checks": [asdict(one) for one in found]}))
        ctx.exit(exit_code(found))

    return Command(
        "doctor",
        callback=run,
        help="Say what works on this machine, and what to do about what does not.",
        params=[click.Option(["--json", "as_json"], is_flag=True, help="Print one JSON object.")],
    )


def exit_code(found: list[Finding]) -> int:
    """0 if nothing failed, 4 if the engine did, else 1."""
    failed = [one for one in found if one.status == "fail"]
    return 0 if not failed else 4 if any(one.engine for one in failed) else 1


def emit_finding(finding: Finding) -> None:
    """One line, and what to do on the next."""
    mark = f"{finding.status:<4}"
    if sys.stdout.isatty():
        mark = click.style(mark, fg=_COLOURS[finding.status])
    sys.stdout.write(f"{mark}  ")
    emit(f"{finding.name:<12} {finding.detail}" + (f"\n      -> {finding.todo}" if finding.todo else ""))


def _looked(check: Check, machine: Machine) -> Finding:
    """What a check found; one that breaks has found something too."""
    try:
        return check.look(machine)
    except Exception as error:  # noqa: BLE001 - an edge: whatever is broken here is what the user asked about
        return Finding(check.name, "fail", f"{type(error).__name__}: {error}", check.todo, check.engine)
