"""Tokens as the client counts them: o200k_base, from ranks that the package carries."""

from __future__ import annotations

from base64 import b64decode
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tiktoken import Encoding

RANKS_SHA256 = "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d"


_PATTERN = "|".join(
    (
        r"""[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?""",
        r"""[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?""",
        r"""\p{N}{1,3}""",
        r""" ?[^\s\p{L}\p{N}]+[\r\n/]*""",
        r"""\s*[\r\n]+""",
        r"""\s+(?!\S)""",
        r"""\s+""",
    )
)
"""How o200k_base cuts text before it merges bytes; tiktoken (MIT) states it in `tiktoken_ext.openai_public`."""


@cache
def _encoding() -> Encoding:
    # late: the ranks take 45 MB and 0.2 s, and a server that is only asked for its tools needs none of it
    import tiktoken

    with files("tamis_tools").joinpath("data/o200k_base.tiktoken").open("rb") as lines:
        ranks = {b64decode(token): int(rank) for token, rank in (line.split() for line in lines)}
    encoding = tiktoken.Encoding("o200k_base", pat_str=_PATTERN, mergeable_ranks=ranks, special_tokens={})
    ranks.clear()  # only decoding looks into it; its own copy is what counts
    return encoding


_EXACT_CHARS = 400_000
"""A run of a million blanks overflows the stack of tiktoken's pattern matcher, so longer texts are cut first."""


def count(text: str) -> int:
    """How many o200k_base tokens `text` is. Words that are special to a model count as plain text.

    Exact up to 400,000 characters; a longer text may come out a token high or low for each cut.
    """
    pieces = (text[at : at + _EXACT_CHARS] for at in range(0, len(text), _EXACT_CHARS))
    return sum(len(_encoding().encode_ordinary(piece)) for piece in pieces)
