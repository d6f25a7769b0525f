"""One found file to one document: refused if secret or too large, decoded, its kind told."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from hashlib import file_digest, sha256
from typing import TYPE_CHECKING

from tamis_tools.document import Document
from tamis_tools.errors import SecretRefused, SourceError, SourceTooLarge
from tamis_tools.sources.containment import Inside, explain, opened
from tamis_tools.sources.credentials import HEAD_BYTES, holds_a_private_key, named_like_a_secret
from tamis_tools.sources.decoding import PROBE_BYTES, Decoded, decode, looks_binary
from tamis_tools.sources.formats import kind_of
from tamis_tools.sources.pdf import SECONDS as PDF_SECONDS
from tamis_tools.sources.pdf import pdf_text
from tamis_tools.sources.specs import speakable

if TYPE_CHECKING:
    from pathlib import Path

    from tamis_tools.parts import Part
    from tamis_tools.scope import Scope
    from tamis_tools.sources.web import Page


class Binary(SourceError):
    """No text in any encoding."""


class Empty(SourceError):
    """Nothing but white space."""


@dataclass(frozen=True, slots=True)
class Found:
    """A file to read. `named` files were asked for by name; the others were met by a walk."""

    place: Inside
    address: str
    part: Part | None = None
    named: bool = False

    def __str__(self) -> str:
        return f"{self.address}{self.part or ''}"


@dataclass(frozen=True, slots=True)
class Loaded:
    """A document, how sure its decoding is, and the size of what was read."""

    document: Document
    decoded: Decoded
    size_bytes: int


def load(found: Found, scope: Scope, seconds: float = PDF_SECONDS) -> Loaded:
    """Read one file; raises what of SourceError says why not."""
    refuse_secret_name(found.place.path, found.address, scope)
    if not speakable(found.address):
        raise SourceError(f"{found.address!a} has a name that can't be shown. Ask the user to rename it.")
    data = _bytes_of(found, scope)
    name, path = found.place.path.name, found.place.path
    decoded = _decoded(data, found.address, seconds=seconds)
    kind = kind_of(name, decoded.text, "application/pdf" if is_pdf(data) else "")
    document = Document(found.address, decoded.text, *kind, decoded.encoding, path, sha256(data).hexdigest())
    if found.part:
        document = replace(document, window=found.part.window(document, found.address))
    return Loaded(document, decoded, len(data))


def loaded_page(url: str, page: Page, seconds: float) -> Loaded:
    """The document of a page that was fetched."""
    decoded = _decoded(page.data, url, page.charset, seconds)
    kind = kind_of(page.path, decoded.text, page.media_type)
    document = Document(url, decoded.text, *kind, decoded.encoding, raw_sha256=sha256(page.data).hexdigest())
    return Loaded(document, decoded, len(page.data))


def _decoded(data: bytes, address: str, declared: str = "", seconds: float = PDF_SECONDS) -> Decoded:
    try:
        decoded = (
            Decoded(pdf_text(data, min(seconds, PDF_SECONDS)), "utf-8") if is_pdf(data) else decode(data, declared)
        )
    except SourceError as error:
        raise explain(address, error) from None
    if decoded is None:
        raise Binary(f"{address} is binary.")
    if not decoded.text or decoded.text.isspace():
        raise Empty(f"{address} is empty.")
    return decoded


def refuse_secret_name(path: Path, given: str, scope: Scope) -> None:
    """Raise SecretRefused if a path is that of a credential, unless the user allows those."""
    if not scope.allow_secrets and named_like_a_secret(path.parts):
        raise _secret(given)


def is_pdf(data: bytes) -> bool:
    """Whether bytes begin as a PDF does."""
    return data[:1024].lstrip().startswith(b"%PDF-")


def raw_sha256(path: Path) -> str:
    """The hash of a file's bytes, as `Document.raw_sha256` has it; OSError or SourceError if it can't be read."""
    with opened(Inside(path, path.parent)) as descriptor, os.fdopen(os.dup(descriptor), "rb") as file:
        return file_digest(file, "sha256").hexdigest()


def _secret(given: str) -> SecretRefused:
    return SecretRefused(
        f"{given} looks like a credential (secret pattern) and is not read. Ask the user to add --allow-secrets if it "
        f"must be; do not retry."
    )


def _bytes_of(found: Found, scope: Scope) -> bytes:
    cap = scope.limits.max_file_bytes
    try:
        with opened(found.place) as descriptor:
            size = os.fstat(descriptor).st_size
            data = _some(descriptor, max(PROBE_BYTES, HEAD_BYTES))
            if not scope.allow_secrets and holds_a_private_key(data):
                raise _secret(found.address)
            if looks_binary(data) and not is_pdf(data):
                raise Binary(f"{found.address} is binary.")
            if size <= cap:
                data += _some(descriptor, cap + 1 - len(data))
    except (Binary, SecretRefused):
        raise
    except (OSError, SourceError) as error:
        raise explain(found.address, error) from None
    if max(size, len(data)) > cap:
        raise _too_large(found.address, max(size, len(data)), cap)
    return data


def _some(descriptor: int, most_bytes: int) -> bytes:
    """At most so many bytes; fewer only at the end of the file."""
    chunks: list[bytes] = []
    while most_bytes > 0 and (chunk := os.read(descriptor, min(most_bytes, 1 << 20))):
        chunks.append(chunk)
        most_bytes -= len(chunk)
    return b"".join(chunks)


def _too_large(given: str, size: int, cap: int) -> SourceTooLarge:
    return SourceTooLarge(
        f"{given} is {_megabytes(size)}; files up to {_megabytes(cap)} are read. Cut it first (grep PATTERN {given} > "
        f"part.txt, or split) and pass the part."
    )


def _megabytes(size: int) -> str:
    return f"{size / 2**20:,.1f} MB" if size >= 2**20 else f"{size:,} bytes"
