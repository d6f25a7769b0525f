"""Small texts that have no address, passed as they are."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

from tamis_tools.document import Document
from tamis_tools.errors import BadArgument
from tamis_tools.sources.formats import kind_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tamis_tools.limits import Limits

_MOST_BYTES_A_TOKEN = 64
"""More than any prose or code has: past that, the tokens need not be counted to know that they are too many."""


def inline_document(text: str, number: int) -> Document:
    """The `number`-th inline text of a call. Half surrogate pairs, which JSON can carry, become U+FFFD."""
    text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    kind = kind_of("", text)
    return Document(f"inline:{number}", text, *kind, raw_sha256=sha256(text.encode()).hexdigest())


def refuse_long_inline(texts: Sequence[str], limits: Limits) -> None:
    """Raise BadArgument if the inline texts of one call are together longer than the cap."""
    cap, whole = limits.max_inline_tokens, [text.encode("utf-8", "replace") for text in texts]
    size = sum(map(len, whole))
    if size <= cap:  # a token is a byte or more
        return
    if size > cap * _MOST_BYTES_A_TOKEN:
        raise _too_long(f"about {size // 4:,}", cap)
    # late: the ranks take 0.2 s to load
    from tamis_tools.tokens import count

    tokens = sum(count(text.decode()) for text in whole)
    if tokens > cap:
        raise _too_long(f"{tokens:,}", cap)


def _too_long(size: str, cap: int) -> BadArgument:
    return BadArgument(
        f"text is {size} tokens; at most {cap:,} are taken inline. You paid to write it once already; pass a path, "
        f"URL or @handle in sources instead, or redirect the command: cmd > out.txt."
    )
