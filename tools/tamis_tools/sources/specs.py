"""What an agent writes to name a source, taken apart; nothing here touches the disk or the network."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass

from tamis_tools.errors import BadArgument
from tamis_tools.parts import Meaning, meanings

WHAT_SOURCES_CAN_BE = (
    "A source is a file (src/app.py), lines of one (src/app.py:120-260), a page (a.pdf p2), a folder (docs/), a glob "
    "(src/**/*.py), an earlier result (@h_...), text:... for a few lines that have no file, or a URL where the user "
    "allows it."
)
PASTED = "If it is the text itself, put text: before it, or better pass the file that holds it."

_MOST_CHARACTERS = 4_096
_SCHEME = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]+)://")
_TAKEN = re.compile(r"text:|@h_|~|[A-Za-z][A-Za-z0-9+.-]+://")
_UNSPEAKABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Inline:
    """Text that has no address."""

    text: str


@dataclass(frozen=True, slots=True)
class Url:
    """An http or https address."""

    address: str


@dataclass(frozen=True, slots=True)
class Handle:
    """An earlier result, or one document of it; only the handle store knows what it means."""

    ref: str


@dataclass(frozen=True, slots=True)
class PathSpec:
    """A file, folder or glob, as it was written."""

    text: str

    @property
    def meanings(self) -> tuple[Meaning, ...]:
        """What is tried in turn. Where no name can hold a colon, the literal name is not."""
        found = tuple(meaning for meaning in meanings(self.text) if meaning.address.strip())
        return found[1:] if os.name == "nt" and ":" in self.text.removeprefix(found[-1].address) else found


Spec = Inline | Url | Handle | PathSpec


def parse(source: str) -> Spec:
    """Take one source apart; refuses what no kind of source can look like."""
    if source.startswith("text:"):
        return Inline(source.removeprefix("text:"))
    if source.startswith("@h_"):
        return Handle(source)
    if not source.strip():
        raise BadArgument(f"A source is empty. {WHAT_SOURCES_CAN_BE}")
    if "\n" in source:
        raise BadArgument(f"A source that begins {source[:40]!a} has several lines, so it is no address. {PASTED}")
    if len(source) > _MOST_CHARACTERS:
        raise BadArgument(f"A source of {len(source):,} characters is no address. {WHAT_SOURCES_CAN_BE}")
    if not speakable(source):
        raise BadArgument(
            f"The source {source!a} holds a control character or half a surrogate pair, which no file that "
            f"can be shown in one line has in its name. Write the path as a listing prints it."
        )
    scheme = _SCHEME.match(source)
    return _addressed(source, scheme["scheme"].lower()) if scheme else PathSpec(source)


def speakable(name: str) -> bool:
    """Whether a name can be shown in one line, and passed again, without tricks on the reader."""
    return not _UNSPEAKABLE.search(name)


def as_address(path: str) -> str:
    """`path` so that `parse` takes it for a path again, even where it begins like another kind of source."""
    return f"./{path}" if _TAKEN.match(path) else path


def _addressed(source: str, scheme: str) -> Spec:
    if scheme in {"http", "https"}:
        return Url(source)
    if scheme != "file":
        raise BadArgument(f"{source!r}: {scheme} addresses can't be read. {WHAT_SOURCES_CAN_BE}")
    # late: 15 ms, for what is hardly ever written
    from urllib.request import url2pathname

    host, _, path = source[len("file://") :].partition("/")
    path = url2pathname(f"/{path}")
    if host.casefold() not in {"", "localhost"} or not speakable(path):
        raise BadArgument(f"{source!r} does not name a file of this machine. Pass the file's path instead.")
    return PathSpec(path)
