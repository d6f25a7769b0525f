"""Source code cut into functions, classes and groups of statements."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tamis_tools.segments.grammars import parse
from tamis_tools.segments.indentation import code_blocks
from tamis_tools.segments.partition import partition
from tamis_tools.segments.syntax import syntax_segments

if TYPE_CHECKING:
    from tamis_tools.document import Document
    from tamis_tools.segments.model import Segment


def segment_code(document: Document) -> tuple[Segment, ...]:
    """Along the syntax tree where there is one, else by indentation."""
    root = parse(document.language, document.text)
    return partition(document, syntax_segments(document, root) if root else code_blocks(document))
