"""T6: BABILong rebuilt: the facts of a bAbI story hidden, in order, in the prose of novels."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from tamis_evals.datasets import babi, gutenberg
from tamis_evals.datasets.babi import StoryQuestion
from tamis_evals.datasets.data import Data
from tamis_evals.haystacks.novel import NAME, hidden
from tamis_evals.metrics.answers import answer_kept
from tamis_evals.metrics.selection import measured
from tamis_evals.sample import Outcome, Sample, Source
from tamis_evals.tasks.order import drawn, in_turn
from tamis_evals.tasks.task import Ask, Measures, Plan
from tamis_tools import tokens

QUESTIONS, QUICK_QUESTIONS = 12, 2
"""A bAbI task, each asked at every length."""
QUICK_TOKENS = 4_000
STORY_TOKENS = 600
"""Longer stories are left out, so that at a thousand tokens there is prose to hide the facts in."""


class Asked(NamedTuple):
    """A question of a bAbI task at a length in tokens."""

    task: str
    question: StoryQuestion
    length: int


@dataclass(frozen=True, slots=True)
class Babilong:
    """Tasks qa1, qa2, qa3, qa5 and qa7 (Kuratov et al., 2024). The evidence is every supporting fact.

    In qa2 and qa3 most of it shares no word with the question: who picked the apple up says where to look next. There
    are no rivals: prose is easy to tell from the facts, and other facts of a story are not marked.
    """

    name: str = "babilong"
    title: str = "Facts of a story in the prose of novels"
    ask: Ask = "select"
    budgets: tuple[int, ...] = (1_024,)
    headline: str = "all_evidence"

    def samples(self, data: Data, plan: Plan) -> Iterator[Sample]:
        """The same stories at each length, each question of a story of its own."""
        prose = gutenberg.paragraphs(data)
        groups = [_chosen(task, babi.questions(data, task), plan) for task in babi.FILES]
        return (_sample(asked, prose, plan.seed) for asked in in_turn(groups))

    def measure(self, sample: Sample, outcome: Outcome) -> Measures:
        """Evidence, and whether the answer's word survives."""
        return {**measured(sample, outcome.passages), "answer_kept": answer_kept(sample, outcome.text)}


def _chosen(task: str, questions: list[StoryQuestion], plan: Plan) -> list[Asked]:
    random.Random(plan.seed).shuffle(questions)
    short = (each for each in questions if sum(map(tokens.count, each.facts)) <= STORY_TOKENS)
    one_a_story = list({each.story: each for each in short}.values())
    lengths = [length for length in plan.lengths if length <= QUICK_TOKENS] if plan.quick else plan.lengths
    some = drawn(one_a_story, plan, QUICK_QUESTIONS)[:QUESTIONS]
    return [Asked(task, question, length) for question in some for length in lengths][: plan.limit or None]


def _sample(asked: Asked, prose: list[str], seed: int) -> Sample:
    question = asked.question
    name = f"{asked.task}-{question.story}"
    told = hidden(question.facts, prose, asked.length, f"{seed}:{name}:{asked.length}")
    evidence = tuple(told.facts[at] for at in question.supporting)
    return Sample(
        id=f"{name}-{asked.length}",
        dataset=f"babilong-{asked.task}",
        cluster=name,
        query=question.query,
        sources=(Source(NAME, told.text),),
        evidence=evidence,
        answers=(question.answer,),
        factors={
            "length": asked.length,
            "depth": round(sum(span.start for span in evidence) / len(evidence) / len(told.text), 4),
            "facts": len(evidence),
        },
        sentences=told.sentences,
        blocks=told.blocks,
    )
