"""A run writes down every outcome once, goes on where it was stopped, and never takes a failure for a zero."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tamis_evals.datasets.data import Data, DataMissing
from tamis_evals.records import RECORDS, Run
from tamis_evals.running import Runner
from tamis_evals.sample import Outcome
from tamis_evals.tasks.task import Plan
from tests.evals.stage import NOTES, Answering, Asking, notes, passage

pytestmark = pytest.mark.anyio


async def _run(folder: Path, *arms: Answering, task: Asking | None = None) -> Run:
    run = Run(folder / "out")
    task = task or Asking([notes(), replace(notes(), id="again")])
    await Runner(Data(folder), run, arms).all([task], Plan())
    return run


async def test_every_sample_and_arm_has_one_record_with_its_metrics(tmp_path: Path) -> None:
    right = Answering(Outcome((passage(NOTES, "The winch was repaired by Ines"),), tokens=14))
    wrong = Answering(Outcome((passage(NOTES, "Nobody had asked for lemons."),)), name="wrong")
    records = list((await _run(tmp_path, right, wrong)).records())
    found = [(record.sample, record.arm, record.metrics["all_evidence"]) for record in records]
    assert found == [("notes", "answering", 1), ("notes", "wrong", 0), ("again", "answering", 1), ("again", "wrong", 0)]
    assert records[0].tokens == 14
    assert records[0].source_tokens > 60


async def test_a_resumed_run_asks_only_for_what_is_missing(tmp_path: Path) -> None:
    first = Answering(Outcome())
    run = await _run(tmp_path, first, task=Asking([notes()]))
    second = Answering(Outcome())
    await _run(tmp_path, second)
    assert second.asked == [("again", 128)]
    assert len(list(run.records())) == 2


async def test_a_line_that_was_torn_off_is_asked_again(tmp_path: Path) -> None:
    run = await _run(tmp_path, Answering(Outcome()))
    path = run.folder / RECORDS
    path.write_text(path.read_text()[:-20])
    arm = Answering(Outcome())
    await _run(tmp_path, arm)
    assert arm.asked == [("again", 128)]
    assert len({record.key for record in run.records()}) == 2


async def test_a_failure_has_a_reason_and_no_metrics_and_is_asked_again(tmp_path: Path) -> None:
    run = await _run(tmp_path, Answering(Outcome(failed="the server was gone")))
    assert [(record.failed, record.metrics) for record in run.records()] == [("the server was gone", {})] * 2
    better = Answering(Outcome())
    await _run(tmp_path, better)
    assert len(better.asked) == 2


async def test_an_arm_that_cannot_rank_is_not_asked_to(tmp_path: Path) -> None:
    arm = Answering(Outcome())
    run = await _run(tmp_path, arm, task=Asking([notes()], ask="rank"))
    assert not list(run.records())


def test_data_that_is_not_there_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TAMIS_EVAL_DATA", raising=False)
    with pytest.raises(DataMissing, match="--data DIR or set TAMIS_EVAL_DATA"):
        Data.find()
    with pytest.raises(DataMissing, match="no folder"):
        Data(tmp_path / "nowhere")
    with pytest.raises(DataMissing, match=r"facts\.json cannot be read"):
        Data(tmp_path).json("facts.json")


def test_what_was_read_is_hashed(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("[1]")
    data = Data(tmp_path)
    assert data.json("a.json") == [1]
    assert data.hashes["a.json"].startswith("080a9ed428559ef602668b4c00f114f1")
