"""`tamis install`: adds the server to a client's configuration, or takes it out."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any, get_args

import click

from tamis_mcp_server.cli.failures import Command
from tamis_mcp_server.cli.output import emit
from tamis_mcp_server.cli.session import Wiring
from tamis_mcp_server.install import CLIENTS, Client, Machine, files, plan
from tamis_mcp_server.install.command import Choice, server_command
from tamis_tools.scope import open_scope


def command() -> click.Command:
    """The command itself."""

    @click.pass_obj
    def run(wiring: Wiring, client: str, dry_run: bool, undo: bool, **how: Any) -> None:
        chosen, project = CLIENTS[client], bool(how["project"])
        path = files.real(chosen.config_file(wiring.machine, project=project))
        before = files.read(path)
        if undo:
            change = plan.undo(chosen, path, before, files.backups(path))
        else:
            change = plan.install(chosen, path, before, _entry(chosen, wiring.machine, how))
        emit(_outcome(chosen, change, dry_run=dry_run, undo=undo))
        if not (dry_run or undo) and project and change.needed and how["command"] != "uvx":
            emit("The entry holds a path of this machine: use --command uvx for a file that others share.")

    return Command(
        "install",
        callback=run,
        help="Add Tamis to a client's configuration: the user's, or with --project that of the working directory.",
        short_help="Add Tamis to a client's configuration.",
        params=[
            click.Argument(["client"], type=click.Choice(tuple(CLIENTS))),
            click.Option(["--project"], is_flag=True, help="Write the file of the project instead."),
            click.Option(["--root", "roots"], multiple=True, metavar="DIR", help="A folder that may be read."),
            click.Option(
                ["--command"],
                type=click.Choice(get_args(Choice)),
                default="auto",
                show_default=True,
                help="Start Tamis by its path or through uvx; auto takes what runs now.",
            ),
            click.Option(["--dry-run"], is_flag=True, help="Show the change and write nothing."),
            click.Option(["--undo"], is_flag=True, help="Take our entry out again."),
        ],
    )


def _entry(client: Client, machine: Machine, how: dict[str, Any]) -> plan.Entry:
    """The entry, with roots that hold wherever the client starts us."""
    typed = tuple(str(Path(machine.cwd, root)) for root in how["roots"])
    roots = tuple(map(str, open_scope(typed).roots)) if typed else ()
    return client.entry(server_command(machine, how["command"], project=how["project"]), roots)


def _outcome(client: Client, change: plan.Change, *, dry_run: bool, undo: bool) -> str:
    """Carry out the change, unless it is only to be shown; what to tell about it."""
    if not change.needed:
        state = "has no entry of ours, nothing to undo" if undo else "already has this entry: already installed"
        return f"{change.path} {state}."
    if dry_run:
        return change.diff()
    backup = files.apply(change, datetime.now())
    kept = f"The file as it was: {backup}\n" if backup else ""
    if change.after is None:
        return f"Removed {change.path}, which held nothing else.\n{client.restart}"
    done = "Removed tamis from" if undo else "Added tamis to"
    return f"{done} {change.path}\n{kept}{client.restart}"
