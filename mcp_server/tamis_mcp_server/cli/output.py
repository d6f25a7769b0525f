"""What reaches the terminal or the pipe."""

from __future__ import annotations

import errno
import os
import re
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from collections.abc import Generator

    from tamis_tools.pace import Report

_DRIVES_A_TERMINAL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


class ReaderLeft(Exception):
    """Whoever read our output has seen enough, as `head` does: no error, and not that of another pipe."""


def harmless(text: str) -> str:
    """`text` with what would drive a terminal, or turn its reading direction, written as escapes."""
    return _DRIVES_A_TERMINAL.sub(lambda match: f"\\u{ord(match[0]):04x}", text.replace("\r\n", "\n"))


def emit(text: str) -> None:
    """Print to stdout: as it is to a pipe, harmless to a terminal. Raises `ReaderLeft`."""
    try:
        sys.stdout.write((harmless(text) if sys.stdout.isatty() else text).rstrip("\n") + "\n")
        sys.stdout.flush()
    except OSError as error:
        if _is_closed_pipe(error):
            raise ReaderLeft from error
        raise


def make_portable(stream: TextIO) -> None:
    """UTF-8 and plain line feeds everywhere; what can't be encoded is escaped instead of raising."""
    reconfigure = getattr(stream, "reconfigure", None)
    if reconfigure:
        reconfigure(encoding="utf-8", errors="backslashreplace", newline="\n")


def forget_stdout() -> None:
    """Nothing more goes to stdout, so that the interpreter does not fail to flush it on its way out."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _is_closed_pipe(error: OSError) -> bool:
    """Windows reports a pipe that nobody reads as an invalid argument."""
    return error.errno == errno.EPIPE or (os.name == "nt" and error.errno == errno.EINVAL)


@contextmanager
def progress() -> Generator[Report | None]:
    """A bar on stderr where that is a terminal, else nothing."""
    if not sys.stderr.isatty():
        yield None
        return
    # late: a pipe needs no rich
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (BarColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("starting", total=1.0)

        async def report(done: float, total: float, message: str) -> None:
            bar.update(task, completed=done, total=total, description=harmless(message))

        yield report
