"""Decides what a configuration file must hold afterwards; reads and writes nothing."""

from __future__ import annotations

import json
from dataclasses import dataclass
from difflib import unified_diff
from typing import TYPE_CHECKING, Protocol, cast

from tamis_mcp_server.install import jsonc, toml
from tamis_mcp_server.install.errors import Unreadable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from tamis_mcp_server.install.clients import Client

NAME = "tamis"
"""What the server is called in every client."""

_BOM = "\ufeff"

Entry = dict[str, object]


class _Format(Protocol):
    def load(self, text: str) -> dict[str, object]: ...
    def put(self, text: str, table: str, name: str, entry: dict[str, object]) -> str: ...
    def drop(self, text: str, table: str, name: str) -> str: ...
    def is_bare(self, text: str, table: str) -> bool: ...


_FORMATS: Mapping[str, _Format] = {"json": jsonc, "toml": toml}


@dataclass(frozen=True, slots=True)
class Change:
    """A file's bytes before and after; None is the absence of the file."""

    path: Path
    before: bytes | None
    after: bytes | None

    @property
    def needed(self) -> bool:
        """False where the file is already as it should be."""
        return self.before != self.after

    def diff(self) -> str:
        """What changes, as a unified diff."""
        old, new = (_lines(content) for content in (self.before, self.after))
        name = str(self.path)
        sides = ("/dev/null" if self.before is None else name, "/dev/null" if self.after is None else name)
        return "\n".join(unified_diff(old, new, *sides, lineterm=""))


def install(client: Client, path: Path, before: bytes | None, entry: Entry) -> Change:
    """The file with our entry; what the user added to an entry of ours stays in it. Raises `Unreadable`."""
    ours = current(client, path, before)
    kept = ours if ours is not None and "command" in ours else {}
    wanted = {**kept, **entry}
    if ours == wanted:
        return Change(path, before, before)
    return Change(path, before, _edited(client, path, before, wanted))


def undo(client: Client, path: Path, before: bytes | None, backups: Sequence[bytes]) -> Change:
    """The file without our entry: as it was before it, where that is all that changed.

    `backups` are the contents that earlier changes replaced, newest first. A file without any was made by
    us, and goes when nothing else has been added to it.
    """
    entry = current(client, path, before)
    if before is None or entry is None:
        return Change(path, before, before)
    for backup in backups:
        if _would_give(client, path, backup, entry) == before:
            return Change(path, before, backup)
    after = _edited(client, path, before, None)
    rest = after.decode("utf-8").removeprefix(_BOM)
    if not backups and _FORMATS[client.format].is_bare(rest, client.servers):
        return Change(path, before, None)
    return Change(path, before, after)


def _would_give(client: Client, path: Path, backup: bytes, entry: Entry) -> bytes | None:
    try:
        if current(client, path, backup) is not None:
            return None
        return _edited(client, path, backup, entry)
    except Unreadable:
        return None


def _edited(client: Client, path: Path, before: bytes | None, entry: Entry | None) -> bytes:
    """The new content, checked to hold what it held, but for our entry."""
    text = _text(path, before)
    language, table = _FORMATS[client.format], client.servers
    old = language.load(text)
    servers = dict(_servers(client, path, old))
    servers.pop(NAME, None)
    if entry is None:
        new = language.drop(text, table, NAME)
    else:
        new = language.put(text, table, NAME, entry)
        servers[NAME] = entry
    try:
        held = language.load(new)
    except Unreadable:
        held = {}
    if _same(held, old, table, servers):
        return ((_BOM if _has_bom(before) else "") + new).encode("utf-8")
    raise Unreadable(
        f'{path} was left as it is: its "{table}" is written in a way that Tamis can\'t edit safely. '
        f"By hand: {'remove tamis from' if entry is None else f'add {json.dumps({NAME: entry})} to'} {table}."
    )


def _same(held: Entry, old: Entry, table: str, servers: Entry) -> bool:
    """True if `held` is `old` with `servers` as its table; an empty table may be missing in TOML."""
    rest = {key: value for key, value in old.items() if key != table}
    return (held.get(table) or {}) == servers and {k: v for k, v in held.items() if k != table} == rest


def current(client: Client, path: Path, content: bytes | None) -> Entry | None:
    """Our entry in the file, if it is there. Raises `Unreadable`."""
    entry = _servers(client, path, _loaded(client, path, _text(path, content))).get(NAME)
    return cast("Entry", entry) if isinstance(entry, dict) else None


def _loaded(client: Client, path: Path, text: str) -> Entry:
    try:
        return _FORMATS[client.format].load(text)
    except Unreadable as error:
        raise Unreadable(f"{path} was left as it is: {error}. Repair it, then run this again.") from error


def _servers(client: Client, path: Path, content: Entry) -> Entry:
    servers = content.get(client.servers, {})
    if not isinstance(servers, dict):
        raise Unreadable(f'{path} was left as it is: "{client.servers}" in it does not hold named servers.')
    return cast("Entry", servers)


def _has_bom(content: bytes | None) -> bool:
    return (content or b"").startswith(_BOM.encode("utf-8"))


def _text(path: Path, content: bytes | None) -> str:
    try:
        return (content or b"").decode("utf-8").removeprefix(_BOM)
    except UnicodeDecodeError as error:
        raise Unreadable(
            f"{path} was left as it is: it is not UTF-8. Save it as UTF-8, then run this again."
        ) from error


def _lines(content: bytes | None) -> list[str]:
    return (content or b"").decode("utf-8").splitlines()
