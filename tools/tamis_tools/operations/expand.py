"""Any part of an original, page by page, or an answer to a question inside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from anyio import to_thread

from tamis_tools import render
from tamis_tools.document import Document, Span
from tamis_tools.errors import BadArgument, NothingReadable
from tamis_tools.handles import resolve
from tamis_tools.operations.gathering import gather
from tamis_tools.operations.paging import Book, page_from, page_text
from tamis_tools.places import expand_call
from tamis_tools.requests import CompressRequest, ExpandRequest
from tamis_tools.results import Answer, Compressed, Expanded

if TYPE_CHECKING:
    from tamis_tools.handles import HandleStore, Target
    from tamis_tools.limits import Limits
    from tamis_tools.pace import Pace
    from tamis_tools.sources import Reading
    from tamis_tools.workspace import Workspace

_NAMED = 5


async def expand(workspace: Workspace, request: ExpandRequest, pace: Pace) -> Answer[Expanded] | Answer[Compressed]:
    """One page of what `ref` names, from `from_line`; with a question, what answers it in there."""
    _check(request, workspace.scope.limits)
    if request.question.strip():
        return await _asked(workspace, request, pace)
    if request.ref.startswith("@h_"):
        book = await to_thread.run_sync(_kept_book, workspace.handles, request.ref)
    else:
        reading = await gather(workspace, (request.ref,), pace)
        book = await to_thread.run_sync(_read_book, workspace.handles, request.ref, reading)
    return await to_thread.run_sync(_answer, book, request)


async def _asked(workspace: Workspace, request: ExpandRequest, pace: Pace) -> Answer[Compressed]:
    # late: most calls only page
    from tamis_tools.operations.compress import compress

    inside = CompressRequest(sources=(request.ref,), query=request.question, budget_tokens=request.max_tokens)
    return await compress(workspace, inside, pace)


def _check(request: ExpandRequest, limits: Limits) -> None:
    if not limits.min_budget_tokens <= request.max_tokens <= limits.max_result_tokens:
        raise BadArgument(
            f"max_tokens={request.max_tokens} is out of range: give {limits.min_budget_tokens} to "
            f"{limits.max_result_tokens}, and go on with the next call that the answer names."
        )
    if request.from_line < 0:
        raise BadArgument(f"from_line={request.from_line}: lines count from 1.")
    if request.from_line and request.question.strip():
        raise BadArgument("from_line pages through the text; with a question leave it out.")


def _kept_book(store: HandleStore, ref: str) -> Book:
    target = resolve(store, ref)
    document = target.single
    if document is None:
        return _contents(store, target)
    span = document.span_of(target.lines) if target.lines else Span(0, len(document.text))
    changed = store.changed(document)
    return Book(
        document=document,
        ref=target.ref,
        span=span,
        start=span.start if target.at is None else min(max(target.at, span.start), span.end),
        lasting=lambda: target.ref,
        notes=(f"{document.address} has changed since. This is the text as it was.",) if changed else (),
        changed=changed,
    )


def _read_book(store: HandleStore, ref: str, reading: Reading) -> Book:
    if not reading.documents:
        raise NothingReadable(" ".join((f"{ref}: there was no time to read it. Call again.", *reading.notes)))
    document, *others = reading.documents
    if others:
        handle = store.put(reading.documents, pending=reading.pending)
        return _contents(store, resolve(store, handle), reading.notes)
    lines = f":{document.window.first}-{document.window.last}" if document.window else ""

    def lasting() -> str:
        return store.put((document,)) + lines

    return Book(
        document=document,
        ref=ref if document.path else lasting(),  # a page or small text would be fetched or written out again
        span=document.readable,
        start=document.readable.start,
        lasting=lasting,
        notes=reading.notes,
    )


def _contents(store: HandleStore, target: Target, notes: tuple[str, ...] = ()) -> Book:
    """The documents of a handle, as a text with one line for each."""
    kept = target.kept
    if target.documents != kept.documents:
        numbers = [number for number, each in enumerate(kept.documents, 1) if each in target.documents]
        handle = target.ref.partition("/")[0]
        raise BadArgument(f"{target.ref} names several: {', '.join(f'{handle}#{number}' for number in numbers)}.")
    text = "".join(f"{render.printable(each.address)}  {_size(each)}\n" for each in kept.documents)
    document = Document(address=target.ref, text=text)
    first = f"{target.ref}/{kept.documents[0].address}"
    return Book(
        document=document,
        ref=target.ref,
        span=Span(0, len(text)),
        start=0,
        lasting=lambda: store.put((document,)),
        notes=(*notes, *_pending_note(kept.pending)),
        hint=f"Open one by its address or its number: {expand_call(first)}, {expand_call(f'{target.ref}#1')}. ",
    )


def _size(document: Document) -> str:
    lines = len(document.line_starts)
    return "1 line" if lines == 1 else f"{lines} lines"


def _pending_note(pending: tuple[str, ...]) -> tuple[str, ...]:
    return (f"Not read in the time there was: {render.some(pending, _NAMED)}.",) if pending else ()


def _answer(book: Book, request: ExpandRequest) -> Answer[Expanded]:
    page = page_from(book, _start(book, request.from_line), request.max_tokens)
    document, lines = book.document, book.document.lines_of(page.span)
    data = Expanded(
        source=document.address,
        start_line=lines.first,
        end_line=lines.last,
        total_lines=len(document.line_starts),
        text=document.text[page.span.start : page.span.end],
        next_ref=page.next_ref,
        next_line=page.next_line,
        changed=book.changed,
        notes=list(book.notes),
    )
    return Answer(page_text(page, request.max_tokens), data)


def _start(book: Book, from_line: int) -> int:
    if not from_line:
        return book.start
    if book.start > book.span.start:
        raise BadArgument("A ref that ends in #c… begins inside a line. Leave from_line out, or #c….")
    lines = book.document.lines_of(book.span)
    if not lines.first <= from_line <= lines.last:
        raise BadArgument(f"from_line={from_line}: {book.ref} has lines {lines.first} to {lines.last}.")
    return max(book.document.line_starts[from_line - 1], book.span.start)
