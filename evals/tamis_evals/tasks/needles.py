"""T5: needles of our own writing, in four grades of overlap with the question, among rivals of the same shape."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from random import Random
from typing import NamedTuple

from tamis_evals.datasets.data import Data
from tamis_evals.haystacks.generate import FRAMES, haystack, taken
from tamis_evals.haystacks.needles import GRADES, Fact, Grade, facts
from tamis_evals.haystacks.pieces import placed
from tamis_evals.metrics.selection import measured, merged
from tamis_evals.sample import Outcome, Sample
from tamis_evals.tasks.task import Ask, Measures, Plan

RIVALS = (0, 1, 4, 16, 4)
"""Four rivals twice: at 0, 1 and 16 the curve is only sketched."""
DEPTHS = (0.0, 0.25, 0.5, 0.75, 1.0)
QUICK_LENGTH = 16_000


class Cell(NamedTuple):
    """One sample of the design."""

    turn: int
    fact: Fact
    grade: Grade
    length: int
    rivals: int
    depth: float
    coherent: bool


class Needles:
    """A fact hidden in generated text. `clean` is 1 where all of its sentences are kept and no rival is.

    The design is no full cross product: every needle stands once in each length, and lengths, rivals and depths form
    Latin squares over the facts, the same for all four grades. So grades, and lengths, compare the same facts. The
    budgets hold the needle and four rivals with ease: only choosing keeps a selection clean.
    """

    name = "needles"
    title = "Needles with rivals"
    ask: Ask = "select"
    budgets = (256, 512)
    headline = "clean"

    def samples(self, data: Data, plan: Plan) -> Iterator[Sample]:  # noqa: ARG002
        """Needs no data: facts and haystacks are the project's own."""
        given: Counter[str] = Counter()
        for cell in quick(plan) if plan.quick else design(plan):
            given[cell.fact.kind] += 1
            if not plan.limit or given[cell.fact.kind] <= plan.limit:
                yield build(cell, plan.seed)

    def measure(self, sample: Sample, outcome: Outcome) -> Measures:
        """Recall, rivals and `clean`; `answer_kept` is 1 where the answer, which stands in one place only, is kept."""
        return {**measured(sample, outcome.passages), "answer_kept": answer_kept(sample, outcome)}


def design(plan: Plan) -> Iterator[Cell]:
    """All needles, once in every length; materials change from sample to sample, grades and lengths soon after."""
    for shift in range(len(plan.lengths)):
        for step in range(len(GRADES)):
            for turn, fact in enumerate(facts()):
                grade = GRADES[(turn // len(GRADES) + step) % len(GRADES)]
                at = (turn + shift) % len(plan.lengths)
                rivals, depth = RIVALS[(turn + at) % len(RIVALS)], DEPTHS[(turn + 2 * at) % len(DEPTHS)]
                coherent = (turn // len(GRADES) + at) % 2 == 0
                yield Cell(turn, fact, grade, plan.lengths[at], rivals, depth, coherent)


def quick(plan: Plan) -> Iterator[Cell]:
    """Every grade in every material once, each with another fact and four rivals, in short haystacks."""
    lengths = [length for length in plan.lengths if length <= QUICK_LENGTH] or [min(plan.lengths)]
    for turn, fact in enumerate(facts()[: len(GRADES) ** 2]):
        grade = GRADES[turn // len(GRADES)]
        length, depth = lengths[turn % len(lengths)], DEPTHS[turn % len(DEPTHS)]
        yield Cell(turn, fact, grade, length, 4, depth, coherent=turn % 2 == 0)


def build(cell: Cell, seed: int) -> Sample:
    """The haystack of a cell with its needle and rivals in place; same seed, same sample."""
    fact, order = cell.fact, "coherent" if cell.coherent else "shuffled"
    rng = Random(f"{seed} {fact.id} {cell.length} {cell.rivals}")
    evidence, rivals = fact.evidence(cell.grade), fact.rivals(cell.grade, cell.rivals, rng)
    texts = [*evidence, *rivals]
    tokens = max(0, cell.length - taken(fact.kind, seed, texts))
    pieces = haystack(fact.kind, tokens, seed, cell.turn, cell.coherent)
    places = slots(len(pieces), cell.depth, (len(evidence), len(rivals)), rng)
    sources, spans = placed(pieces, list(zip(places, texts, strict=True)), FRAMES[fact.kind])
    return Sample(
        id=f"{fact.id}/{cell.grade}/{cell.length}-r{cell.rivals}-d{cell.depth:g}-{order}",
        dataset=f"needles-{fact.kind}",
        cluster=fact.id,
        query=fact.question,
        sources=sources,
        evidence=spans[: len(evidence)],
        rivals=spans[len(evidence) :],
        answers=(fact.answer,),
        factors={
            "length": cell.length,
            "rivals": cell.rivals,
            "depth": cell.depth,
            "overlap": cell.grade,
            "material": fact.material,
            "order": order,
        },
    )


def slots(pieces: int, depth: float, counts: tuple[int, int], rng: Random) -> list[int]:
    """Numbers of the pieces behind which evidence and rivals are put: `counts` of each.

    The first evidence stands at `depth`, a second half the haystack away. Rivals are anywhere else, apart from one
    another as long as there is room.
    """
    evidence, rivals = counts
    depths = [depth + part / 2 for part in range(evidence)]
    held = [round((at - 1 if at > 1 else at) * (pieces - 1)) for at in depths]
    free = [at for at in range(pieces) if at not in held] or held
    enough = len(free) >= rivals
    return held + (rng.sample(free, rivals) if enough else rng.choices(free, k=rivals))


def answer_kept(sample: Sample, outcome: Outcome) -> float:
    """1.0 where a kept passage holds the answer, in whatever case."""
    kept = [sample.text(passage).casefold() for passage in merged(outcome.passages)]
    return float(any(answer.casefold() in text for answer in sample.answers for text in kept))
