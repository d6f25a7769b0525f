"""Four novels of Project Gutenberg, in the public domain in the US, less its headers and footers."""

from __future__ import annotations

import re

from tamis_evals.datasets.data import Data

BOOKS = (
    "gutenberg-haystack/moby_dick.txt",
    "gutenberg-haystack/pride_and_prejudice.txt",
    "gutenberg-haystack/sherlock_holmes.txt",
    "gutenberg-haystack/war_and_peace.txt",
)
_MARKER = re.compile(r"^\*\*\* ?(?:START|END) OF TH(?:IS|E) PROJECT GUTENBERG EBOOK.*$", re.MULTILINE)
_FRAME = re.compile(r"Project Gutenberg|^(?:Produced by|CHAPTER)\b")
_ENDS = re.compile(r"""[.!?:;,\-—][)\]'"”’_]*$""")


def paragraphs(data: Data) -> list[str]:
    """Paragraphs of prose of all four, one line each; headings, verse titles and contents are left out.

    Raises `DataMissing`.
    """
    return [paragraph for book in BOOKS for paragraph in prose(data.text(book))]


def prose(book: str) -> list[str]:
    """What stands between the markers, unwrapped; a paragraph that does not end as a sentence does is a heading."""
    parts = _MARKER.split(book.replace("\r\n", "\n").removeprefix("\ufeff"))
    body = parts[1] if len(parts) > 1 else parts[0]
    lines = (" ".join(paragraph.split()) for paragraph in re.split(r"\n\s*\n", body))
    return [line for line in lines if _ENDS.search(line) and not _FRAME.search(line) and not line.isupper()]
