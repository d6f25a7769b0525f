"""How a command fails: one sentence on stderr and an exit code that a script can tell apart.

0 done · 1 a fault of Tamis · 2 wrong use · 3 nothing readable · 4 the engine failed · 130 interrupted
"""

from __future__ import annotations

import traceback
from typing import Any

import click

from tamis_engine.errors import EngineError, ModelNotFound, RequestInvalid
from tamis_engine.process.address import CannotShare
from tamis_mcp_server.cli.output import ReaderLeft, harmless
from tamis_mcp_server.install import InstallError
from tamis_tools.errors import SourceError, TamisError

EXIT_CODES: tuple[tuple[type[Exception], int], ...] = (
    (SourceError, 3),
    (TamisError, 2),
    (InstallError, 2),
    (ModelNotFound, 2),
    (RequestInvalid, 2),
    (EngineError, 4),
    (CannotShare, 4),
)
"""The first class that fits tells; to ask for a model that is none, or for what it does not do, is wrong use."""

_DEBUG = click.Option(["--debug"], is_flag=True, envvar="TAMIS_DEBUG", help="On failure, show where in the program.")


class Failure(Exception):
    """An error that is told in one sentence."""

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code

    def show(self) -> None:
        """Print the sentence to stderr."""
        click.echo(f"tamis: {harmless(str(self))}", err=True)


class Command(click.Command):
    """A command whose errors come out as a `Failure`, with a traceback only where one was asked for."""

    def __init__(self, *arguments: Any, params: list[click.Parameter], **options: Any) -> None:
        super().__init__(*arguments, params=[*params, _DEBUG], **options)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        debug = ctx.params.pop("debug")
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort, Failure, ReaderLeft):
            raise
        except Exception as error:
            if debug:
                traceback.print_exc()
            raise failure(error) from error


def failure(error: BaseException) -> Failure:
    """What to tell about an error; a group of one is that one."""
    while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    for kind, code in EXIT_CODES:
        if isinstance(error, kind):
            return Failure(str(error), code)
    what = f"{type(error).__name__}: {error}".rstrip(": ")
    return Failure(f"Something went wrong inside Tamis ({what}). Add --debug to see where.", 1)
