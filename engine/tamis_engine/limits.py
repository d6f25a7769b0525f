"""How much one request may carry: what passes is cut by the caller, who knows where."""

from __future__ import annotations

from tamis_engine.errors import RequestInvalid
from tamis_engine.protocol import EncodeRequest, ExtractRequest, ScoreRequest

MAX_TEXTS = 4096
MAX_TEXT_BYTES = 8 * 2**20
MAX_PAIRS = 65_536
"""Labels times passages."""

Request = EncodeRequest | ScoreRequest | ExtractRequest


def check(request: Request) -> None:
    """Raises `RequestInvalid` with both numbers where a limit is passed."""
    texts = _texts_of(request)
    if len(texts) > MAX_TEXTS:
        raise RequestInvalid(f"{len(texts):,} texts in one request; at most {MAX_TEXTS:,} are possible. Split it.")
    size = sum(len(text.encode("utf-8", "surrogatepass")) for text in texts)
    if size > MAX_TEXT_BYTES:
        raise RequestInvalid(
            f"{size:,} bytes of text in one request; at most {MAX_TEXT_BYTES:,} are possible. Split it."
        )
    if isinstance(request, ExtractRequest) and (pairs := len(request.labels) * len(request.passages)) > MAX_PAIRS:
        raise RequestInvalid(
            f"{pairs:,} pairs of label and passage in one request; at most {MAX_PAIRS:,} are possible. Split it."
        )


def _texts_of(request: Request) -> tuple[str, ...]:
    match request:
        case EncodeRequest():
            return request.texts
        case ScoreRequest():
            return (request.query, *request.passages)
        case ExtractRequest():
            return (*request.labels, *request.passages)
