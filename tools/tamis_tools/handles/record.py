"""What a handle stands for, as it lies on disk; its name is the hash of its content."""

from __future__ import annotations

from base64 import b32encode
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Literal, NamedTuple

from pydantic import BaseModel, BeforeValidator, ConfigDict

from tamis_tools.document import Document, Format, LineRange

VERSION = 1


class Shown(NamedTuple):
    """Characters `start` to `end` of the kept document number `document` (from 0) that were shown already."""

    document: int
    start: int
    end: int


def _writable(value: object) -> object:
    # a file's name may hold bytes that are no UTF-8, which JSON can't say
    return value.encode("utf-8", "backslashreplace").decode() if isinstance(value, str) else value


_Words = Annotated[str, BeforeValidator(_writable)]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class KeptDocument(_Strict):
    """A document whose text lies beside it, in a file named by the text's hash."""

    address: _Words
    text_sha256: str
    format: Format
    language: _Words
    encoding: str
    path: _Words | None
    raw_sha256: str
    window: LineRange | None

    @classmethod
    def of(cls, document: Document, text_sha256: str) -> KeptDocument:
        """The facts of a document, with its text's hash in place of the text."""
        return cls(
            address=document.address,
            text_sha256=text_sha256,
            format=document.format,
            language=document.language,
            encoding=document.encoding,
            path=str(document.path) if document.path else None,
            raw_sha256=document.raw_sha256,
            window=document.window,
        )

    def with_text(self, text: str) -> Document:
        """The document as it was put."""
        return Document(
            address=self.address,
            text=text,
            format=self.format,
            language=self.language,
            encoding=self.encoding,
            path=Path(self.path) if self.path else None,
            raw_sha256=self.raw_sha256,
            window=self.window,
        )


class Content(_Strict):
    """All that decides a handle's name: no times, so that the same content has the same handle."""

    documents: tuple[KeptDocument, ...]
    query: _Words
    shown: tuple[Shown, ...]
    pending: tuple[_Words, ...]

    @property
    def name(self) -> str:
        """16 characters of base32, 80 bits of the hash."""
        digest = sha256(self.model_dump_json().encode()).digest()
        return b32encode(digest)[:16].decode().lower()


class Record(_Strict):
    """A record file. `created` is the time of the last put."""

    version: Literal[1]
    created: float
    content: Content


class Head(BaseModel):
    """As much of a record as any version of Tamis can read."""

    version: int
