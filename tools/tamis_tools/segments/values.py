"""JSON cut into members and elements of a readable size, each with the keys that lead to it."""

from __future__ import annotations

import re
from bisect import bisect_right
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from tamis_tools.document import Span
from tamis_tools.segments.cutting import line_start, without_end
from tamis_tools.segments.grammars import parse
from tamis_tools.segments.model import Segment
from tamis_tools.segments.partition import partition

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tree_sitter import Node

    from tamis_tools.document import Document

VALUE_CHARS = 600
"""A member or element up to this length is one segment."""
SMALL_CHARS, GROUP_CHARS = 100, 240
"""Small neighbours are put together up to this length."""
KEYS, KEY_CHARS = 4, 120
"""Keys that are shown: so many of the innermost ones, and so much of each."""
DEEPEST = 60

_CONTAINERS = {"object", "array", "ERROR"}
_NOT_ASCII = re.compile(r"[^\x00-\x7f]")

Keys = tuple[Span, ...]


class Unit(NamedTuple):
    """What reaches from `start` to where the next unit starts; `keys` lead to it."""

    start: int
    keys: Keys


def segment_values(document: Document) -> tuple[Segment, ...]:
    """As lines where it can't be parsed."""
    root = parse("json", document.text)
    if root is None:
        return partition(document, ())
    units = [*_Reader(document.text).units(root, 0, (), 0), Unit(len(document.text), ())]
    return partition(document, _segments(document.text, units))


def _segments(text: str, units: list[Unit]) -> Iterator[Segment]:
    for unit, following in pairwise(units):
        span = without_end(text, Span(unit.start, following.start))
        yield Segment(*span, "value", span, unit.keys[-KEYS:])


class _Reader:
    def __init__(self, text: str) -> None:
        self.text = text
        self.offset = offsets_of_bytes(text)

    def units(self, container: Node, start: int, keys: Keys, depth: int) -> Iterator[Unit]:
        """The units of an object or array that begins, with its key, at `start`."""
        group, begin = None, start
        for child in container.named_children:
            first, end = self.offset(child.start_byte), self.offset(child.end_byte)
            if begin is None:
                begin = line_start(self.text, first)
            value, inside = self._opened(child, keys) if end - first > VALUE_CHARS else (None, keys)
            if value is not None and depth < DEEPEST:
                yield from self.units(value, begin, inside, depth + 1)
                group = None
            elif group is None or end - first > SMALL_CHARS or end - group > GROUP_CHARS:
                yield Unit(begin, inside)
                group = begin if end - first <= SMALL_CHARS else None
            begin = None
        if begin is not None:
            yield Unit(begin, keys)

    def _opened(self, child: Node, keys: Keys) -> tuple[Node | None, Keys]:
        """The container in a large child, if that is what it holds, and the keys that lead there."""
        value = child.child_by_field_name("value") if child.type == "pair" else child
        key = child.child_by_field_name("key")
        if key is not None:
            start, end = self.offset(key.start_byte), self.offset(key.end_byte)
            keys = (*keys, Span(start, min(end, start + KEY_CHARS)))
        return (value if value is not None and value.type in _CONTAINERS else None), keys


def offsets_of_bytes(text: str) -> Callable[[int], int]:
    """From offsets in the UTF-8 of a text to offsets in the text."""
    if text.isascii():
        return int
    ends: list[int] = []  # for each character that isn't ASCII, where it ends in bytes
    extra: list[int] = [0]  # and how many bytes more than characters there are by then
    for match in _NOT_ASCII.finditer(text):
        width = len(match[0].encode("utf-8", "surrogatepass")) - 1
        extra.append(extra[-1] + width)
        ends.append(match.end() + extra[-1])
    return lambda at: at - extra[bisect_right(ends, at)]
