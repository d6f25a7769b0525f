"""The command `tamis` and its way in and out."""

from __future__ import annotations

import sys
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, NoReturn

import click

from tamis_mcp_server import __version__
from tamis_mcp_server.cli import doctor, engine, installing, models, operations
from tamis_mcp_server.cli.failures import Failure
from tamis_mcp_server.cli.output import ReaderLeft, forget_stdout, make_portable
from tamis_mcp_server.cli.session import Wiring

if TYPE_CHECKING:
    from collections.abc import Sequence

PLUGINS = "tamis.commands"
"""Entry points of other packages that add a command: the evals come this way, for imports point downwards."""


def build() -> click.Group:
    """The group of all commands."""
    group = click.Group("tamis", help="Get the lines that matter out of files, logs and pages.")
    for command in (
        *operations.commands(),
        _mcp(),
        models.command(),
        engine.group(),
        doctor.command(),
        installing.command(),
    ):
        group.add_command(command)
    for entry in entry_points(group=PLUGINS):
        group.add_command(entry.load(), entry.name)
    return click.version_option(__version__, prog_name="tamis", message="%(prog)s %(version)s")(group)


def main(argv: Sequence[str] | None = None) -> NoReturn:
    """Run a command line and end the process with its exit code."""
    for stream in (sys.stdout, sys.stderr):
        make_portable(stream)
    sys.exit(run(sys.argv[1:] if argv is None else argv, Wiring()))


def run(argv: Sequence[str], wiring: Wiring) -> int:
    """Run a command line; its exit code."""
    try:
        code = build().main(list(argv), prog_name="tamis", obj=wiring, standalone_mode=False)
    except Failure as error:
        error.show()
        return error.exit_code
    except click.ClickException as error:
        _tell(error)
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        return 130
    except ReaderLeft:
        forget_stdout()
        return 0
    return code if isinstance(code, int) else 0


def _tell(error: click.ClickException) -> None:
    """One sentence; a bare `tamis` gets the help instead."""
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        error.show()
        return
    where = error.ctx.command_path if isinstance(error, click.UsageError) and error.ctx else "tamis"
    Failure(f"{error.format_message().rstrip('.')}. See {where} --help.", error.exit_code).show()


def _mcp() -> click.Command:
    """Stands here to be listed and for callers of `main`; the console script serves it without click."""

    def serve(arguments: tuple[str, ...]) -> None:
        from tamis_mcp_server.settings import parse
        from tamis_mcp_server.stdio import run_stdio

        run_stdio(parse(arguments))

    return click.Command(
        "mcp",
        params=[click.Argument(["arguments"], nargs=-1, type=click.UNPROCESSED)],
        callback=serve,
        help="Serve the tools to an MCP client over stdin and stdout.",
        add_help_option=False,
        context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
    )
