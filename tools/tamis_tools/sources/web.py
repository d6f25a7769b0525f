"""One page over http or https, and nothing on a private network: what a name resolves to is checked and used.

The check stands where the connection is opened, so there is no second look-up to race against, and every
redirect meets it again. No cookies, no credentials, no proxy or other setting from the environment.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import httpcore2
import httpx2

from tamis_tools.errors import SourceError, SourceTooLarge
from tamis_tools.sources.gate import Gate
from tamis_tools.sources.guarded import GuardedBackend

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MOST_REDIRECTS = 5
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_READ_BYTES = 64 * 1024
_TYPES = ("text/", "application/json", "application/xml", "application/xhtml+xml", "application/pdf", "application/csv")
_TYPE_ENDS = ("+json", "+xml", "jsonl", "x-ndjson", "/javascript", "yaml")


@dataclass(frozen=True, slots=True)
class Page:
    """What came back from `path`. `media_type` is without parameters; `charset` is empty where none was stated."""

    path: str
    data: bytes
    media_type: str
    charset: str


def fetch(url: str, most_bytes: int, seconds: float, gate: Gate | None = None) -> Page:
    """Get one page; raises SourceError with what to do about it."""
    gate = gate or Gate()
    backend = GuardedBackend(gate, gate.clock() + seconds)
    try:
        with httpcore2.ConnectionPool(network_backend=backend, ssl_context=httpcore2.default_ssl_context()) as pool:
            return _follow(pool, url, most_bytes, gate)
    except httpcore2.TimeoutException:
        raise SourceError(f"{url} took longer than {seconds:.0f} s. Try again, or pass a file instead.") from None
    except (httpcore2.NetworkError, httpcore2.ProtocolError, OSError, UnicodeError) as error:
        reason = str(error) or type(error).__name__
        raise SourceError(f"{url} could not be fetched ({reason}). Check the address.") from None


def _follow(pool: httpcore2.ConnectionPool, url: str, most_bytes: int, gate: Gate) -> Page:
    at = _checked(url, url, gate)
    for _ in range(MOST_REDIRECTS + 1):
        with pool.stream("GET", _wire(at), headers=_headers(at)) as response:
            headers = {name.lower(): value.decode("latin-1") for name, value in response.headers}
            if response.status in _REDIRECTS and b"location" in headers:
                at = _checked(str(at.join(headers[b"location"])), url, gate)
                continue
            if response.status != 200:
                raise SourceError(f"{url} answered {response.status}. Check the address.")
            media_type, charset = _media_type(headers.get(b"content-type", ""), url)
            coding = headers.get(b"content-encoding", "identity").strip().lower()
            chunks = _unpacked(response.iter_stream(), coding, url)
            return Page(at.path, _collected(chunks, most_bytes, url), media_type, charset)
    raise SourceError(f"{url} redirects more than {MOST_REDIRECTS} times. Pass the address that it should end at.")


def _checked(target: str, given: str, gate: Gate) -> httpx2.URL:
    try:
        at = httpx2.URL(target)
        if b"%" in at.raw_host:
            raise ValueError(target)
    except (httpx2.InvalidURL, ValueError):
        raise SourceError(f"{given} is not a URL that can be read. Check it.") from None
    if at.scheme not in {"http", "https"} or not at.host:
        raise SourceError(f"{given} leads to {target}, which is not http or https. Pass another source.")
    if at.userinfo:
        raise SourceError(f"{given} holds a user name or password, which is never sent. Pass it without.")
    port = at.port or (443 if at.scheme == "https" else 80)
    if gate.ports is not None and port not in gate.ports:
        ports = ", ".join(map(str, sorted(gate.ports)))
        raise SourceError(f"{given} leads to port {port}; only {ports} are connected to. Pass another source.")
    return at.copy_with(fragment=None)


def _wire(at: httpx2.URL) -> httpcore2.URL:
    return httpcore2.URL(scheme=at.raw_scheme, host=at.raw_host, port=at.port, target=at.raw_path)


def _headers(at: httpx2.URL) -> list[tuple[bytes, bytes]]:
    return [
        (b"Host", at.netloc),
        (b"User-Agent", b"tamis"),
        (b"Accept", b"text/html, text/*, application/json, application/pdf;q=0.9"),
        (b"Accept-Encoding", b"identity"),
    ]


def _media_type(header: str, url: str) -> tuple[str, str]:
    media_type, *parameters = (part.strip() for part in header.split(";"))
    media_type = media_type.lower()
    if not media_type.startswith(_TYPES) and not media_type.endswith(_TYPE_ENDS):
        raise SourceError(f"{url} is {media_type or 'of no stated type'}, not text or PDF. Pass another source.")
    charsets = (part[8:].strip("\"' ") for part in parameters if part.lower().startswith("charset="))
    return media_type, next(charsets, "")


def _unpacked(chunks: Iterable[bytes], coding: str, url: str) -> Iterator[bytes]:
    """Some servers compress whatever they are asked; in small steps, so that a bomb meets the cap first."""
    if coding in {"", "identity"}:
        yield from chunks
        return
    if coding not in {"gzip", "x-gzip"}:
        raise SourceError(f"{url} came packed as {coding}, which was not asked for. Pass another source.")
    unpacker = zlib.decompressobj(wbits=31)
    try:
        for chunk in chunks:
            packed = chunk
            while packed:
                yield unpacker.decompress(packed, _READ_BYTES)
                packed = unpacker.unconsumed_tail
    except zlib.error:
        raise SourceError(f"{url} came with damaged compression. Try again, or pass another source.") from None


def _collected(chunks: Iterable[bytes], most_bytes: int, url: str) -> bytes:
    data = bytearray()
    for chunk in chunks:
        data += chunk
        if len(data) > most_bytes:
            raise SourceTooLarge(
                f"{url} is larger than the {most_bytes / 2**20:.0f} MB that one page may have. Save the part that "
                f"matters as a file and pass that."
            )
    return bytes(data)
