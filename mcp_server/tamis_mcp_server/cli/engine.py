"""`tamis engine`: what the engine of this machine does, its end, and its service over HTTP."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import anyio
import click

from tamis_mcp_server.cli.failures import Command
from tamis_mcp_server.cli.output import emit
from tamis_mcp_server.cli.session import Wiring
from tamis_mcp_server.models import size
from tamis_mcp_server.settings import ENGINE_TOKEN, engine_place, local_engine

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tamis_engine.process.shared import EngineStatus

NONE_RUNS = "No engine runs. The first call that needs one starts it."


class _Group(Command, click.Group):
    """With `--http` it is a command itself."""


def group() -> click.Group:
    """The group of all commands."""

    @click.pass_context
    def run(ctx: click.Context, http: str | None, token_file: Path | None) -> None:
        if http is None and ctx.invoked_subcommand is None:
            raise click.exceptions.NoArgsIsHelpError(ctx)
        if http is None:
            return
        if ctx.invoked_subcommand:
            raise click.UsageError(f"--http serves, so it does not go with {ctx.invoked_subcommand}", ctx)
        wiring = ctx.find_object(Wiring)
        assert wiring is not None
        anyio.run(_served, wiring.machine.env, http, token_file)

    engine = _Group(
        "engine",
        callback=run,
        invoke_without_command=True,
        help="See or stop the engine that all clients of this machine share, or let other machines use it.",
        params=[
            click.Option(["--http"], metavar="HOST:PORT", help="Serve it over HTTP until a signal comes."),
            click.Option(
                ["--token-file"],
                type=click.Path(exists=True, dir_okay=False, path_type=Path),
                help=f"Holds the token that clients must send; else {ENGINE_TOKEN} does.",
            ),
        ],
    )
    engine.add_command(_status())
    engine.add_command(_stop())
    return engine


def described(status: EngineStatus) -> str:
    """A line a fact."""
    minutes, seconds = divmod(int(status.uptime_seconds), 60)
    models = ", ".join(
        f"{model.name} ({model.state}, {size(model.footprint_bytes)})"
        for model in status.models
        if model.state != "absent"
    )
    facts = {
        "process": f"{status.pid}, up {minutes} min {seconds} s",
        "clients": f"{status.clients} connected",
        "calls": f"{status.calls:,} since it started",
        "models": models or "none in memory",
        "memory": f"{size(status.resident_bytes)}; models may take {size(int(status.numbers['budget_bytes']))}",
        "socket": status.address,
    }
    return "\n".join(f"{name:<8} {fact}" for name, fact in facts.items())


async def _served(env: Mapping[str, str], http: str, token_file: Path | None) -> None:
    # late: only who serves needs a server
    from tamis_engine.http.serve import Port, serve
    from tamis_engine.process import shared
    from tamis_tools.errors import BadArgument

    token = token_file.read_text(encoding="utf-8").strip() if token_file else env.get(ENGINE_TOKEN)
    if token_file and not token:
        raise BadArgument(f"{token_file} is empty. It must hold the token.")
    place = engine_place(env)

    async def numbers() -> Mapping[str, float]:
        status = await shared.status(place.address)
        return status.numbers if status else {}

    # not what TAMIS_ENGINE names, which may be this very service
    await serve(local_engine(env), Port.parse(http), token or None, numbers, lambda url: emit(f"Listening at {url}"))


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
