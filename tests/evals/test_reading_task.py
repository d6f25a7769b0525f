"""A reader that answers from what an arm keeps."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tamis_evals.datasets import covid, xquad
from tamis_evals.datasets.data import Data
from tamis_evals.readers.endpoint import Prices
from tamis_evals.readers.reader import Reading as Read
from tamis_evals.running import Reads
from tamis_evals.sample import Outcome, Passage, Sample, Source
from tamis_evals.tasks.reading import Reading, spoken
from tamis_evals.tasks.task import Plan
from tests.evals import tiny_wikipedia

pytestmark = pytest.mark.anyio

PAPER = "Bats carry it. The virus was first seen in Haven, in 1998. Nobody fell ill."

SOLD = {"id": "a1", "question": "Who bought the boat?", "answers": [{"text": "Bo", "answer_start": 48}]}


class Told:
    """A reader that says what it is told, and keeps what it was asked."""

    name = "told"

    def __init__(self, reading: Read | None = None, extracts: bool = False) -> None:
        self.reading = reading or Read("x")
        self.extracts = extracts
        self.asked: list[tuple[str, str]] = []

    async def answer(self, question: str, text: str) -> Read:
        self.asked.append((question, text))
        return self.reading


def data(folder: Path) -> Data:
    found = tiny_wikipedia.data(folder)
    answer = {"text": "in Haven", "answer_start": PAPER.index("in Haven")}
    asked = {"id": 5, "question": "Where was the virus first seen?", "answers": [answer]}
    paper: dict[str, Any] = {"context": PAPER, "document_id": 9, "qas": [asked]}
    (folder / covid.PATH).parent.mkdir(parents=True)
    (folder / covid.PATH).write_text(json.dumps({"data": [{"paragraphs": [paper]}]}), encoding="utf-8")
    words = {"context": "Ada Finn rowed home. Later she sold the boat to Bo.", "qas": [SOLD]}
    (folder / xquad.PATH).parent.mkdir(parents=True)
    articles = [{"title": "Ada_Finn", "paragraphs": [words]}]
    (folder / xquad.PATH).write_text(json.dumps({"data": articles}), encoding="utf-8")
    return found


def sample(answers: tuple[str, ...], evidence: str = "Ada left for Paris.") -> Sample:
    text = f"Rain fell. {evidence}"
    return Sample("1", "d", "c", "Where?", (Source("a.txt", text),), (Passage(0, 11, len(text)),), answers=answers)


def test_all_kinds_are_asked_in_turn(tmp_path: Path) -> None:
    found = list(Reading(Told()).samples(data(tmp_path), Plan(lengths=(1_000,))))
    kinds = [each.dataset.partition("-qa")[0] for each in found]
    assert set(kinds[:4]) == {"xquad", "hotpotqa", "babilong", "covid"}
    assert set(kinds) == {"xquad", "hotpotqa", "2wiki", "musique", "babilong", "covid"}
    assert len({each.id for each in found}) == len(found)


def test_a_quick_run_asks_a_few_of_each_kind(tmp_path: Path) -> None:
    found = list(Reading(Told()).samples(data(tmp_path), Plan(quick=True)))
    counted = Counter(each.dataset.startswith("babilong") for each in found)
    assert counted[True] <= 6
    assert counted[False] <= 12


@pytest.mark.parametrize(
    ("answers", "is_spoken"),
    [(("Paris",), True), (("the  PARIS!",), True), (("Rome", "paris"), True), (("Rome",), False), (("yes",), False)],
)
def test_what_no_evidence_says_cannot_be_extracted(answers: tuple[str, ...], is_spoken: bool) -> None:
    assert spoken(sample(answers)) is is_spoken


def test_a_yes_in_the_evidence_is_not_the_answer_yes() -> None:
    assert not spoken(sample(("yes",), "She said yes."))


def test_a_reader_that_extracts_is_not_asked_what_no_span_answers(tmp_path: Path) -> None:
    found = data(tmp_path)
    every = {each.id for each in Reading(Told()).samples(found, Plan(lengths=(1_000,)))}
    some = list(Reading(Told(extracts=True)).samples(found, Plan(lengths=(1_000,))))
    assert {each.id for each in some} <= every
    assert some
    assert all(spoken(each) for each in some)


async def test_the_reader_gets_the_arms_text_and_the_data_sets_question() -> None:
    reader = Told(Read("in Paris", 0.5, 100, 40, 2))
    task = Reading(reader, Prices(read=1.0, cached=0.5, written=2.0))
    assert isinstance(task, Reads)
    found = await task.read(sample(("Paris",)), Outcome(text="Ada left for Paris."))
    assert reader.asked == [("Where?", "Ada left for Paris.")]
    assert found == {
        "answer_kept": 1.0,
        "em": 0.0,
        "f1": pytest.approx(2 / 3),
        "confidence": 0.5,
        "reader_tokens": 100,
        "reader_cached_tokens": 40,
        "reader_answer_tokens": 2,
        "reader_dollars": pytest.approx(84e-6),
        "reader_dollars_without_cache": pytest.approx(104e-6),
    }


async def test_what_a_reader_does_not_tell_is_missing_and_not_zero() -> None:
    found = await Reading(Told(Read("Paris"))).read(sample(("Paris",)), Outcome(text="Ada left for Paris."))
    assert (found["em"], found["f1"], found["confidence"], found["reader_tokens"]) == (1.0, 1.0, None, None)
    assert "reader_dollars" not in found
