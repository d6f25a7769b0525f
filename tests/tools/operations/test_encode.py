"""Vectors in a file, and never in the text."""

from __future__ import annotations

import json
import re
from functools import partial
from typing import TYPE_CHECKING

import anyio
import numpy as np
import pytest
from safetensors.numpy import load_file

from tamis_engine.errors import ModelNotFound, RequestInvalid
from tamis_engine.protocol import Loading
from tamis_tools.errors import BadArgument, NothingReadable
from tamis_tools.operations import encode as module
from tamis_tools.operations.encode import encode
from tamis_tools.pace import Pace
from tamis_tools.requests import EncodeRequest
from tests.fakes import DIMENSIONS, OTHER_MODEL, READS_WORDS, Clock, entries, of_words, vector
from tests.tools.fakes import call, write

if TYPE_CHECKING:
    from pathlib import Path

    from tamis_tools.results import Answer
    from tamis_tools.workspace import Workspace
    from tests.fakes import FakeEngine

FILES = {"a.md": "Tokens expire.\n\nWorkers refresh them.\n", "b.md": "The office is closed.\n"}


def asked(workspace: Workspace, *sources: str, pace: Pace | None = None, **options: object) -> Answer[object]:
    return call(encode, workspace, EncodeRequest(sources=sources, **options), pace)


def rows(answer: Answer[object]) -> list[dict[str, object]]:
    """What the index says of each row."""
    note = next(note for note in answer.data.notes if note.startswith("What each row is: "))
    with open(note.removeprefix("What each row is: "), encoding="utf-8") as index:
        return json.load(index)["rows"]


def test_the_file_holds_a_vector_for_each_passage_and_the_index_its_place(workspace: Workspace, tmp_path: Path) -> None:
    write(tmp_path, FILES)
    answer = asked(workspace, "a.md", "b.md")
    vectors = np.load(answer.data.file, allow_pickle=False)
    assert vectors.dtype == np.float32
    assert list(vectors.shape) == answer.data.shape == [3, DIMENSIONS]
    assert [(row["source"], row["start_line"]) for row in rows(answer)] == [("a.md", 1), ("a.md", 3), ("b.md", 1)]
    for row, found in zip(rows(answer), vectors, strict=True):
        text = FILES[row["source"]][row["start"] : row["end"]]
        np.testing.assert_allclose(found, vector(text), atol=1e-6)
    assert answer.data.norms == [1.0, 1.0, 1.0]


def test_a_file_is_the_mean_of_its_passages_of_length_one(workspace: Workspace, tmp_path: Path) -> None:
    write(tmp_path, FILES)
    answer = asked(workspace, "a.md", "b.md", unit="file")
    vectors = np.load(answer.data.file)
    mean = (vector("Tokens expire.") + vector("Workers refresh them.")) / 2
    np.testing.assert_allclose(vectors[0], mean / np.linalg.norm(mean), atol=1e-6)
    assert [row["source"] for row in rows(answer)] == ["a.md", "b.md"]


def test_the_text_says_where_and_what_and_holds_no_vector(workspace: Workspace, tmp_path: Path) -> None:
    write(tmp_path, FILES)
    answer = asked(workspace, "a.md", "b.md")
    assert f"file: {answer.data.file}" in answer.text
    assert f"3 x {DIMENSIONS}" in answer.text
    assert "sources: a.md, b.md" in answer.text
    assert f'expand(ref="{answer.data.handle}")' in answer.text
    assert not re.search(r"\d\.\d{3,}", answer.text)
    assert workspace.handles.get(answer.data.handle).documents[0].text == FILES["a.md"]


def test_no_more_than_ten_sources_are_listed(workspace: Workspace, tmp_path: Path) -> None:
    write(tmp_path, {f"{number:02}.md": f"Note {number}\n" for number in range(14)})
    answer = asked(workspace, "*.md")
    assert "09.md and 4 more" in answer.text
    assert len(answer.data.sources) == 14


def test_similarity_is_told_for_few_texts(workspace: Workspace, tmp_path: Path) -> None:
    write(tmp_path, {"a.md": "red green\n", "b.md": "red blue\n", "c.md": "seven\n"})
    answer = asked(workspace, "a.md", "b.md", "c.md", similarity=True)
    assert answer.data.similarity == [[1.0, 0.5, 0.0], [0.5, 1.0, 0.0], [0.0, 0.0, 1.0]]
    assert "a.md:1  1.00 .50 .00" in answer.text


def test_similarity_of_many_texts_is_refused_before_anything_is_encoded(
    workspace: Workspace, engine: FakeEngine, tmp_path: Path
) -> None:
    write(tmp_path, {f"{number}.md": f"Note {number}\n" for number in range(31)})
    with pytest.raises(BadArgument, match="at most 30 texts, and these are 31"):
        asked(workspace, "*.md", similarity=True)
    assert engine.requests == []


def test_too_many_passages_are_refused_with_the_number(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, FILES)
    monkeypatch.setattr(module, "MOST_TEXTS", 2)
    with pytest.raises(BadArgument, match="make 3 passages; one call encodes at most 2"):
        asked(workspace, "a.md", "b.md")


