"""Each stage of choosing can be left out, and changes what it is said to change."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tamis_engine.protocol import EncodeRequest
from tamis_tools.operations.compress import compress
from tamis_tools.requests import CompressRequest
from tamis_tools.stages import STAGES, Stage
from tests.fakes import FakeEngine
from tests.tools.fakes import call, workspace, write

TEXT = "\n\n".join(
    f"Crate {n} holds tea from estate {n * 7}. It was weighed twice. Then it was sent on by sea." for n in range(60)
)
QUERY = "Which crate holds tea from estate 91?"


def _shown(folder: Path, text: str, *without: Stage, engine: FakeEngine | None = None) -> str:
    write(folder, {"notes.txt": text})
    bench = replace(workspace(folder, engine), without=frozenset(without))
    return call(compress, bench, CompressRequest(sources=("notes.txt",), query=QUERY, budget_tokens=200)).text


def _read(engine: FakeEngine) -> int:
    return sum(len(request.texts) for request in engine.requests if isinstance(request, EncodeRequest))


@pytest.mark.parametrize("stage", STAGES)
def test_what_answers_is_found_without_any_one_stage(tmp_path: Path, stage: Stage) -> None:
    assert "Crate 13 holds tea from estate 91." in _shown(tmp_path, TEXT, stage)


def test_without_the_encoder_it_is_not_asked(tmp_path: Path) -> None:
    engine = FakeEngine()
    _shown(tmp_path, TEXT, "encoder", engine=engine)
    assert not engine.requests


def test_without_the_lexical_stage_the_encoder_reads_everything(tmp_path: Path) -> None:
    some, every = FakeEngine(), FakeEngine()
    _shown(tmp_path, TEXT * 3, engine=some)
    _shown(tmp_path, TEXT * 3, "lexical", engine=every)
    assert _read(every) > _read(some)


def test_without_redundancy_the_same_is_shown_again(tmp_path: Path) -> None:
    twice = TEXT + "\n\n" + "Crate 13 holds tea from estate 91. It was weighed twice."
    line = "Crate 13 holds tea from estate 91."
    assert _shown(tmp_path, twice).count(line) == 1
    assert _shown(tmp_path, twice, "redundancy").count(line) == 2
