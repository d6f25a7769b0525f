"""Sets and removes one table of a TOML file by its lines, touching nothing else.

A TOML table may stand anywhere, so ours goes to the end and no writer of TOML is needed; what is spelled in
a way that these lines can't express is refused by whoever checks the result.
"""

from __future__ import annotations

import json
import re
import tomllib
from typing import cast

from tamis_mcp_server.install.errors import Unreadable

_HEADER = re.compile(r"^\s*\[")


def load(text: str) -> dict[str, object]:
    """The whole file as data. Raises `Unreadable`."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise Unreadable(f"it is not valid TOML: {error}") from error


def put(text: str, table: str, name: str, entry: dict[str, object]) -> str:
    """`text` with the table `[table.name]` set: where it stands, or at the end."""
    newline = "\r\n" if "\r\n" in text else "\n"
    block = [f"[{table}.{name}]", *(f"{key} = {_value(value)}" for key, value in entry.items())]
    lines = text.splitlines(keepends=True)
    kept, at = _without(lines, table, name)
    if at is None and kept and not kept[-1].endswith("\n"):
        kept[-1] += newline
    gap = [newline] if at is None and kept else []
    here = len(kept) if at is None else at
    return "".join([*kept[:here], *gap, *(line + newline for line in block), *kept[here:]])


def drop(text: str, table: str, name: str) -> str:
    """`text` without the table and its own tables, nor the empty line before it."""
    kept, at = _without(text.splitlines(keepends=True), table, name)
    if at and not kept[at - 1].strip():
        del kept[at - 1]
    return "".join(kept)


def is_bare(text: str, table: str) -> bool:
    """True if nothing is left but the header of `table`, so that a file that we made may go."""
    return text.strip() in ("", f"[{table}]")


def _without(lines: list[str], table: str, name: str) -> tuple[list[str], int | None]:
    """The other lines, and where in them the first of ours stood."""
    ours = re.compile(rf"^\s*\[\s*\"?{re.escape(table)}\"?\s*\.\s*\"?{re.escape(name)}\"?\s*[.\]]")
    kept, held, at, inside = list[str](), list[str](), None, False
    for line in lines:
        if _HEADER.match(line):
            inside = bool(ours.match(line))
            kept, held = (kept, []) if inside else (kept + held, [])
        if not inside:
            kept.append(line)
        elif not line.strip() or line.lstrip().startswith("#"):
            # comments and empty lines at the end of a table belong to what follows
            held.append(line)
        else:
            at, held = len(kept) if at is None else at, []
    return kept + held, at


def _value(value: object) -> str:
    """A TOML value; strings are written as JSON writes them, which TOML reads."""
    if isinstance(value, dict):
        pairs = cast("dict[str, object]", value).items()
        return "{ " + ", ".join(f"{json.dumps(key)} = {_value(item)}" for key, item in pairs) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(_value(item) for item in cast("list[object]", value)) + "]"
    return json.dumps(value, ensure_ascii=False, default=str)
