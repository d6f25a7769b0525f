"""Things that are known by how they are written: dates, addresses, amounts, codes. No model, no guess at meaning.

Every pattern is linear: repeats are bounded, and a run that can't match is entered at its first character only.
"""

from __future__ import annotations

import errno
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from ipaddress import ip_address

from tamis_tools.document import Span
from tamis_tools.errors import BadArgument

WINDOW_CHARS = 262_144
"""About how much is searched at once, so that a caller can stop in between. Nothing found crosses a line."""

_MONTH = (
    r"(?:Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sept?(?:ember)?|Oct(?:ober)?"
    r"|Nov(?:ember)?|Dec(?:ember)?)\b\.?"
)
_DAY = r"(?:3[01]|[12][0-9]|0?[1-9])(?:st|nd|rd|th)?"
_YEAR = r"[12][0-9]{3}"
_DIGITS = r"(?:[0-9]{1,3}(?:[,.'\u2019][0-9]{3}){1,5}|[0-9]{1,15})(?:[.,][0-9]{1,6})?(?![0-9])"
_CURRENCY = r"USD|EUR|GBP|JPY|CHF|CAD|AUD|CNY|INR|SEK|NOK|DKK|PLN"
_SCALE = r"(?:[ \u00a0]?(?:thousand|million|billion|trillion|bn|[kKmM])\b)?"
_UNIT = r"(?:[ \u00a0]?(?:ns|us|µs|ms|s|min|h|[KMGT]i?B|kB|B|bytes|seconds|minutes|hours|days|px|km|cm|mm|m|kg|g|Hz)\b)"
_NAME = r"[\w.@%+~-]{1,128}"


@dataclass(frozen=True, slots=True)
class Pattern:
    """`check` says if what the expression matches is one, where the expression can't."""

    expression: re.Pattern[str]
    check: Callable[[str], bool] = bool


def _compiled(*alternatives: str, flags: int = 0) -> re.Pattern[str]:
    return re.compile("|".join(alternatives), flags)


def _is_address(text: str) -> bool:
    try:
        return ip_address(text).version == 4 or bool(re.search(r"[0-9]", text))
    except ValueError:
        return False


def _is_ticket(text: str) -> bool:
    return text.partition("-")[0] not in {"UTF", "ISO", "SHA", "MD", "RFC", "HTTP", "UCS", "AES", "X"}


def _is_error_code(text: str) -> bool:
    return _is_ticket(text) and (not re.fullmatch("E[A-Z]{2,15}", text) or text in errno.errorcode.values())


