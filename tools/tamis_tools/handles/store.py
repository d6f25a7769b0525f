"""The store of handles: a folder that several processes may share, and in which any may be killed.

A record is a small JSON file named by the hash of its content; the texts lie beside it as plain files
named by theirs, so the same text is kept once. Names are checked against content whenever something is
read, so a torn or altered file can't pass for the original. There is no index to go out of step.
"""

from __future__ import annotations

import re
import time
from contextlib import suppress
from dataclasses import dataclass, field
from difflib import get_close_matches
from hashlib import sha256
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import ValidationError

from tamis_tools.errors import HandleError, SourceError
from tamis_tools.handles import files
from tamis_tools.handles.record import VERSION, Content, Head, KeptDocument, Record, Shown
from tamis_tools.handles.retention import Retention, surplus

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tamis_tools.document import Document

_REF = re.compile(r"@h_([a-z2-7]{16})")
_AGAIN = "Make the call that gave it again."


def default_folder() -> Path:
    """Where handles are kept unless the user says otherwise; the folder need not exist."""
    # late: only a caller that was given no folder needs it
    from platformdirs import user_cache_path

    return user_cache_path("tamis", appauthor=False) / "handles"


@dataclass(frozen=True, slots=True)
class Kept:
    """What a handle stands for.

    `file` is where the text of a single document lies, for a reader without these tools; None for several.
    """

    documents: tuple[Document, ...]
    query: str
    shown: tuple[Shown, ...]
    pending: tuple[str, ...]
    file: Path | None


