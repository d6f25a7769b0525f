"""Sets and removes one entry of a JSON file, comments and trailing commas allowed, touching nothing else.

Comments and trailing commas are blanked to spaces, so that the standard parser reads what is left and every
offset it reports is true of the original text, which alone is edited.
"""

from __future__ import annotations

import json
import re
from typing import NamedTuple, cast

from tamis_mcp_server.install.errors import Unreadable

_STRING_OR_COMMENT = re.compile(r'"(?:[^"\\\n]|\\.)*"|//[^\n]*|/\*.*?\*/', re.DOTALL)
_STRING_OR_TRAILING_COMMA = re.compile(r'"(?:[^"\\\n]|\\.)*"|,(?=\s*[}\]])')
_NOT_SPACE = re.compile(r"\S")
_INDENTED = re.compile(r"^([ \t]+)\S", re.MULTILINE)


class _Member(NamedTuple):
    """One `"key": value`; `end` is where the value ends, `value` where it starts."""

    key: str
    start: int
    value: int
    end: int


class _Object(NamedTuple):
    """`open` and `close` are the offsets of its braces."""

    open: int
    close: int
    members: tuple[_Member, ...]


def load(text: str) -> dict[str, object]:
    """The whole file as data. Raises `Unreadable`."""
    if not text.strip():
        return {}
    try:
        value = json.loads(_plain(text))
    except ValueError as error:
        raise Unreadable(f"it is not valid JSON: {error}") from error
    if not isinstance(value, dict):
        raise Unreadable("it does not hold an object")
    return cast("dict[str, object]", value)


def put(text: str, table: str, name: str, entry: dict[str, object]) -> str:
    """`text` with the entry set; an object `table` is made where there is none."""
    if not text.strip():
        return json.dumps({table: {name: entry}}, indent=2, ensure_ascii=False) + "\n"
    plain = _plain(text)
    root = _object(plain, _skip(plain, 0))
    servers = _find(root, table)
    if servers is None:
        return _append(text, root, table, {name: entry})
    inner = _object(plain, servers.value)
    ours = _find(inner, name)
    if ours is None:
        return _append(text, inner, name, entry)
    written = _dump(entry, text, _indent_at(text, ours.start))
    if "\n" not in text[ours.value : ours.end]:
        written = json.dumps(entry, ensure_ascii=False)
    return text[: ours.value] + written + text[ours.end :]


def drop(text: str, table: str, name: str) -> str:
    """`text` without the entry, which is known to be there; the object that held it stays."""
    plain = _plain(text)
    servers = _find(_object(plain, _skip(plain, 0)), table)
    assert servers is not None
    inner = _object(plain, servers.value)
    at = [member.key for member in inner.members].index(name)
    member, last = inner.members[at], at + 1 == len(inner.members)
    start = inner.members[at - 1].end if at else inner.open + 1
    lead = start + len(text[start : member.start].rstrip())
    comma = _comma_after(text, member.end, inner.close if last else inner.members[at + 1].start)
    end = comma + 1 if comma >= 0 else member.end
    if lead == inner.open + 1 and last and not text[end : inner.close].strip():
        return text[:lead] + text[inner.close :]
    if last and comma < 0 and at:
        before = _comma_after(text, start, member.start)
        return text[:before] + text[before + 1 : lead] + text[end:]
    return text[:lead] + text[end:]


def is_bare(text: str, table: str) -> bool:
    """True if nothing but an empty `table` is left, so that a file that we made may go."""
    return "".join(text.split()) in ("{}", f'{{"{table}":{{}}}}')


def _blank(text: str, pattern: re.Pattern[str]) -> str:
    return pattern.sub(lambda match: match[0] if match[0][0] == '"' else re.sub(r"[^\n\r]", " ", match[0]), text)


def _plain(text: str) -> str:
    return _blank(_blank(text, _STRING_OR_COMMENT), _STRING_OR_TRAILING_COMMA)


def _skip(plain: str, at: int) -> int:
    match = _NOT_SPACE.search(plain, at)
    return match.start() if match else len(plain)


def _object(plain: str, at: int) -> _Object:
    """The object whose brace stands at `at`; `plain` is known to be valid."""
    decoder, members = json.JSONDecoder(), list[_Member]()
    here = _skip(plain, at + 1)
    while plain[here] != "}":
        key, end = decoder.raw_decode(plain, here)
        value = _skip(plain, _skip(plain, end) + 1)
        _, end = decoder.raw_decode(plain, value)
        members.append(_Member(key, here, value, end))
        here = _skip(plain, end)
        here = _skip(plain, here + 1) if plain[here] == "," else here
    return _Object(at, here, tuple(members))


def _find(within: _Object, key: str) -> _Member | None:
    """The last of that name, which is the one that parsers take."""
    return next((member for member in reversed(within.members) if member.key == key), None)


def _comma_after(text: str, start: int, end: int) -> int:
    """Offset of the comma between two members, trailing ones included and comments left out; -1 if none."""
    return _blank(text, _STRING_OR_COMMENT).find(",", start, end)


def _append(text: str, within: _Object, key: str, value: dict[str, object]) -> str:
    """`text` with a last member added in the style of those before it."""
    outer = _indent_at(text, within.open)
    head = text[: within.close].rstrip()
    if not within.members:
        member = f"{json.dumps(key)}: {_dump(value, text, outer + _unit(text))}"
        tail = text[within.close :]
        return f"{head}{_newline(text)}{outer}{_unit(text)}{member}{_newline(text)}{outer}{tail}"
    last = within.members[-1]
    comma = _comma_after(text, last.end, within.close)
    if comma < 0:
        head = head[: last.end] + "," + head[last.end :]
    one_line = "\n" not in text[within.open : within.close]
    indent = _indent_at(text, last.start)
    written = json.dumps(value, ensure_ascii=False) if one_line else _dump(value, text, indent)
    lead = " " if one_line else _newline(text) + indent
    member = f"{json.dumps(key)}: {written}{',' if comma >= 0 else ''}"
    return head + lead + member + text[len(text[: within.close].rstrip()) :]


def _dump(value: dict[str, object], text: str, indent: str) -> str:
    dumped = json.dumps(value, indent=_unit(text), ensure_ascii=False)
    return dumped.replace("\n", _newline(text) + indent)


def _newline(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"


def _unit(text: str) -> str:
    match = _INDENTED.search(text)
    return match[1] if match else "  "


def _indent_at(text: str, at: int) -> str:
    line = text[text.rfind("\n", 0, at) + 1 : at]
    return line[: len(line) - len(line.lstrip())]
