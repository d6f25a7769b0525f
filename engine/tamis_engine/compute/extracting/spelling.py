"""Texts whose special tokens are read as the characters they are written with, and where each token stands."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tamis_engine.compute.tokens import MARK

if TYPE_CHECKING:
    from tamis_engine.compute.extracting.units import Offset
    from tamis_engine.compute.tokens import Tokeniser


def ids_and_offsets(tokeniser: Tokeniser, text: str) -> tuple[list[int], list[Offset]]:
    """Tokens and their characters."""
    ids: list[int] = []
    offsets: list[Offset] = []
    start = 0
    fragments = tokeniser.spelled(text).split(MARK)
    for fragment, read in zip(fragments, tokeniser.parts(fragments, offsets=True), strict=True):
        ids += read.ids
        offsets += [(start + first, start + last) for first, last in read.offsets]
        start += len(fragment)
    return ids, offsets
