"""The text of a PDF, taken out in another process, so that no file can hang or crash this one."""

from __future__ import annotations

import json
import subprocess
import sys

from tamis_tools.errors import SourceError

SECONDS = 20.0
COMMAND = ("-P", "-m", "tamis_tools.sources.pdf_worker")
"""What Python runs. `-P`: a module in the user's folder must not be run in place of ours."""


class UnreadablePdf(SourceError):
    """Encrypted, damaged, without text, or too slow; the message goes on from the file's name."""


def pdf_text(data: bytes, seconds: float = SECONDS) -> str:
    """The text of all pages in whole lines, each page ended by a form feed."""
    answer = _ask_worker(data, seconds)
    error = answer.get("error")
    if error:
        raise UnreadablePdf(_ERRORS[str(error)])
    pages = answer.get("pages")
    if not isinstance(pages, list):
        raise UnreadablePdf(_ERRORS["damaged"])
    # a line of its own for the form feed, or the last line of a page would be the first of the next
    text = "".join(f"{page}\f" if str(page).endswith("\n") else f"{page}\n\f" for page in pages)
    if not text.strip():
        raise UnreadablePdf(_ERRORS["images"])
    return text


_ERRORS = {
    "encrypted": "is a PDF locked with a password. Ask the user for an unlocked copy",
    "damaged": "is a damaged PDF. Ask the user for another copy",
    "images": "is a PDF of images without text. Ask the user for a copy with recognised text (for example by ocrmypdf)",
    "slow": "is a PDF that took too long to take apart. Ask the user for its text (for example by pdftotext)",
}


def _ask_worker(data: bytes, seconds: float) -> dict[str, object]:
    try:
        done = subprocess.run(
            [sys.executable, *COMMAND],
            input=data,
            capture_output=True,
            timeout=max(seconds, 0.1),
            check=False,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
    except subprocess.TimeoutExpired:
        raise UnreadablePdf(_ERRORS["slow"]) from None
    if done.returncode:
        return {"error": "damaged"}
    answer = json.loads(done.stdout)
    assert isinstance(answer, dict)
    return answer
