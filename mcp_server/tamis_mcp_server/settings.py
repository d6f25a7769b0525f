"""What `tamis mcp` is started with, and the only definition of its options.

Settings come from arguments: most clients start a server with an environment of their own making. Only where the
engine is comes from there, for all clients must agree on it, and it is rarely anything but the default.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from tamis_tools.stages import STAGES, Stage

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tamis_engine.client import LocalEngine
    from tamis_engine.process.shared import Place
    from tamis_engine.remote import RemoteEngine

ENGINE = "TAMIS_ENGINE"
ENGINE_TOKEN = "TAMIS_TOKEN"  # noqa: S105 - its name
ENGINE_FOLDER = "TAMIS_ENGINE_FOLDER"
ENGINE_IDLE_SECONDS = "TAMIS_ENGINE_IDLE_SECONDS"


@dataclass(frozen=True, slots=True)
class Settings:
    """The options of `tamis mcp`; `roots` are as typed, and empty for the working directory."""

    roots: tuple[str, ...] = ()
    allow_url: bool = False
    allow_secrets: bool = False
    structured: bool = False
    without: tuple[Stage, ...] = ()


def parser() -> argparse.ArgumentParser:
    """The options, and the text of `tamis mcp --help`."""
    options = argparse.ArgumentParser(
        prog="tamis mcp",
        description="Serve the tools to an MCP client over stdin and stdout, until stdin closes.",
        allow_abbrev=False,
    )
    options.add_argument(
        "--root",
        dest="roots",
        action="append",
        default=[],
        metavar="DIR",
        help="a folder that may be read; give it again for more (default: the working directory)",
    )
    options.add_argument("--allow-url", action="store_true", help="also read http and https addresses")
    options.add_argument("--allow-secrets", action="store_true", help="also read .env files, keys and credentials")
    options.add_argument(
        "--structured",
        action="store_true",
        help="answer with JSON and output schemas, for programs; models do better with the text",
    )
    options.add_argument(
        "--without",
        action="append",
        default=[],
        choices=STAGES,
        metavar="STAGE",
        help="for evaluations: leave a stage of choosing out, of " + ", ".join(STAGES),
    )
    return options


def parse(arguments: Sequence[str]) -> Settings:
    """Settings from what follows `tamis mcp`; prints and exits on `--help` and on wrong use (code 2)."""
    given = parser().parse_args(arguments)
    return Settings(tuple(given.roots), given.allow_url, given.allow_secrets, given.structured, tuple(given.without))


def engine_place(environment: Mapping[str, str]) -> Place:
    """Where the engine of this machine is met, and how long it stays unused. Raises `BadArgument`."""
    # late: `tamis mcp --help` needs none of it
    from tamis_engine.process.address import here
    from tamis_engine.process.shared import IDLE_SECONDS, Place
    from tamis_tools.errors import BadArgument

    folder, idle = environment.get(ENGINE_FOLDER), environment.get(ENGINE_IDLE_SECONDS)
    try:
        return Place(here(Path(folder).absolute() if folder else None), float(idle) if idle else IDLE_SECONDS)
    except ValueError as error:
        raise BadArgument(f"{ENGINE_IDLE_SECONDS} is {idle!r}, which is no number of seconds.") from error


def engine(environment: Mapping[str, str]) -> LocalEngine | RemoteEngine:
    """The engine that `TAMIS_ENGINE` names by a URL or a socket, else that of this machine. Raises `BadArgument`."""
    where = environment.get(ENGINE, "")
    if not where:
        return local_engine(environment)
    return _remote(where, environment.get(ENGINE_TOKEN)) if "://" in where else _listening(where)


def local_engine(environment: Mapping[str, str]) -> LocalEngine:
    """The engine of this machine, which its clients share, started if need be. Raises `BadArgument`."""
    # late: `tamis mcp --help` needs none of it
    from tamis_engine.client import LocalEngine, at_a_glance
    from tamis_engine.process import shared

    place = engine_place(environment)
    return LocalEngine(partial(shared.opened, place), partial(at_a_glance, place.address))


def _remote(url: str, token: str | None) -> RemoteEngine:
    # late: rarely needed
    from urllib.parse import urlsplit

    from tamis_engine.remote import RemoteEngine
    from tamis_tools.errors import BadArgument

    try:
        parts = urlsplit(url)
        valid = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        valid = False
    if not valid:
        raise BadArgument(f"{ENGINE} is {url!r}, which is no address of an engine, as in http://box:8080.")
    return RemoteEngine(url, token)


def _listening(path: str) -> LocalEngine:
    """That of a socket, or of the file that stands for one on Windows; never started from here."""
    # late: rarely needed
    from tamis_engine.client import LocalEngine, at_a_glance
    from tamis_engine.process import shared
    from tamis_engine.process.address import Address
    from tamis_tools.errors import BadArgument

    point = Path(path).absolute()
    address = Address(point.parent, point.stem, loopback=point.suffix == ".port")
    if address.meeting_point != point:
        raise BadArgument(
            f"{ENGINE} is {path!r}, which is neither a URL nor the socket of an engine; `tamis engine status` names it."
        )
    return LocalEngine(partial(shared.met, address), partial(at_a_glance, address))
