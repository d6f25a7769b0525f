"""T3: questions whose answer rests on several paragraphs, hidden among Wikipedia paragraphs of the same style."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, islice
from typing import NamedTuple

from tamis_evals.datasets import hotpotqa, musique, twowiki
from tamis_evals.datasets.data import Data
from tamis_evals.datasets.paragraphs import Hop, Paragraph, Question
from tamis_evals.haystacks.filler import NAME, Haystack, Placed, Pool, fitting, haystack, tokens_of
from tamis_evals.metrics.answers import answer_kept, normalised, occurrences, sayable
from tamis_evals.metrics.selection import measured
from tamis_evals.sample import Outcome, Passage, Sample, Source
from tamis_evals.tasks.order import drawn, in_turn
from tamis_evals.tasks.task import Ask, Measures, Plan

SETS = (hotpotqa, twowiki, musique)
QUICK_TOKENS = 16_000
BETWEEN = 3
"""Lengths between the shortest and the longest are asked of one question in so many: they draw the curve."""
QUICK_QUESTIONS = 2
"""A data set."""


@dataclass(frozen=True, slots=True)
class HopSample(Sample):
    """A sample that knows, for each hop of its question, the sentences that give the hop's answer."""

    hops: tuple[tuple[Passage, ...], ...] = ()


class Asked(NamedTuple):
    """A question of a data set at a length in tokens."""

    dataset: str
    question: Question
    length: int


@dataclass(frozen=True, slots=True)
class Multihop:
    """HotpotQA, 2WikiMultihopQA and MuSiQue. The `rivals` of a sample are the data set's own distractors.

    Of those, what does not fit the length is left out; to them come `rivals` paragraphs of the pool with the
    highest BM25 for the question. Neither these nor the filler hold the answer.
    """

    rivals: int = 0
    ask: Ask = "select"
    budgets: tuple[int, ...] = (512, 1_024)
    headline: str = "all_evidence"

    @property
    def name(self) -> str:
        """With the number of rivals where there are any."""
        return "multihop" + self._suffix

    @property
    def title(self) -> str:
        """For tables."""
        more = f", {self.rivals} more rivals" if self.rivals else ""
        return f"Multi-hop questions over many documents{more}"

    def samples(self, data: Data, plan: Plan) -> Iterator[Sample]:
        """Each question at each length; the same filler at all lengths, less of it at the shorter ones."""
        return self.hidden({each.NAME: each.questions(data) for each in SETS}, data, plan)

    def hidden(self, sets: Mapping[str, Sequence[Question]], data: Data, plan: Plan) -> Iterator[Sample]:
        """Questions of any sets, by name, each at each length in this task's filler."""
        pool = pool_of(data)
        groups = [_chosen(name, questions, plan) for name, questions in sets.items()]
        return (self._sample(pool, asked, plan.seed) for asked in in_turn(groups))

    def measure(self, sample: Sample, outcome: Outcome) -> Measures:
        """Evidence, whether the answer's words survive, and `hops_kept` where the hops are known.

        `hops_kept` is the share of the hops of which a sentence with the hop's answer is kept.
        """
        values = {**measured(sample, outcome.passages), "answer_kept": answer_kept(sample, outcome.text)}
        if isinstance(sample, HopSample):
            kept = [_any_kept(sample, hop, outcome.passages) for hop in sample.hops]
            values["hops_kept"] = sum(kept) / len(kept) if kept else None
        return values

    @property
    def _suffix(self) -> str:
        return f"-{self.rivals}-rivals" if self.rivals else ""

    def _sample(self, pool: Pool, asked: Asked, seed: int) -> HopSample:
        question, lot = asked.question, f"{seed}:{asked.question.id}"
        answers = sayable(question.answers)
        rivals = list(islice(pool.harmless(pool.ranked(question.query), question.paragraphs, answers), self.rivals))
        others = pool.harmless(pool.shuffled(lot), (*question.paragraphs, *rivals), answers)
        needed = [*question.support, *rivals]
        room = asked.length - sum(map(tokens_of, needed))
        distracting = fitting(_shuffled(question.distractors, lot), room)
        filler = fitting(others, room - sum(map(tokens_of, distracting)))
        made = as_sample(asked, haystack([*needed, *distracting], filler, f"{lot}:{asked.length}"))
        return replace(made, id=made.id + self._suffix, factors={**made.factors, "rivals": self.rivals})


def pool_of(data: Data) -> Pool:
    """The filler of all three data sets; raises `DataMissing`."""
    return Pool.of(chain.from_iterable(each.pool(data) for each in SETS))


def as_sample(asked: Asked, hay: Haystack) -> HopSample:
    """A haystack whose own paragraphs are the question's supporting ones, in its order, and then rivals."""
    question = asked.question
    supporting = sorted(question.supporting)
    placed = dict(zip(supporting, hay.own, strict=False))
    facts = tuple(placed[fact.paragraph].sentences[fact.sentence] for fact in question.facts)
    evidence = facts or tuple(each.body for each in placed.values())
    return HopSample(
        id=f"{asked.dataset}-{question.id}-{asked.length}",
        dataset=asked.dataset,
        cluster=f"{asked.dataset}-{question.id}",
        query=question.query,
        sources=(Source(NAME, hay.text),),
        evidence=evidence,
        rivals=tuple(each.body for each in hay.own[len(supporting) :]),
        answers=question.answers,
        factors={"length": asked.length, **_depths(evidence, len(hay.text))},
        sentences=hay.sentences,
        blocks=hay.blocks,
        hops=tuple(spans for hop in question.hops if (spans := _telling(hop, placed[hop.paragraph], hay.text))),
    )


def _depths(evidence: Sequence[Passage], size: int) -> dict[str, float]:
    """Where the evidence stands on average, and how far its ends are apart: 0 to 1, of the text."""
    starts = [passage.start / size for passage in evidence]
    return {"depth": round(sum(starts) / len(starts), 4), "spread": round(max(starts) - min(starts), 4)}


def _telling(hop: Hop, placed: Placed, text: str) -> tuple[Passage, ...]:
    wanted = sayable([hop.answer])
    return tuple(span for span in placed.sentences if occurrences(normalised(text[span.start : span.end]), wanted))


def _any_kept(sample: Sample, spans: Sequence[Passage], kept: Sequence[Passage]) -> bool:
    """Whether one of the spans is kept by the rule for evidence."""
    return any(measured(replace(sample, evidence=(span,), rivals=()), kept)["all_evidence"] for span in spans)


def _chosen(dataset: str, questions: Sequence[Question], plan: Plan) -> list[Asked]:
    lengths = [length for length in plan.lengths if length <= QUICK_TOKENS] if plan.quick else plan.lengths
    some = drawn(questions, plan, QUICK_QUESTIONS)
    ends = (min(lengths), max(lengths))
    asked = [
        Asked(dataset, question, length)
        for number, question in enumerate(some)
        for length in lengths
        if length in ends or number % BETWEEN == 0
    ]
    return asked[: plan.limit or None]


def _shuffled(paragraphs: Sequence[Paragraph], seed: str) -> list[Paragraph]:
    return random.Random(seed).sample(paragraphs, len(paragraphs))
