"""`tamis engine`: what the engine of this machine does, and its end."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

import anyio
import click

from tamis_mcp_server.cli.failures import Command
from tamis_mcp_server.cli.output import emit
from tamis_mcp_server.cli.session import Wiring
from tamis_mcp_server.settings import engine_place

if TYPE_CHECKING:
    from tamis_engine.process.shared import EngineStatus

NONE_RUNS = "No engine runs. The first call that needs one starts it."


def group() -> click.Group:
    """The group of both commands."""
    engine = click.Group("engine", help="See or stop the engine that all clients of this machine share.")
    engine.add_command(_status())
    engine.add_command(_stop())
    return engine


def described(status: EngineStatus) -> str:
    """A line a fact."""
    minutes, seconds = divmod(int(status.uptime_seconds), 60)
    models = ", ".join(
        f"{model.name} ({model.state}, {model.footprint_bytes / 1e6:.0f} MB of weights)" for model in status.models
    )
    facts = {
        "process": f"{status.pid}, up {minutes} min {seconds} s",
        "clients": f"{status.clients} connected",
        "calls": f"{status.calls:,} since it started",
        "models": models,
        "memory": f"{status.resident_bytes / 1e6:.0f} MB",
        "socket": status.address,
    }
    return "\n".join(f"{name:<8} {fact}" for name, fact in facts.items())


def _status() -> click.Command:
    @click.pass_obj
    def run(wiring: Wiring, as_json: bool) -> None:
        # late: `tamis --help` needs none of it
        from tamis_engine.process import shared

        status = anyio.run(shared.status, engine_place(wiring.machine.env).address)
        if as_json:
            emit(json.dumps({"running": status is not None, **(asdict(status) if status else {})}))
        else:
            emit(described(status) if status else NONE_RUNS)

    return Command(
        "status",
        callback=run,
        help="Say whether the engine runs, since when, for whom, and what it takes.",
        params=[click.Option(["--json", "as_json"], is_flag=True, help="Print one JSON object.")],
    )


def _stop() -> click.Command:
    @click.pass_obj
    def run(wiring: Wiring) -> None:
        # late: `tamis --help` needs none of it
        from tamis_engine.process import shared

        pid = anyio.run(shared.stop, engine_place(wiring.machine.env).address)
        emit(f"Stopped process {pid}. The next call that needs an engine starts another." if pid else NONE_RUNS)

    return Command("stop", callback=run, help="Stop the engine; calls that are open are asked of a new one.", params=[])
