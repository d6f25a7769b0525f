"""What an agent writes to name kept documents, and what it means.

`@h_x` is all of them, `@h_x/src/app.py` the one of that address, `@h_x#3` the third. After each may stand
lines (`:120-260`) and a character position (`#c12000`), which is how paging goes on inside a line that
is longer than an answer.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import TYPE_CHECKING

from tamis_tools.document import LineRange
from tamis_tools.errors import BadArgument, HandleError
from tamis_tools.render import some

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tamis_tools.document import Document
    from tamis_tools.handles.store import HandleStore, Kept

_REF = re.compile(r"(?P<handle>[^/#:]*)(?P<rest>.*)", re.DOTALL)
_REST = re.compile(
    r"(?P<part>.*?)(?P<lines>:(?P<first>\d{1,9})(?:-(?P<last>\d{1,9}))?)?(?:#c(?P<at>\d{1,9}))?", re.DOTALL
)
_NAMED = 5


@dataclass(frozen=True, slots=True)
class Target:
    """What a reference names. `ref` is the reference without its character position `at`."""

    ref: str
    kept: Kept
    documents: tuple[Document, ...]
    lines: LineRange | None = None
    at: int | None = None

    @property
    def single(self) -> Document | None:
        """The one original that is named, if there is only one; it may have been put twice, for other lines."""
        return self.documents[0] if len({(each.address, each.text) for each in self.documents}) == 1 else None


def recall(store: HandleStore) -> Callable[[str], Sequence[Document]]:
    """A reader of references, for sources; a character position means nothing there and is left out."""

    def read(ref: str) -> Sequence[Document]:
        target = resolve(store, ref)
        if target.lines is None:
            return target.documents
        return tuple(replace(document, window=target.lines) for document in target.documents)

    return read


def resolve(store: HandleStore, ref: str) -> Target:
    """What a reference names; raises `HandleError`, or `BadArgument` for a place that is not there."""
    handle, rest = _matched(_REF, ref).group("handle", "rest")
    kept = store.get(handle)
    exact = _named(kept, rest)  # first, because an address may end like lines or a position
    if exact:
        return Target(ref, kept, exact)
    match = _matched(_REST, rest)
    documents = _named(kept, match["part"])
    if not documents:
        raise HandleError(_nothing(handle, kept, match["part"]))
    ref = f"{handle}{match['part']}{match['lines'] or ''}"
    at = int(match["at"]) if match["at"] else None
    target = Target(ref, kept, documents, _lines(match), at)
    if target.lines or at is not None:
        _check_place(target)
    return target


def _matched(pattern: re.Pattern[str], text: str) -> re.Match[str]:
    match = pattern.fullmatch(text)
    assert match  # both patterns match anything
    return match


def _named(kept: Kept, part: str) -> tuple[Document, ...]:
    if not part:
        return kept.documents
    if re.fullmatch(r"#\d{1,9}", part):
        number = int(part[1:])
        return kept.documents[number - 1 : number] if number else ()
    return tuple(each for each in kept.documents if part == f"/{each.address}")


def _lines(match: re.Match[str]) -> LineRange | None:
    if not match["lines"]:
        return None
    return LineRange(int(match["first"]), int(match["last"] or match["first"]))


def _check_place(target: Target) -> None:
    document = target.single
    if document is None:
        raise BadArgument(f"{target.ref} names {len(target.documents)} documents; lines need one of them.")
    total, size = len(document.line_starts), len(document.text)
    if target.lines and not 1 <= target.lines.first <= min(target.lines.last, total):
        raise BadArgument(f"{target.ref}: lines go from 1 to {total}, the first before the last.")
    if target.at is not None and target.at > size:
        raise BadArgument(f"{target.ref} has {size} characters; #c{target.at} is past its end.")


def _nothing(handle: str, kept: Kept, part: str) -> str:
    if not kept.documents:
        return f"{handle} holds no documents."
    known = [each.address for each in kept.documents]
    near = get_close_matches(part.lstrip("/"), known, n=1)
    if near:
        return f"{handle} holds nothing named {part!r}. Did you mean {handle}/{near[0]}?"
    return f"{handle} holds nothing named {part!r}. It holds {some(known, _NAMED)}."
