"""Ranked segments as the places that a reader would open: whole short blocks, each once, and the call for one."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, NamedTuple

from tamis_tools.document import Span
from tamis_tools.requests import ExpandRequest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tamis_tools.document import Document
    from tamis_tools.ranking import Hit, Ranking
    from tamis_tools.segments import Segment

WHOLE_BLOCK_LINES = 40
"""A block of at most so many lines is named whole; of a longer one, the lines of its best segment."""
PREVIEW_CHARS = 120

_DEFAULT_TOKENS = ExpandRequest(ref="").max_tokens
_TELLING = re.compile(r"\w.*\w", re.DOTALL)
_BESIDE_THE_POINT = re.compile(r"""[@#*]|//|/\*|--|\"{3}|'{3}""")


class Passage(NamedTuple):
    """A place of `documents[document]`, judged by its best segment."""

    document: int
    span: Span
    segment: Segment
    score: float


def passages(ranking: Ranking) -> Iterator[Passage]:
    """Every block once, best first."""
    seen: set[tuple[int, Span]] = set()
    for hit in ranking.hits:
        block = hit.document, hit.segment.block
        if block not in seen:
            seen.add(block)
            yield _placed(ranking.corpus.documents[hit.document], hit)


def first_of_each(found: Iterable[Passage]) -> list[Passage]:
    """The first passage of every document."""
    first: dict[int, Passage] = {}
    for passage in found:
        first.setdefault(passage.document, passage)
    return list(first.values())


def preview(document: Document, passage: Passage) -> Span:
    """The line that tells most about a place: of code its first statement, else the best segment's first line."""
    lines = list(_lines(document.text, passage.segment.span))
    if passage.segment.kind == "code":
        whole = _lines(document.text, passage.span)
        lines = [line for line in whole if not _BESIDE_THE_POINT.match(document.text, line.start)] + lines
    telling = (line for line in lines if _TELLING.search(document.text, *line))
    line = next(telling, lines[0] if lines else passage.segment.span)
    return Span(line.start, min(line.end, line.start + PREVIEW_CHARS))


def has_address(document: Document) -> bool:
    """False for a text that was passed in a call, which no later call can name."""
    return document.path is not None or not document.address.startswith("inline:")


def next_call(document: Document, span: Span) -> str:
    """The call that shows a place, as the end of a sentence; empty where the document can't be named again.

    The lines of a PDF are counted through all its pages, as everywhere but in what people read.
    """
    if not has_address(document):
        return ""
    first, last = document.lines_of(span)
    lines = f"{first}-{last}" if first < last else f"{first}"
    return f" Read one: {expand_call(f'{document.address}:{lines}')}"


def expand_call(ref: str, from_line: int = 0, max_tokens: int = _DEFAULT_TOKENS) -> str:
    """The call of `expand`, as an agent makes it; what is as by default is left out."""
    arguments = [f"ref={json.dumps(ref, ensure_ascii=not ref.isprintable())}"]
    if from_line:
        arguments.append(f"from_line={from_line}")
    if max_tokens != _DEFAULT_TOKENS:
        arguments.append(f"max_tokens={max_tokens}")
    return f"expand({', '.join(arguments)})"


def name(document: Document) -> str:
    """What a user calls a source: its address, with the lines that were asked for."""
    return document.locate(document.readable) if document.window else document.address


def _placed(document: Document, hit: Hit) -> Passage:
    lines = document.lines_of(hit.segment.block)
    short = lines.last - lines.first < WHOLE_BLOCK_LINES
    return Passage(hit.document, hit.segment.block if short else hit.segment.span, hit.segment, hit.score)


def _lines(text: str, span: Span) -> Iterator[Span]:
    """Lines of a span without the white space around them; empty ones are left out."""
    start = span.start
    for piece in text[span.start : span.end].split("\n"):
        stripped = piece.strip()
        if stripped:
            at = start + piece.index(stripped)
            yield Span(at, at + len(stripped))
        start += len(piece) + 1
