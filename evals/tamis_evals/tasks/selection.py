"""T1: which sentences of short texts answer the question?

Of EntailmentBank the official test part is asked, of CLAPnq its dev part, of QED and SelQA (its test part) the half of
the documents that `labelled.scored` names: the other halves are training material. The texts are shorter than any
budget that an agent would give, so that each is put among its likest until there is four times the smaller budget;
EntailmentBank has its own distractors, about 300 tokens in all, of which 256 is too much to say anything. In CLAPnq one
question in five has more evidence than 128 tokens hold. Short texts are no evidence about long context.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tamis_evals.datasets import clapnq, entailmentbank, qed, selqa
from tamis_evals.datasets.data import Data
from tamis_evals.datasets.labelled import Labelled, scored
from tamis_evals.haystacks.pages import Page, Shelf, blocks, page, sentences
from tamis_evals.metrics.selection import measured
from tamis_evals.sample import Outcome, Sample
from tamis_evals.tasks.order import drawn, in_turn
from tamis_evals.tasks.task import Ask, Measures, Plan

QUICK = 4
"""Samples of a data set in a quick run."""
MOST = 75
"""Samples of a data set, by lot."""
LEAST_TOKENS = 512


class Selection:
    """Recall of the sentences that answer. `compress` takes no budget below 100 tokens, so that none is asked."""

    name = "selection"
    title = "Sentences that answer, in short texts"
    ask: Ask = "select"
    budgets: tuple[int, ...] = (128, 256)
    headline = "evidence_recall"

    def samples(self, data: Data, plan: Plan) -> Iterator[Sample]:
        """One of each data set in turn."""
        return in_turn(
            [
                _series("entailmentbank", entailmentbank.read(data), plan),
                _series("qed", _half(qed.read(data)), plan),
                _series("selqa", _half(selqa.read(data)), plan),
                _series("clapnq", clapnq.read(data), plan, clapnq.read(data, clapnq.UNANSWERABLE)),
            ]
        )

    def measure(self, sample: Sample, outcome: Outcome) -> Measures:
        """Recall, precision and overlap of what was kept with the data set's sentences."""
        return measured(sample, outcome.passages)


def _half(rows: Iterable[Labelled]) -> list[Labelled]:
    return [row for row in rows if scored(row.title)]


def _series(dataset: str, rows: Iterable[Labelled], plan: Plan, company: Iterable[Labelled] = ()) -> Iterator[Sample]:
    pages = [page(row) for row in rows if row.relevant]
    shelf = Shelf((*pages, *(page(row) for row in company)))
    for own in drawn(pages, plan, QUICK)[:MOST]:
        order = shelf.likest(own) if own.row.title else ()
        yield _sample(dataset, own, shelf.among(own, order, LEAST_TOKENS, plan.seed))


def _sample(dataset: str, asked: Page, pages: tuple[Page, ...]) -> Sample:
    row = asked.row
    own = pages.index(asked)
    sizes = [len(each.source.text) for each in pages]
    evidence = asked.relevant(own)
    depth = (sum(sizes[:own]) + evidence[0].start) / sum(sizes)
    return Sample(
        id=f"{dataset}-{row.id}",
        dataset=dataset,
        cluster=f"{dataset}-{row.title or row.id}",
        query=row.question,
        sources=tuple(each.source for each in pages),
        evidence=evidence,
        answers=row.answers,
        factors={"depth": round(depth, 3), "files": len(pages)},
        sentences=sentences(pages),
        blocks=blocks(pages),
    )
