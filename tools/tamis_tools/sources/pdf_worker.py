"""Runs as a short-lived process: a PDF on stdin, its pages' text as JSON on stdout. Damaged files may kill it."""

from __future__ import annotations

import json
import sys
from contextlib import suppress

import pypdfium2

MOST_PAGES = 5_000
MOST_CHARACTERS = 16_000_000
MEMORY_BYTES = 2 * 1024**3
PROCESSOR_SECONDS = 60
"""More than anyone waits: past it nobody does, and the process that would have ended this one may be gone."""


def main() -> None:
    """Answer `{"pages": [...]}` or `{"error": "encrypted" | "damaged"}`."""
    _limit_resources()
    print(json.dumps(_answer(sys.stdin.buffer.read())))  # noqa: T201 - stdout is this process's answer


def _answer(data: bytes) -> dict[str, object]:
    try:
        document = pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as error:
        return {"error": "encrypted" if "password" in str(error).casefold() else "damaged"}
    pages: list[str] = []
    room = MOST_CHARACTERS
    for index in range(min(len(document), MOST_PAGES)):
        pages.append(_page(document, index)[:room])
        room -= len(pages[-1])
        if room <= 0:
            break
    return {"pages": pages}


def _page(document: pypdfium2.PdfDocument, index: int) -> str:
    try:
        text = document[index].get_textpage().get_text_bounded()
    except pypdfium2.PdfiumError:
        return ""  # one broken page must not cost the others
    text = text.replace("\r\n", "\n").replace("\f", "\n").replace("\0", "")
    # pdfium marks the hyphen of a word broken over two lines so
    return text.replace("\ufffe", "-").replace("\x02", "-").encode("utf-8", "replace").decode("utf-8")


def _limit_resources() -> None:
    try:
        import resource
    except ImportError:  # Windows
        return
    for limit, most in ((resource.RLIMIT_AS, MEMORY_BYTES), (resource.RLIMIT_CPU, PROCESSOR_SECONDS)):
        with suppress(OSError, ValueError):  # a lower limit is already there
            resource.setrlimit(limit, (most, most))


if __name__ == "__main__":
    main()
