"""Segments as text, to compare with what a reader would expect."""

from collections.abc import Callable
from typing import NamedTuple

import pytest

from tamis_tools.document import Document, Format, LineRange
from tamis_tools.segments import segment


class Piece(NamedTuple):
    """The characters of a segment, of its context and of its block."""

    text: str
    kind: str
    context: tuple[str, ...]
    block: str


Cut = Callable[..., list[Piece]]


def _cut(text: str, form: Format, language: str = "", window: LineRange | None = None) -> list[Piece]:
    document = Document("d", text, form, language, window=window)
    return [
        Piece(
            text[one.start : one.end],
            one.kind,
            tuple(text[start:end] for start, end in one.context),
            text[one.block.start : one.block.end],
        )
        for one in segment(document)
    ]


@pytest.fixture
def cut() -> Cut:
    return _cut
