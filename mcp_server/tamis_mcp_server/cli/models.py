"""`tamis models`: what the engine knows and holds in memory, and changes to that."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import TYPE_CHECKING

import anyio
import click

from tamis_mcp_server.cli.failures import Command
from tamis_mcp_server.cli.output import emit, progress
from tamis_mcp_server.cli.session import PATIENT, Wiring
from tamis_mcp_server.models import table

if TYPE_CHECKING:
    from tamis_engine.protocol import Engine


async def _load(engine: Engine, name: str) -> str:
    from tamis_tools.loading import resident
    from tamis_tools.pace import Pace

    seconds = PATIENT.call_seconds
    with progress() as report:
        await resident(engine, name, Pace(seconds, report) if report else Pace(seconds))
    return f"{name} is in memory."


async def _unload(engine: Engine, name: str) -> str:
    await engine.unload(name)
    return f"{name} leaves memory once nobody uses it."


async def _pin(engine: Engine, name: str) -> str:
    await _load(engine, name)
    await engine.pin(name)
    return f"{name} is in memory and stays there."


async def _unpin(engine: Engine, name: str) -> str:
    await engine.pin(name, pinned=False)
    return f"{name} may leave memory when others need the room."


ACTIONS: dict[str, Callable[[Engine, str], Awaitable[str]]] = {
    "load": _load,
    "unload": _unload,
    "pin": _pin,
    "unpin": _unpin,
}


def command() -> click.Command:
    """The command itself."""

    @click.pass_context
    def run(ctx: click.Context, action: str, name: str | None, as_json: bool) -> None:
        if (name is None) != (action == "list"):
            problem = "list takes no name" if name else f"{action} needs the name of a model"
            raise click.UsageError(problem, ctx)
        wiring = ctx.find_object(Wiring)
        assert wiring is not None
        emit(anyio.run(_done, wiring, action, name or "", as_json))

    return Command(
        "models",
        callback=run,
        help="List the models of the engine; load, unload, pin or unpin one of them by its name.",
        params=[
            click.Argument(["action"], type=click.Choice(("list", *ACTIONS)), default="list"),
            click.Argument(["name"], required=False),
            click.Option(["--json", "as_json"], is_flag=True, help="Print one JSON object."),
        ],
    )


async def _done(wiring: Wiring, action: str, name: str, as_json: bool) -> str:
    async with wiring.engine(wiring.machine.env) as engine:
        if action == "list":
            models = await engine.models()
            return json.dumps({"models": [asdict(model) for model in models]}) if as_json else table(models)
        said = await ACTIONS[action](engine, name)
        return json.dumps({"model": name, "done": action}) if as_json else said