PATTERNS: dict[str, Pattern] = {
    "date": Pattern(
        _compiled(
            rf"\b{_YEAR}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])(?![0-9])",
            rf"\b{_YEAR}/(?:0?[1-9]|1[0-2])/(?:0?[1-9]|[12][0-9]|3[01])(?![0-9])",
            rf"(?<![\w.,/-])[0-3]?[0-9]([./-])[0-3]?[0-9]\1(?:{_YEAR}|[0-9]{{2}})(?![\w/-])(?!\.[0-9])",
            rf"(?<![\w.,]){_DAY} (?:of )?{_MONTH},?(?: {_YEAR}\b)?",
            rf"\b{_MONTH} {{1,2}}{_DAY}(?![0-9:]|\.[0-9])(?:,? {_YEAR}\b)?",
            rf"\b{_MONTH},? {_YEAR}\b",
        )
    ),
    "time": Pattern(
        _compiled(
            r"(?<![\w:.])(?:[01]?[0-9]|2[0-3]):[0-5][0-9](?::[0-6][0-9](?:[.,][0-9]{1,9})?)?(?![\d:])"
            r"(?: ?[AaPp]\.?[Mm]\b\.?)?(?:Z\b| ?[+-][0-9]{2}:?[0-9]{2}\b)?",
            r"(?<=[0-9]T)[0-2][0-9]:[0-5][0-9](?::[0-6][0-9](?:\.[0-9]{1,9})?)?(?:Z\b|[+-][0-9]{2}:?[0-9]{2}\b)?",
            r"(?<![\w:.])(?:1[0-2]|[1-9]) ?[ap]\.?m\b\.?",
        )
    ),
    "year": Pattern(_compiled(r"(?<![\w.,/-])(?:1[0-9]|20)[0-9]{2}(?![\w/-]|[.,][0-9])")),
    "email": Pattern(
        _compiled(r"(?<![\w.+%-])[\w.+%-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,8}(?![\w-])")
    ),
    "url": Pattern(
        _compiled(r"""\b(?:https?|ftp|wss?)://[^\s<>"'`]{0,2000}[^\s<>"'`.,;:!?)\]}*|]""", flags=re.IGNORECASE)
    ),
    "ip": Pattern(
        _compiled(
            r"(?<![\w.])(?:[0-9]{1,3}\.){3}[0-9]{1,3}(?![\w-]|\.[0-9])", r"(?<![\w:.])[0-9A-Fa-f:]{3,39}(?![\w:])"
        ),
        _is_address,
    ),
    "version": Pattern(
        _compiled(
            r"(?<![\w./-])v[0-9]{1,5}(?:\.[0-9]{1,5}){1,3}(?:[-+.]?[A-Za-z][\w]{0,15}(?:\.[0-9]{1,5})?)?(?!\w)",
            r"(?<![\w./-])[0-9]{1,5}\.[0-9]{1,5}\.[0-9]{1,5}(?:[-+.]?[A-Za-z]\w{0,15}(?:\.[0-9]{1,5})?)?(?![\w]|\.[0-9])",
            r"(?<=[Vv]ersion )[0-9]{1,5}(?:\.[0-9]{1,5}){0,3}",
            r"(?<=[=<>~]=)[0-9]{1,5}(?:\.[0-9]{1,5}){1,3}",
        )
    ),
    "amount": Pattern(
        _compiled(
            rf"(?:[$€£¥₹]|\b(?:{_CURRENCY}))[ \u00a0]?-?{_DIGITS}{_SCALE}",
            rf"(?<![\w.,]){_DIGITS}{_SCALE}[ \u00a0]?(?:[€£¥₹]|(?:{_CURRENCY}|dollars?|euros?|cents?|yen|francs?)\b)",
        )
    ),
    "percent": Pattern(
        _compiled(r"(?<![\w.,])[-+]?[0-9]{1,12}(?:[.,][0-9]{1,6})?[ \u00a0]?(?:%|per ?cent\b|percentage points?\b)")
    ),
    "number": Pattern(
        _compiled(
            r"(?<![\w.,:/-])[-+]?(?:[0-9]{1,3}(?:,[0-9]{3}){1,5}|[0-9]{1,20})(?![0-9])(?:\.[0-9]{1,12})?(?:[eE][-+]?[0-9]{1,3})?"
            rf"(?:{_UNIT}|(?![\w:/-]|[.,][0-9]))"
        )
    ),
    "path": Pattern(
        _compiled(
            rf"(?<![\w.:/\\<@%+~-])(?:~|\.{{1,2}})?(?:/{_NAME}){{1,40}}/?",
            rf"(?<![\w.:/\\@%+~-]){_NAME}(?:/{_NAME}){{0,30}}/[\w.@%+-]{{0,120}}\.[A-Za-z][\w]{{0,7}}(?![\w/])",
            r"""(?<!\w)[A-Za-z]:\\[^\s<>"'|?*:]{0,400}[^\s<>"'|?*:.,;)\]]""",
        )
    ),
    "identifier": Pattern(
        _compiled(
            r"\b[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}\b",
            r"\b[0-9a-f]{32,128}\b",
            r"\bCVE-[0-9]{4}-[0-9]{4,7}\b",
            r"(?<![\w-])[A-Z][A-Z0-9]{1,9}(?:-[0-9]{1,8}){1,3}(?![\w-])",
        ),
        _is_ticket,
    ),
    "error_code": Pattern(
        _compiled(
            r"\b(?:E2BIG|E[A-Z]{2,15})\b",
            r"\bERR(?:OR)?_[A-Z0-9_]{1,60}\b",
            r"\b0x[0-9A-Fa-f]{2,16}\b",
            r"(?<![\w-])[A-Z]{1,8}-?[0-9]{3,6}\b(?!-)",
            r"(?<!\w)[A-Z][A-Za-z0-9]{1,60}(?:Error|Exception|Warning)\b",
            r"(?:(?<=[Ee]rror )|(?<=[Ss]tatus )|(?<=[Cc]ode )|(?<=[Cc]ode: )|(?<=[Ee]rrno )|(?<=HTTP ))[0-9]{1,5}\b",
        ),
        _is_error_code,
    ),
    "phone": Pattern(
        _compiled(
            r"(?<![\w+])\+[0-9]{1,3}(?:[ .-]?(?:\([0-9]{1,4}\)|[0-9]{1,4})){2,5}(?![\w-])",
            r"(?<![\w.-])(?:\([0-9]{3}\)|[0-9]{3})[ .-][0-9]{3}[ .-][0-9]{4}(?![\w-])",
        ),
        lambda text: 7 <= sum(character.isdigit() for character in text) <= 15,
    ),
}
"""What can be asked for as entities. `identifier` is a UUID, hash or ticket; `error_code` also names exceptions."""


def canonical(name: str) -> str:
    """The name of an entity type as in `PATTERNS`; `BadArgument` says what there is."""
    key = name.strip().lower().replace(" ", "_").replace("-", "_")
    key = key if key in PATTERNS else key.removesuffix("_address").removesuffix("s")
    if key in PATTERNS:
        return key
    near = get_close_matches(key, PATTERNS, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    raise BadArgument(
        f"There is no entity type {name!r}.{hint} Entities are found by how they are written: "
        f"{', '.join(PATTERNS)}. For anything else use fields, as in fields=[{name!r}]."
    )


def find(pattern: Pattern, text: str, span: Span) -> Iterator[Span]:
    """Where the pattern stands inside a span."""
    for match in pattern.expression.finditer(text, span.start, span.end):
        if pattern.check(match[0]):
            yield Span(*match.span())


def windows(text: str, span: Span) -> Iterator[Span]:
    """The span in pieces that end with a line, or with a word where a line has no end."""
    start = span.start
    while start < span.end:
        end = min(start + WINDOW_CHARS, span.end)
        if end < span.end:
            cut = max(text.rfind("\n", start, end), 0) or text.rfind(" ", start, end)
            end = cut + 1 if cut > start else end
        yield Span(start, end)
        start = end
