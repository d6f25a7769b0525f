"""T8: does the highest score tell a question that the files answer from one that they do not?

CLAPnq's unanswerable questions come with a passage of the right article that does not answer them: the hard case. Of
SelQA and PubMedQA each question is asked of files with its own text, and of those of another question: the easy case,
which a score that means anything sees. Every text is among others of its data set, drawn by lot, so that no budget
holds all: what is kept whole needs no score.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from tamis_evals.datasets import clapnq, pubmedqa, selqa
from tamis_evals.datasets.data import Data
from tamis_evals.datasets.labelled import Labelled, scored
from tamis_evals.haystacks.pages import Page, Shelf, blocks, page, sentences
from tamis_evals.sample import Outcome, Sample, Source
from tamis_evals.tasks.order import drawn, in_turn
from tamis_evals.tasks.task import Ask, Measures, Plan

QUICK = 3
"""Of each of the six series in a quick run."""
MOST = 50
"""Of each series, by lot."""
LEAST_TOKENS = 768


class Asked(NamedTuple):
    """A question, `own` its text, and files that hold it, or do not."""

    own: Page
    files: tuple[Page, ...]


class Abstention:
    """The area under the ROC curve of `Outcome.best`, over all records of an arm (`metrics.abstention`)."""

    name = "abstention"
    title = "Knowing that nothing is there"
    ask: Ask = "select"
    budgets: tuple[int, ...] = (256,)
    headline = "auroc"

    def samples(self, data: Data, plan: Plan) -> Iterator[Sample]:
        """Answerable and unanswerable ones of each data set in turn."""
        answerable = [page(row) for row in clapnq.read(data)]
        unanswerable = [page(row) for row in clapnq.read(data, clapnq.UNANSWERABLE)]
        shelf = Shelf((*answerable, *unanswerable))
        return in_turn(
            [
                _samples("clapnq", _filed(shelf, answerable, plan), True),
                _samples("clapnq", _filed(shelf, unanswerable, plan), False),
                *_both("selqa", _selqa(data), plan),
                *_both("pubmedqa", _pubmedqa(data), plan),
            ]
        )

    def measure(self, sample: Sample, outcome: Outcome) -> Measures:
        """What the curve is drawn from: a score of the arm's own scale (`best`), and whether there was an answer.

        `kept_tokens` is a number of tokens: less is better where there is no answer.
        """
        return {
            "best": outcome.best,
            "answerable": float(sample.factors["answerable"]),
            "said_answered": float(outcome.answered),
            "kept_tokens": float(outcome.tokens),
        }


def _filed(shelf: Shelf, pages: Sequence[Page], plan: Plan) -> list[Asked]:
    chosen = drawn(pages, plan, QUICK)[:MOST]
    return [Asked(own, shelf.among(own, shelf.by_lot(own, plan.seed), LEAST_TOKENS, plan.seed)) for own in chosen]


def _both(dataset: str, pages: Sequence[Page], plan: Plan) -> tuple[Iterator[Sample], Iterator[Sample]]:
    filed = _filed(Shelf(pages), pages, plan)
    return _samples(dataset, filed, True), _samples(dataset, swapped(filed), False)


def swapped(filed: Sequence[Asked]) -> list[Asked]:
    """Each question over the files of the next question that do not hold its own text; none where all do."""
    turned = [[*filed[at:], *filed[:at]] for at in range(len(filed))]
    others = [[each.files for each in later[1:] if later[0].own not in each.files] for later in turned]
    return [Asked(each.own, found[0]) for each, found in zip(filed, others, strict=True) if found]


def _samples(dataset: str, asked: Iterable[Asked], answerable: bool) -> Iterator[Sample]:
    for own, files in asked:
        yield Sample(
            id=f"{dataset}-{own.row.id}-{'with' if answerable else 'without'}",
            dataset=dataset,
            cluster=f"{dataset}-{own.row.title}",
            query=own.row.question,
            sources=tuple(each.source for each in files),
            evidence=own.relevant(files.index(own)) if own in files else (),
            factors={"answerable": int(answerable), "files": len(files)},
            sentences=sentences(files),
            blocks=blocks(files),
        )


def _selqa(data: Data) -> list[Page]:
    """One question an article, so that no text but its own is of the article."""
    rows = {row.title: row for row in selqa.read(data) if scored(row.title)}
    return [page(row) for row in rows.values()]


def _pubmedqa(data: Data) -> list[Page]:
    """The test part, without titles: they are the questions."""
    papers = (paper for paper in pubmedqa.read(data) if paper.test)
    rows = (Labelled(paper.id, paper.id, paper.question, paper.text, (), ()) for paper in papers)
    return [Page(row, Source(f"{row.id}.txt", row.text), 0) for row in rows]
