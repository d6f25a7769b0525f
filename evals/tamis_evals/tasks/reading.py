"""T9: a reader answers from what each arm keeps; the reader is the same, only its context differs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from tamis_evals.datasets import covid, xquad
from tamis_evals.datasets.data import Data
from tamis_evals.metrics.answers import answer_kept, exact_match, f1, normalised, occurrences, sayable
from tamis_evals.readers.endpoint import Prices
from tamis_evals.readers.reader import Reader
from tamis_evals.sample import Outcome, Sample
from tamis_evals.tasks import questions
from tamis_evals.tasks.babilong import Babilong
from tamis_evals.tasks.multihop import Multihop
from tamis_evals.tasks.order import in_turn
from tamis_evals.tasks.task import Ask, Measures, Plan

QUICK_SAMPLES, SAMPLES = 4, {"xquad": 150, "multihop": 60, "babilong": 50, "documents": 40}
"""Of each of the four kinds; reading 128k tokens takes seconds."""


@dataclass(frozen=True, slots=True)
class Reading:
    """Questions of one hop (XQuAD) and of several among other paragraphs, stories hidden in novels, papers (COVID-QA).

    A reader that extracts is asked only what a span can answer: where no evidence holds the words of an answer (yes,
    no, most counts), the sample is left out, for every arm alike.
    """

    reader: Reader
    prices: Prices | None = None
    name: str = "reading"
    title: str = "Answers of a reader"
    ask: Ask = "select"
    budgets: tuple[int, ...] = (1_024,)
    headline: str = "f1"

    def samples(self, data: Data, plan: Plan) -> Iterator[Sample]:
        """One of each kind in turn; raises `DataMissing`."""
        kinds: dict[str, Iterable[Sample]] = {
            "xquad": Multihop().hidden({xquad.NAME: xquad.questions(data)}, data, plan),
            "multihop": Multihop().samples(data, plan),
            "babilong": Babilong().samples(data, plan),
            "documents": questions.samples({covid.PATH.partition("/")[0]: covid.questions(data)}, plan),
        }
        return in_turn(
            islice(filter(self._fair, samples), QUICK_SAMPLES if plan.quick else SAMPLES[kind])
            for kind, samples in kinds.items()
        )

    def _fair(self, sample: Sample) -> bool:
        return not self.reader.extracts or spoken(sample)

    def measure(self, sample: Sample, outcome: Outcome) -> Measures:
        """Without the reader: whether the answer's words survive."""
        return {"answer_kept": answer_kept(sample, outcome.text)}

    async def read(self, sample: Sample, outcome: Outcome) -> Measures:
        """SQuAD's exact match and F1, the reader's `confidence`, its tokens and, with prices, what it cost in dollars.

        Raises `ReaderFailed`.
        """
        found = await self.reader.answer(sample.query, outcome.text)
        costs: dict[str, float | None] = {}
        if self.prices:
            costs["reader_dollars"] = self.prices.dollars(found)
            costs["reader_dollars_without_cache"] = self.prices.dollars(found, cached=False)
        return {
            **self.measure(sample, outcome),
            "em": exact_match(found.answer, sample.answers),
            "f1": f1(found.answer, sample.answers),
            "confidence": found.score,
            "reader_tokens": found.tokens,
            "reader_cached_tokens": found.cached_tokens,
            "reader_answer_tokens": found.answer_tokens,
            **costs,
        }


def spoken(sample: Sample) -> bool:
    """Whether a unit of the evidence holds an answer's words."""
    answers = sayable(sample.answers)
    return any(occurrences(normalised(sample.text(unit)), answers) for unit in sample.evidence)
