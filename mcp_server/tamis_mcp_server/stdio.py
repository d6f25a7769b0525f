"""One client over stdin and stdout: start quickly, say nothing but protocol, leave nothing behind."""

from __future__ import annotations

import gc
import os
import signal
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcp.server import Server

    from tamis_engine.client import LocalEngine
    from tamis_engine.remote import RemoteEngine
    from tamis_mcp_server.settings import Settings
    from tamis_tools.scope import Scope


def run_stdio(settings: Settings) -> None:
    """Serve until stdin closes. Wrong settings end the process with code 2 and a sentence on stderr."""
    gc.disable()  # what is imported here stays: looking through it for garbage takes a third of the start
    import anyio

    from tamis_mcp_server.server import build_server
    from tamis_mcp_server.workspaces import open_workspace

    scope, engine = _scope(settings), _engine()
    server = build_server(
        partial(open_workspace, scope, engine, without=frozenset(settings.without)),
        structured=settings.structured,
        open_world=settings.allow_url,
    )
    gc.enable()
    gc.freeze()
    exit_on_signals(engine.stop)
    anyio.run(serve, server)


async def serve(server: Server[Any]) -> None:
    """Serve one connection over this process's stdin and stdout; log to stderr, warnings and worse."""
    import logging

    import anyio
    from mcp.server.stdio import stdio_server

    from tamis_mcp_server.mending import Received, mend

    handler = logging.StreamHandler()
    handler.setLevel(logging.WARNING)  # of the handler: some libraries set a lower one for themselves
    logging.basicConfig(format="tamis: %(message)s", handlers=[handler])
    mended, messages = anyio.create_memory_object_stream[Received]()
    async with stdio_server() as (received, sent), anyio.create_task_group() as tasks:
        tasks.start_soon(mend, received, mended)
        await server.run(messages, sent, server.create_initialization_options())


def exit_on_signals(clean_up: Callable[[], object]) -> None:
    """On SIGINT and SIGTERM run `clean_up` and end the process.

    The loop can't be left in order: a thread of the transport waits in a read of stdin that nothing ends.
    """

    def leave(number: int, _frame: object) -> NoReturn:
        try:
            clean_up()
        finally:
            os._exit(128 + number)

    signal.signal(signal.SIGINT, leave)
    signal.signal(signal.SIGTERM, leave)


def _scope(settings: Settings) -> Scope:
    from tamis_mcp_server.settings import parser
    from tamis_tools.errors import TamisError
    from tamis_tools.scope import open_scope

    try:
        return open_scope(settings.roots, allow_urls=settings.allow_url, allow_secrets=settings.allow_secrets)
    except TamisError as error:
        parser().error(str(error))


def _engine() -> LocalEngine | RemoteEngine:
    from tamis_mcp_server.settings import engine, parser
    from tamis_tools.errors import BadArgument

    try:
        return engine(os.environ)
    except BadArgument as error:
        parser().error(str(error))