def test_sources_without_text_are_refused(workspace: Workspace, tmp_path: Path) -> None:
    write(tmp_path, FILES)
    with pytest.raises(NothingReadable):
        asked(workspace, "a.md:2-2")


def test_sources_that_there_was_no_time_to_read_are_not_called_empty(workspace: Workspace, tmp_path: Path) -> None:
    write(tmp_path, FILES)
    with pytest.raises(NothingReadable, match="no time to read"):
        asked(workspace, "a.md", pace=Pace(seconds=0))


def test_what_the_engine_does_not_serve_is_its_error(workspace: Workspace, tmp_path: Path) -> None:
    write(tmp_path, FILES)
    with pytest.raises(RequestInvalid, match="Use kind='dense'"):
        asked(workspace, "a.md", kind="sparse")
    with pytest.raises(ModelNotFound):
        asked(workspace, "a.md", model="nope")


def test_sparse_vectors_are_the_three_arrays_of_a_matrix(workspace: Workspace, tmp_path: Path) -> None:
    write(tmp_path, FILES)
    answer = asked(workspace, "a.md", "b.md", model=OTHER_MODEL, kind="sparse")
    found = load_file(answer.data.file)
    assert found["offsets"].tolist() == [0, 2, 5, 9]
    second = entries("Workers refresh them.")
    np.testing.assert_array_equal(found["indices"][2:5], second[:, 0])
    np.testing.assert_allclose(found["weights"][2:5], second[:, 1])
    assert "shape: 9 entries of 3 texts (indices, weights)" in answer.text
    assert answer.data.norms == [1.0, 1.0, 1.0]
    assert "What each text is: " in answer.text


def test_vectors_of_tokens_lie_below_each_other_with_offsets(workspace: Workspace, tmp_path: Path) -> None:
    write(tmp_path, FILES)
    answer = asked(workspace, "a.md", "b.md", model=OTHER_MODEL, kind="multivector")
    found = load_file(answer.data.file)
    assert found["offsets"].tolist() == [0, 2, 5, 9]
    np.testing.assert_allclose(found["vectors"][2:5], of_words("Workers refresh them."))
    assert answer.data.shape == [9, DIMENSIONS]
    assert f"shape: 9 x {DIMENSIONS} (tokens of 3 texts, dimensions)" in answer.text


@pytest.mark.parametrize("option", [{"unit": "file"}, {"similarity": True}])
def test_what_only_dense_vectors_have_is_refused_for_others(
    workspace: Workspace, tmp_path: Path, option: dict[str, object]
) -> None:
    write(tmp_path, FILES)
    with pytest.raises(BadArgument, match='are for kind="dense"'):
        asked(workspace, "a.md", model=OTHER_MODEL, kind="sparse", **option)


def test_passages_longer_than_the_model_reads_are_told(workspace: Workspace, tmp_path: Path) -> None:
    write(tmp_path, {"a.txt": "word " * (READS_WORDS + 1) + "\n"})
    assert "Longer than the model reads: 1 passage." in asked(workspace, "a.txt").text


def test_a_model_that_loads_tells_how_far_it_is(workspace: Workspace, engine: FakeEngine, tmp_path: Path) -> None:
    write(tmp_path, FILES)
    engine.steps = (Loading(OTHER_MODEL, "downloading", 120_000_000, 440_000_000),)
    told: list[str] = []

    async def report(_done: float, _total: float, message: str) -> None:
        told.append(message)

    asked(workspace, "a.md", model=OTHER_MODEL, pace=Pace(report=report))
    assert "downloading other: 120 of 440 MB" in told


def many(folder: Path) -> None:
    write(folder, {f"{number:03}.md": f"Note {number} one.\n\nNote {number} two.\n" for number in range(100)})


@pytest.mark.parametrize(("unit", "expected"), [("passage", 64), ("file", 32)])
def test_when_time_runs_out_the_file_holds_what_there_is(
    workspace: Workspace, engine: FakeEngine, tmp_path: Path, unit: str, expected: int
) -> None:
    many(tmp_path)
    clock = Clock()

    def late(_request: object) -> None:
        clock.now = 100

    engine.before = late
    answer = asked(workspace, "*.md", unit=unit, pace=Pace(clock=clock))
    assert np.load(answer.data.file).shape == (expected, DIMENSIONS)
    assert len(rows(answer)) == expected
    assert (
        f"64 of 200 passages were encoded, in the order of the sources, so the file has {expected} rows" in answer.text
    )


def test_a_caller_that_leaves_stops_it_between_batches(
    workspace: Workspace, engine: FakeEngine, tmp_path: Path
) -> None:
    many(tmp_path)

    async def leave() -> None:
        with anyio.CancelScope() as scope:
            engine.before = lambda _request: scope.cancel()
            await encode(workspace, EncodeRequest(sources=("*.md",)), Pace())

    anyio.run(leave)
    assert len(engine.requests) == 1


def test_progress_goes_forward(workspace: Workspace, tmp_path: Path) -> None:
    many(tmp_path)
    told: list[float] = []

    async def report(done: float, _total: float, _message: str) -> None:
        told.append(done)

    anyio.run(partial(encode, workspace, EncodeRequest(sources=("*.md",)), Pace(report=report)))
    assert told == sorted(told)
    assert len(told) >= 5
