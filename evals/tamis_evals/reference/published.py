"""Figures that were measured before this evaluation existed, and the samples to measure them on again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import chain
from types import ModuleType
from typing import NamedTuple

from tamis_evals.cutting import Grain
from tamis_evals.datasets import hotpotqa, musique, twowiki
from tamis_evals.datasets.data import Data
from tamis_evals.datasets.paragraphs import Paragraph, Question
from tamis_evals.haystacks.filler import Pool, fitting, haystack
from tamis_evals.metrics.answers import sayable
from tamis_evals.reference.recipe import read
from tamis_evals.sample import Sample
from tamis_evals.tasks.babilong import Babilong
from tamis_evals.tasks.multihop import Asked, as_sample
from tamis_evals.tasks.task import SEED, Plan

RECALL, WHOLE, CHARACTERS = "evidence_recall", "all_evidence", "character_recall"


class Fill(NamedTuple):
    """Units of a grain, the best first, as many as fit a budget of the recipe's tokens."""

    grain: Grain
    budget: int


@dataclass(frozen=True, slots=True)
class Figure:
    """A published mean of a metric of BM25, as a fraction.

    `low` and `high` are its published 95 % interval; both 0 where there is none.
    """

    fill: Fill
    metric: str
    value: float
    low: float = 0.0
    high: float = 0.0


@dataclass(frozen=True, slots=True)
class Check:
    """A named setting: samples, and what was published for them."""

    name: str
    samples: Callable[[Data], Iterator[Sample]]
    figures: tuple[Figure, ...]


def hidden(dataset: ModuleType, length: int, data: Data) -> Iterator[Sample]:
    """Every question with all its own paragraphs, filled to `length` tokens of the recipe from the pool of 7,113."""
    pool = Pool.of(chain(hotpotqa.pool(data), twowiki.pool(data)))
    questions: list[Question] = dataset.questions(data)
    for question in questions:
        lot = f"{SEED}:{question.id}"
        own = [*question.support, *question.distractors]
        harmless = pool.harmless(pool.shuffled(lot), own, sayable(question.answers))
        filler = fitting(harmless, length - sum(map(_size, own)), _size)
        yield as_sample(Asked(dataset.NAME, question, length), haystack(own, filler, lot))


def story(task: str, length: int, data: Data) -> Iterator[Sample]:
    """The samples of one bAbI task."""
    plan = Plan(lengths=(length,))
    return (each for each in Babilong().samples(data, plan) if each.dataset == f"babilong-{task}")


def _size(paragraph: Paragraph) -> int:
    return read(paragraph.title).tokens + read(paragraph.text).tokens


def _both(fill: Fill, recall: float, whole: float) -> tuple[Figure, Figure]:
    return Figure(fill, RECALL, recall), Figure(fill, WHOLE, whole)


def _sentences(budget: int) -> Fill:
    return Fill("sentences", budget)


CHECKS = (
    Check("hotpotqa-1k", partial(hidden, hotpotqa, 1_000), _both(_sentences(512), 0.932, 0.835)),
    Check("hotpotqa-4k", partial(hidden, hotpotqa, 4_000), _both(_sentences(512), 0.912, 0.790)),
    Check("hotpotqa-16k", partial(hidden, hotpotqa, 16_000), _both(_sentences(512), 0.893, 0.750)),
    Check("hotpotqa-64k", partial(hidden, hotpotqa, 64_000), _both(_sentences(512), 0.882, 0.725)),
    Check(
        "hotpotqa-128k",
        partial(hidden, hotpotqa, 128_000),
        (
            *_both(_sentences(256), 0.777, 0.550),
            Figure(_sentences(512), RECALL, 0.869, 0.840, 0.898),
            Figure(_sentences(512), WHOLE, 0.700),
            *_both(_sentences(1_024), 0.931, 0.845),
            *_both(Fill("blocks", 512), 0.795, 0.615),
        ),
    ),
    Check(
        "musique-128k",
        partial(hidden, musique, 128_000),
        (
            Figure(_sentences(1_024), CHARACTERS, 0.543),
            Figure(_sentences(1_024), WHOLE, 0.130),
            *_both(Fill("blocks", 1_024), 0.638, 0.280),
        ),
    ),
    Check(
        "2wiki-64k",
        partial(hidden, twowiki, 64_000),
        (Figure(_sentences(512), RECALL, 0.741, 0.703, 0.777), Figure(_sentences(512), WHOLE, 0.451)),
    ),
    *(
        Check(f"babilong-{task}-128k", partial(story, task, 128_000), (Figure(_sentences(1_024), WHOLE, whole),))
        for task, whole in (("qa1", 1.0), ("qa2", 0.0), ("qa3", 0.0), ("qa5", 1.0), ("qa7", 0.79))
    ),
)
