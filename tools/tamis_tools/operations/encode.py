"""Vectors of the sources, written to a file for other programs; an agent is told where it lies, not what is in it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np
from anyio import to_thread

from tamis_tools.corpus import cut
from tamis_tools.errors import BadArgument, NothingReadable
from tamis_tools.loading import resident
from tamis_tools.operations.gathering import gather
from tamis_tools.operations.listing import counted, decimal, listed, reading_notes
from tamis_tools.render import some
from tamis_tools.results import Answer, Encoded
from tamis_tools.vectors import Vectors, encoded_as

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from tamis_engine.protocol import Kind
    from tamis_tools.corpus import Corpus
    from tamis_tools.document import Document, Span
    from tamis_tools.pace import Pace
    from tamis_tools.requests import EncodeRequest
    from tamis_tools.sources import Reading
    from tamis_tools.workspace import Workspace

MOST_TEXTS = 20_000
"""About 30 MB of vectors."""
MOST_COMPARED = 30
SHOWN_SOURCES = 10


@dataclass(frozen=True, slots=True)
class _Rows:
    """What is written: the vectors of `places[i]` are those of text i."""

    vectors: Vectors
    places: tuple[tuple[Document, Span], ...]


async def encode(workspace: Workspace, request: EncodeRequest, pace: Pace) -> Answer[Encoded]:
    """The vectors of each segment, or for each file the mean of its segments' vectors, of length 1 again.

    Raises `BadArgument` for more texts than one file holds, and what the engine raises for a model or kind
    that it does not serve. Where time runs out, the file holds the first texts and the notes say how many.
    """
    reading = await gather(workspace, request.sources, pace, model=request.model)
    corpus = await to_thread.run_sync(cut, reading.documents, pace)
    _check(corpus, request, reading)
    texts = [entry.text for entry in corpus.entries]
    await resident(workspace.engine, request.model, pace, begin=0.4, end=0.5)
    vectors = await encoded_as(workspace.engine, texts, pace, model=request.model, kind=request.kind)
    rows = (_files if request.unit == "file" else _passages)(corpus, vectors)
    file, index, handle = await to_thread.run_sync(_written, workspace, rows, request.kind, reading)
    notes = (
        *reading_notes(reading),
        *_unfinished(vectors.texts, len(texts), rows),
        *_cut(vectors),
        f"What each {'row' if request.kind == 'dense' else 'text'} is: {index}",
    )
    values = rows.vectors.values
    similarity = values @ values.T if request.similarity else None
    data = Encoded(
        file=str(file),
        handle=handle,
        model=request.model,
        kind=request.kind,
        shape=list(values.shape),
        norms=[round(float(norm), 4) for norm in _norms(rows.vectors, request.kind)],
        sources=list(dict.fromkeys(document.address for document, _ in rows.places)),
        similarity=None if similarity is None else similarity.round(2).tolist(),
        notes=list(notes),
    )
    return Answer(_text(workspace, data, rows), data)


def _check(corpus: Corpus, request: EncodeRequest, reading: Reading) -> None:
    if request.kind != "dense" and (request.similarity or request.unit == "file"):
        raise BadArgument(
            f'similarity and unit="file" are for kind="dense"; a text has any number of {request.kind} vectors. '
            "Leave them out, or ask for dense vectors."
        )
    passages = len(corpus.entries)
    if not passages and reading.pending:
        raise NothingReadable("There was no time to read the sources. Call again, or name fewer.")
    if not passages:
        raise NothingReadable("The sources hold no text to encode. Name files that are not empty.")
    if passages > MOST_TEXTS:
        raise BadArgument(
            f"The sources make {passages:,} passages; one call encodes at most {MOST_TEXTS:,}. Name fewer sources, "
            "and call again for the rest."
        )
    texts = passages if request.unit == "passage" else len({entry.document for entry in corpus.entries})
    if request.similarity and texts > MOST_COMPARED:
        raise BadArgument(
            f"similarity is for at most {MOST_COMPARED} texts, and these are {texts:,}. Name fewer sources, "
            'use unit="file", or leave similarity out and compare the vectors of the file.'
        )


def _passages(corpus: Corpus, vectors: Vectors) -> _Rows:
    entries = corpus.entries[: vectors.texts]
    return _Rows(vectors, tuple((corpus.documents[entry.document], entry.segment.span) for entry in entries))


def _files(corpus: Corpus, passages: Vectors) -> _Rows:
    """Only of files whose passages are all encoded. A mean is a sum when its length is made 1."""
    vectors = passages.values
    owners = np.array([entry.document for entry in corpus.entries], dtype=np.intp)
    numbers, starts = np.unique(owners[: len(vectors)], return_index=True)
    whole = ~np.isin(numbers, owners[len(vectors) :])
    sums = np.add.reduceat(vectors, starts, axis=0)[whole]
    length = np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-12)
    documents = [corpus.documents[number] for number in numbers[whole]]
    means = Vectors((sums / length).astype(np.float32), np.arange(len(sums) + 1), passages.truncated)
    return _Rows(means, tuple((each, each.readable) for each in documents))


def _written(workspace: Workspace, rows: _Rows, kind: Kind, reading: Reading) -> tuple[Path, Path, str]:
    """The file of vectors, the one that says what each row is, and a handle to the originals."""
    index = json.dumps({"rows": [_described(*place) for place in rows.places]}, ensure_ascii=False)
    handles = workspace.handles
    handle = handles.put(reading.documents, pending=reading.pending)
    file = (
        handles.attach(_dense(rows.vectors), ".npy")
        if kind == "dense"
        else handles.attach(_others(rows.vectors, kind), ".safetensors")
    )
    return file, handles.attach(index.encode("utf-8", "replace"), ".json"), handle


def _dense(vectors: Vectors) -> bytes:
    buffer = BytesIO()
    np.save(buffer, vectors.values, allow_pickle=False)
    return buffer.getvalue()


def _others(vectors: Vectors, kind: Kind) -> bytes:
    """Sparse ones as the three arrays of a CSR matrix, those of tokens below each other; `offsets` part the texts."""
    # late: few calls need it
    from safetensors.numpy import save

    tensors: dict[str, NDArray[Any]] = {"offsets": vectors.offsets}
    if kind == "sparse":
        indices, weights = vectors.values.T
        tensors |= {"indices": indices.astype(np.int64), "weights": weights.copy()}
    else:
        tensors["vectors"] = vectors.values
    return save(tensors)


def _norms(vectors: Vectors, kind: Kind) -> list[float]:
    """Of the first five: texts where they are sparse, else rows."""
    if kind != "sparse":
        return np.linalg.norm(vectors.values[:5], axis=1).tolist()
    texts = np.split(vectors.values[:, 1], vectors.offsets[1:-1])
    return [float(np.linalg.norm(weights)) for weights in texts[:5]]


def _described(document: Document, span: Span) -> dict[str, object]:
    lines = document.lines_of(span)
    place = {"start_line": lines.first, "end_line": lines.last, "start": span.start, "end": span.end}
    return {"source": document.address, **place}


def _unfinished(done: int, texts: int, rows: _Rows) -> tuple[str, ...]:
    if done == texts:
        return ()
    return (
        f"Time ran out: {done:,} of {texts:,} passages were encoded, in the order of the sources, so the file has "
        f"{len(rows.places):,} rows. Name fewer sources to have the rest.",
    )


def _cut(vectors: Vectors) -> tuple[str, ...]:
    if not vectors.truncated:
        return ()
    return (f"Longer than the model reads: {counted(vectors.truncated, 'passage')}. The ends are not in the vectors.",)


def _text(workspace: Workspace, data: Encoded, rows: _Rows) -> str:
    lines = [
        f"file: {data.file}",
        f"shape: {_shape(data, rows)}, float32, {data.kind}, model {data.model}",
        f"norms: {', '.join(f'{norm:g}' for norm in data.norms)}{', …' if data.shape[0] > 5 else ''}",
    ]
    if data.similarity is None:
        lines.append(f"sources: {some(data.sources, SHOWN_SOURCES)}")
    else:
        for place, cosines in zip(rows.places, data.similarity, strict=True):
            lines.append(f"{place[0].locate(place[1])}  {' '.join(decimal(cosine) for cosine in cosines)}")
    closing = f'The originals are kept as {data.handle}: expand(ref="{data.handle}")'
    return listed(workspace, lines, [*data.notes, closing], lambda count: f"{count} more lines do not fit.")


def _shape(data: Encoded, rows: _Rows) -> str:
    texts = counted(len(rows.places), "text")
    match data.kind:
        case "dense":
            return f"{data.shape[0]} x {data.shape[1]} (rows, dimensions)"
        case "multivector":
            return f"{data.shape[0]} x {data.shape[1]} (tokens of {texts}, dimensions)"
        case "sparse":
            return f"{data.shape[0]} entries of {texts} (indices, weights)"
