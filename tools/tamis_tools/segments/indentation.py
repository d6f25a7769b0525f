"""An outline of code without a grammar: lines that begin further left own the lines below them."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING

from tamis_tools.segments.outline import Lines, Part, Rows, cut_along

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tamis_tools.document import Document
    from tamis_tools.segments.model import Segment

_CLOSES = re.compile(r"[)}\]>]|(?:end|else|elif|elsif|fi|done|esac|then|do|catch|finally|rescue|ensure)\b|\{$|</")
"""Begins a line that goes on with what stands above it at the same depth."""
_COMMENT = re.compile(r"#(?:\s|!|$)|//|--\s|/\*|\*|;|<!--|%\s")
"""A line that goes with the one below it."""
_TAB = 4
_DEFINITION_ROWS = 3


def code_blocks(document: Document) -> Iterator[Segment]:
    """Segments of code by its indentation."""
    lines = Lines(document)
    return cut_along(lines, Indentation(lines), Part(Rows(0, lines.count - 1)))


class Indentation:
    """Parts begin at the lines of least indentation."""

    def __init__(self, lines: Lines) -> None:
        self.lines = lines
        self._depths = [_depth(lines.text[start:end]) for start, end in pairwise(lines.starts)]

    def parts(self, part: Part) -> Sequence[Part]:
        """Begins with the first line where that stands further left than the rest."""
        first, last = part.rows
        inside = range(first + 1, last + 1)
        least = min((depth for row in inside if (depth := self._depths[row]) is not None), default=None)
        starts = [first, *(row for row in inside if self._depths[row] == least is not None and self._opens(row))]
        if len(starts) == 1:
            return ()
        return [self._part(Rows(start, end - 1)) for start, end in pairwise([*starts, last + 1])]

    def _opens(self, row: int) -> bool:
        below_comment = self._depths[row - 1] == self._depths[row] and self._is_comment(row - 1)
        return not below_comment and not _CLOSES.match(self.lines.content(row))

    def _is_comment(self, row: int) -> bool:
        return bool(_COMMENT.match(self.lines.content(row)))

    def _part(self, rows: Rows) -> Part:
        head = next((row for row in range(rows.first, rows.last) if not self._is_comment(row)), rows.first)
        depth, below = self._depths[head], self._depths[min(head + 1, rows.last)]
        defines = rows.height >= _DEFINITION_ROWS and depth is not None and below is not None and below > depth
        return Part(rows, Rows(head, head) if defines else None)


def _depth(line: str) -> int | None:
    """Columns of white space before the text of a line; none where there is no text."""
    body = line.lstrip()
    if not body:
        return None
    lead = line[: len(line) - len(body)]
    return len(lead) + (_TAB - 1) * lead.count("\t")
