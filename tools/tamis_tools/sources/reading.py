"""Sources to documents: each one taken apart, found, read in turn, and what was passed by said in plain words."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tamis_tools.errors import BadArgument, NothingReadable, SourceError
from tamis_tools.sources.inline import inline_document, refuse_long_inline
from tamis_tools.sources.loading import Found, Loaded, load, loaded_page
from tamis_tools.sources.locating import Locator
from tamis_tools.sources.skips import OF_THE_CONTENT, Reason, decoding_notes, nothing_readable, reason_of, skip_notes
from tamis_tools.sources.specs import WHAT_SOURCES_CAN_BE, Handle, Inline, PathSpec, Spec, Url, parse
from tamis_tools.sources.walking import MOST_ENTRIES, Walk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tamis_tools.document import Document
    from tamis_tools.pace import Pace
    from tamis_tools.scope import Scope
    from tamis_tools.sources.decoding import Decoded

SHARE_OF_CALL = 0.2
"""How far the call's progress has come when all is read."""

_FILES_A_STEP = 16


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read, what is to be said about the rest, and the addresses for which there was no time."""

    documents: tuple[Document, ...]
    notes: tuple[str, ...] = ()
    pending: tuple[str, ...] = ()


def read(sources: Sequence[str], scope: Scope, pace: Pace, recall: Callable[[str], Sequence[Document]]) -> Reading:
    """Read all sources, in a worker thread of anyio; `recall` turns a handle into its documents.

    A source that was named and can't be had fails the call, with what to pass instead. What a folder or glob
    brings along is skipped and counted. When the call's time is up, the rest is `pending`.
    """
    if not sources:
        raise BadArgument(f"sources is empty. {WHAT_SOURCES_CAN_BE}")
    reader = _Reader(scope, pace, recall)
    reader.read_all([parse(source) for source in sources])
    return reader.reading()


Task = Found | Inline | Url | Handle


@dataclass(slots=True)
class _Reader:
    scope: Scope
    pace: Pace
    recall: Callable[[str], Sequence[Document]]
    documents: dict[tuple[object, ...], Document] = field(default_factory=dict)
    skipped: Counter[Reason] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)
    pending: list[str] = field(default_factory=list)
    unsure: dict[str, Decoded] = field(default_factory=dict)
    total_bytes: int = 0

    def read_all(self, specs: Sequence[Spec]) -> None:
        refuse_long_inline([spec.text for spec in specs if isinstance(spec, Inline)], self.scope.limits)
        walk = Walk(self.scope, self._keep_going)
        locator = Locator(self.scope, walk)
        tasks = list(dict.fromkeys(task for spec in specs for task in self._tasks(spec, locator)))
        for done, task in enumerate(tasks):
            if done % _FILES_A_STEP == 0 or isinstance(task, Url):
                self.pace.step_in_thread(SHARE_OF_CALL * done / len(tasks), f"Reading {_name(task)}")
            self._read_or_leave(task)
        self.skipped.update(walk.passed_by)
        if walk.cut_short:
            self.notes.append(
                f"Not every folder was looked through (time, or {MOST_ENTRIES:,} entries, ran out). "
                f"Name smaller folders or globs."
            )

    def reading(self) -> Reading:
        notes = [*self.notes, *skip_notes(self.skipped, self.scope.limits), *decoding_notes(self.unsure)]
        if not self.documents and not self.pending:
            raise NothingReadable(nothing_readable(self.skipped, notes))
        return Reading(tuple(self.documents.values()), tuple(notes), tuple(self.pending))

    def _keep_going(self) -> bool:
        self.pace.step_in_thread(0.0, "Looking for files")
        return not self.pace.expired

    def _tasks(self, spec: Spec, locator: Locator) -> Iterator[Task]:
        if isinstance(spec, PathSpec):
            yield from locator.locate(spec)
            return
        if isinstance(spec, Url) and not self.scope.allow_urls:
            raise SourceError(f"{spec.address}: URLs are off. Ask the user to add --allow-url; do not retry.")
        yield spec

    def _read_or_leave(self, task: Task) -> None:
        limits = self.scope.limits
        if self.pace.expired:
            self.pending.append(_name(task))
        elif len(self.documents) >= limits.max_files or self.total_bytes >= limits.max_total_bytes:
            self.skipped["over_cap"] += 1
        elif isinstance(task, Handle):
            for document in self.recall(task.ref):
                self._keep(document)
        elif isinstance(task, Inline) and not task.text.strip():
            self.skipped["empty"] += 1
        elif isinstance(task, Inline):
            self._keep(inline_document(task.text, 1 + sum(key[0] == "inline" for key in self.documents)))
        else:
            self._read_bytes(task)

    def _read_bytes(self, task: Found | Url) -> None:
        named = isinstance(task, Url) or task.named
        try:
            loaded = self._fetched(task) if isinstance(task, Url) else load(task, self.scope, self._seconds_left())
        except SourceError as error:
            if not named:
                self.skipped[reason_of(error)] += 1
            elif isinstance(error, OF_THE_CONTENT):
                self.notes.append(str(error))
            else:
                raise
            return
        self.total_bytes += loaded.size_bytes
        if self.total_bytes > self.scope.limits.max_total_bytes:
            self.skipped["over_cap"] += 1
            return
        if loaded.decoded.how != "certain":
            self.unsure[loaded.document.address] = loaded.decoded
        self._keep(loaded.document)

    def _fetched(self, task: Url) -> Loaded:
        # late: 50 ms, and most calls fetch nothing
        from tamis_tools.sources.web import fetch

        limits = self.scope.limits
        page = fetch(task.address, limits.max_url_bytes, min(limits.url_seconds, self._seconds_left()))
        return loaded_page(task.address, page, self._seconds_left())

    def _seconds_left(self) -> float:
        return max(self.pace.seconds - self.pace.elapsed, 0.1)

    def _keep(self, document: Document) -> None:
        self.documents[document.address, document.window, document.raw_sha256] = document


def _name(task: Task) -> str:
    if isinstance(task, Inline):
        return f"text:{task.text}"
    if isinstance(task, Url):
        return task.address
    return task.ref if isinstance(task, Handle) else str(task)