@dataclass(slots=True)
class HandleStore:
    """Keeps documents under `folder`, which is made on the first put. See `Retention` for how long.

    Several connections may share a folder; `within` holds the roots of this one, and what was read outside of
    them is not given back. None means that any of it is.
    """

    folder: Path
    clock: Callable[[], float] = time.time
    retention: Retention = field(default_factory=Retention)
    within: tuple[Path, ...] | None = None
    _unswept_bytes: float = field(default=inf, init=False)

    def put(
        self,
        documents: Sequence[Document],
        *,
        query: str = "",
        shown: Sequence[Shown] = (),
        pending: Sequence[str] = (),
    ) -> str:
        """Keep documents and what was done with them; gives `@h_…`, the same for the same content."""
        try:
            content = Content(
                documents=tuple(KeptDocument.of(each, self._put_text(each.text)) for each in documents),
                query=query,
                shown=tuple(shown),
                pending=tuple(pending),
            )
            record = Record(version=VERSION, created=self.clock(), content=content)
            self._write(self._record_file(content.name), record.model_dump_json().encode())
        except OSError as error:
            raise HandleError(f"The original can't be kept in {self.folder}: {error}.") from error
        self._sweep()
        return f"@h_{content.name}"

    def get(self, ref: str) -> Kept:
        """What `@h_…` stands for; counts as a use. Raises `HandleError`."""
        record = self._record(ref)
        self._check_within(record, ref)
        texts = {each.text_sha256: self._text(each, ref) for each in record.content.documents}
        documents = tuple(each.with_text(texts[each.text_sha256]) for each in record.content.documents)
        return Kept(
            documents=documents,
            query=record.content.query,
            shown=record.content.shown,
            pending=record.content.pending,
            file=self._text_file(next(iter(texts))) if len(documents) == 1 else None,
        )

    def attach(self, data: bytes, suffix: Literal[".npy", ".safetensors", ".json"]) -> Path:
        """Keep vectors, or what they are of, in a file as long as handles are kept; the same data is the same file."""
        path = self.folder / "files" / f"{sha256(data).hexdigest()}{suffix}"
        try:
            self._write(path, data)
        except OSError as error:
            raise HandleError(f"The file can't be kept in {self.folder}: {error}.") from error
        self._sweep()
        return path

    def changed(self, document: Document) -> bool:
        """True if the file that a document was read from is gone or differs by now."""
        if document.path is None or not document.raw_sha256:
            return False
        # late: a server that has not read anything yet needs no readers
        from tamis_tools.sources import raw_sha256

        try:
            return raw_sha256(document.path) != document.raw_sha256
        except (OSError, SourceError):
            return True

    def _record_file(self, name: str) -> Path:
        return self.folder / "records" / f"{name}.json"

    def _text_file(self, text_sha256: str) -> Path:
        return self.folder / "texts" / f"{text_sha256}.txt"

    def _write(self, path: Path, data: bytes) -> None:
        files.make_folder(self.folder)
        files.make_folder(path.parent)
        files.write(path, data, self.clock())
        self._unswept_bytes += len(data)

    def _put_text(self, text: str) -> str:
        data = text.encode("utf-8", "surrogatepass")
        name = sha256(data).hexdigest()
        path = self._text_file(name)
        files.touch(path, self.clock())  # first, so that no other process removes it as unused meanwhile
        # the size is enough here: a file whose content is not its name is found out, and removed, when read
        if not path.is_file() or path.stat().st_size != len(data):
            self._write(path, data)
        return name

    def _record(self, ref: str) -> Record:
        match = _REF.fullmatch(ref)
        if not match:
            raise HandleError(
                f"{_short(ref)} is not a handle: that is @h_ and 16 letters or digits, as printed." + self._near(ref)
            )
        path = self._record_file(match[1])
        try:
            data = path.read_bytes()
        except OSError:
            raise HandleError(f"{ref} is unknown or has expired.{self._near(ref)} {_AGAIN}") from None
        record = _parsed(data, ref)
        if record.content.name != match[1]:
            raise _damaged(ref)
        files.touch(path, self.clock())
        return record

    def _check_within(self, record: Record, ref: str) -> None:
        paths = (document.path for document in record.content.documents if document.path)
        for path in paths if self.within is not None else ():
            if not any(Path(path).is_relative_to(root) for root in self.within or ()):
                raise HandleError(f"{ref} holds files of a closed folder. Ask the user to add --root; do not retry.")

    def _text(self, document: KeptDocument, ref: str) -> str:
        path = self._text_file(document.text_sha256)
        try:
            data = path.read_bytes()
        except OSError:
            raise HandleError(f"The text of {document.address} in {ref} has expired. {_AGAIN}") from None
        if sha256(data).hexdigest() != document.text_sha256:
            with suppress(OSError):
                path.unlink()  # so that the next put writes it anew
            raise _damaged(ref)
        files.touch(path, self.clock())
        return data.decode("utf-8", "surrogatepass")

    def _near(self, ref: str) -> str:
        known = [f"@h_{entry.path.stem}" for entry in files.listing(self.folder / "records")]
        near = get_close_matches(ref.lower()[:40], known, n=1, cutoff=0.8)
        return f" Did you mean {near[0]}?" if near else ""

    def _sweep(self) -> None:
        # Listing thousands of files on every put would be slow. The first put of a process does it, and then
        # one in so many bytes: the caps may be passed by a sixteenth for each process meanwhile.
        if self._unswept_bytes < self.retention.soft_bytes / 16:
            return
        self._unswept_bytes = 0
        kept = [entry for name in ("records", "texts", "files") for entry in files.listing(self.folder / name)]
        for entry in surplus(kept, self.clock(), self.retention):
            files.remove(entry)


def _parsed(data: bytes, ref: str) -> Record:
    try:
        if Head.model_validate_json(data).version != VERSION:
            raise HandleError(f"{ref} was kept by another version of Tamis and has expired. {_AGAIN}")
        return Record.model_validate_json(data)
    except ValidationError:
        raise _damaged(ref) from None


def _damaged(ref: str) -> HandleError:
    return HandleError(f"{ref} is damaged on disk and can't be used. {_AGAIN}")


def _short(ref: str) -> str:
    return repr(ref if len(ref) <= 60 else f"{ref[:57]}...")
