"""Units for the baselines where a data set has none: the cuts that Tamis makes, so that only choosing differs."""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

from tamis_evals.sample import Passage, Sample, Source, Unit
from tamis_tools.document import Document
from tamis_tools.segments import segment
from tamis_tools.sources.formats import kind_of

Grain = Literal["sentences", "blocks"]


def units(sample: Sample, grain: Grain) -> tuple[Unit, ...]:
    """Sentences (lines, records) or blocks (paragraphs, functions, tables) of all sources, in reading order."""
    own = sample.sentences if grain == "sentences" else sample.blocks
    return own or _cut(sample.sources, grain)


@lru_cache(maxsize=4)
def _cut(sources: tuple[Source, ...], grain: Grain) -> tuple[Unit, ...]:
    pieces = ((number, piece) for number, source in enumerate(sources) for piece in segment(_document(source)))
    spans = ((number, piece.span if grain == "sentences" else piece.block) for number, piece in pieces)
    return tuple(Unit(Passage(number, *span)) for number, span in dict.fromkeys(spans))


def _document(source: Source) -> Document:
    kind = kind_of(source.name, source.text)
    return Document(source.name, source.text, kind.format, kind.language)
