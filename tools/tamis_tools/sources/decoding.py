"""Bytes to text: marks, strict UTF-8, what the file says of itself, and only then a guess; binary is told apart."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from typing import Literal

from tamis_tools.sources.east_asian import east_asian

PROBE_BYTES = 8192

How = Literal["certain", "guessed", "repaired"]


@dataclass(frozen=True, slots=True)
class Decoded:
    """Text with its line ends as they were. `repaired` text holds U+FFFD where bytes said nothing."""

    text: str
    encoding: str
    how: How = "certain"


_MARKS = (  # UTF-32's mark begins with UTF-16's
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_CONTROLS = bytes(set(range(32)) - set(b"\t\n\v\f\r\b\x1b")) + b"\x7f"
_MOST_CONTROLS = 0.03
_DECLARED = re.compile(rb"""(?:charset|encoding|coding)[ \t]*[=:][ \t]*["']?([A-Za-z][A-Za-z0-9_.:-]{2,30})""")
_TEXT_CODECS = re.compile(r"utf-8|ascii|cp\d+|iso8859-\d+|koi8-\w|shift_jis\w*|euc_\w+|big5\w*|gb\w+|johab|mac-\w+")
_NOISE = re.compile(rb"(?<![A-Za-z\x80-\xff])[\xc0\xc1\xf5-\xff]+(?![A-Za-z\x80-\xff])")
"""Bytes that UTF-8 never holds, standing where no letter would."""
_HIGH = re.compile(rb"[\x80-\xff]+")
_ASCII_LETTERS = bytes(range(65, 91)) + bytes(range(97, 123))
_SAMPLE_BYTES = 64 * 1024

_BY_SCRIPT = "cp932 euc_jp cp949 gb18030 big5 cp1251 koi8_r cp1253 cp1255 cp1256 cp1252 cp1250"
"""What the guesser may answer."""

_WESTERN = ("cp1252", "cp1250")
_SYMBOL_IN_WORD = re.compile(r"[^\W\d_](?![’‘'·\u00ad])[^\w\s\x00-\x7f]+[^\W\d_]|[^\W\d_][¹¼¾¿¡]")


def looks_binary(head: bytes) -> bool:
    """Whether a file that begins so is no text in any encoding that `decode` knows."""
    if head.startswith(tuple(mark for mark, _ in _MARKS)) or _unmarked_utf16(head):
        return False
    sample = head[:PROBE_BYTES]
    controls = len(sample) - len(sample.translate(None, _CONTROLS))
    return b"\0" in sample or controls > _MOST_CONTROLS * len(sample)


def decode(data: bytes, declared: str = "") -> Decoded | None:
    """`data` as text, or None if it is binary. `declared` is what came with it, such as HTTP's charset."""
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return _leniently(data.removeprefix(mark), encoding)
    if wide := _unmarked_utf16(data):
        text = _leniently(data, wide)
        return Decoded(text.text, wide, "guessed")
    if looks_binary(data) or b"\0" in data:
        return None
    for encoding in (_known(declared), "utf-8", _known(_declared_inside(data))):
        if encoding and (text := _strictly(data, encoding)) is not None:
            return Decoded(text, encoding)
    return _leniently(data, "utf-8") if _mostly_utf8(data) else _guessed(data)


def _leniently(data: bytes, encoding: str) -> Decoded:
    strict = _strictly(data, encoding)
    if strict is not None:
        return Decoded(strict, encoding)
    return Decoded(data.decode(encoding, errors="replace"), encoding, "repaired")


def _strictly(data: bytes, encoding: str) -> str | None:
    try:
        return data.decode(encoding)
    except UnicodeError:
        return None


def _known(declared: str) -> str:
    """The codec that a file names, if it is one for text: others, such as unicode_escape, change what stands there."""
    try:
        name = codecs.lookup(declared).name if declared else ""
    except (LookupError, ValueError):
        return ""
    return name if _TEXT_CODECS.fullmatch(name) else ""


def _declared_inside(data: bytes) -> str:
    found = _DECLARED.search(data[:1024])
    return found[1].decode("ascii") if found else ""


def _unmarked_utf16(data: bytes) -> str:
    sample = data[:PROBE_BYTES]
    even, odd = sample[::2].count(0), sample[1::2].count(0)
    half = max(len(sample) // 2, 1)
    if odd > 0.4 * half and even <= 0.02 * half and odd >= 2:
        return "utf-16-le"
    return "utf-16-be" if even > 0.4 * half and odd <= 0.02 * half and even >= 2 else ""


def _mostly_utf8(data: bytes) -> bool:
    """Whether far more characters beyond ASCII are whole than broken, or all that is broken is noise."""
    if not _HIGH.search(_NOISE.sub(b"", data)):
        return True
    text = data.decode("utf-8", errors="replace")
    broken = text.count("\ufffd") - data.count("\ufffd".encode())
    whole = len(text) - len(text.encode("ascii", errors="ignore")) - text.count("\ufffd")
    return whole >= 3 * broken


def _guessed(data: bytes) -> Decoded | None:
    sample = data[:_SAMPLE_BYTES]
    sample = sample[: sample.rfind(b"\n") + 1] or sample
    encoding = _western(sample) if _is_latin(sample) else _by_script(sample)
    text = _strictly(data, encoding)
    if text is None:
        return Decoded(data.decode(encoding, errors="replace"), encoding, "repaired")
    return Decoded(text, encoding, "guessed")


def _is_latin(sample: bytes) -> bool:
    """Latin text has single letters beyond ASCII among many within; other scripts have them in runs."""
    runs = [len(run) for run in _HIGH.findall(sample)]
    high, ascii_letters = sum(runs), len(sample) - len(sample.translate(None, _ASCII_LETTERS))
    return high < 1.5 * len(runs) and (ascii_letters >= high or high <= 2)


def _western(sample: bytes) -> str:
    def oddities(encoding: str) -> int:
        text = sample.decode(encoding, errors="replace")
        return len(_SYMBOL_IN_WORD.findall(text)) + text.count("\ufffd")

    return min(_WESTERN, key=oddities)


def _by_script(sample: bytes) -> str:
    if encoding := east_asian(sample):
        return encoding
    # late: 20 ms, and nearly all files are UTF-8
    from charset_normalizer import from_bytes

    best = from_bytes(sample, cp_isolation=list[str](_BY_SCRIPT.split()), preemptive_behaviour=False).best()
    return best.encoding if best else "cp1252"
