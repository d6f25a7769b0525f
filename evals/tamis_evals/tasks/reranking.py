"""T2: which files of a folder answer the question?

Claims over abstracts (SciFact, as BEIR asks it), questions over chunks of code and of documentation (Anthropic's
cookbook), and titles of papers over their abstracts (PubMedQA's test part over all 1,000, which word overlap almost
solves). Relevance is 0 or 1; of a relevant file all is evidence.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from tamis_evals.datasets import cookbook, pubmedqa, scifact
from tamis_evals.datasets.data import Data
from tamis_evals.metrics.ranking import measured
from tamis_evals.sample import Outcome, Passage, Sample, Source
from tamis_evals.tasks.order import drawn, in_turn
from tamis_evals.tasks.task import Ask, Measures, Plan

QUICK = 12
MOST = 60
"""Questions of one folder, by lot: each call reads all of its files, 5,183 in SciFact."""
BLOCK = 50
"""Questions to one folder before the next has its turn: indexes and files are kept for one folder at a time."""


class Asked(NamedTuple):
    """A question, and the numbers of the sources that are relevant to it."""

    id: str
    text: str
    relevant: tuple[int, ...]


class Folder(NamedTuple):
    """Sources that many questions share, as the very same tuple."""

    dataset: str
    sources: tuple[Source, ...]
    questions: Sequence[Asked]
    most: int = 0
    """Questions that are asked, by lot (0: all)."""


class Reranking:
    """nDCG@10, MRR and pass@k of one ranking of 20 files."""

    name = "reranking"
    title = "Files that answer, in folders"
    ask: Ask = "rank"
    budgets: tuple[int, ...] = (20,)
    headline = "ndcg_at_10"

    def samples(self, data: Data, plan: Plan) -> Iterator[Sample]:
        """Blocks of each folder in turn; in a quick run the documentation alone, as folders take minutes to encode."""
        folders = [_docs(data)] if plan.quick else [scifact_folder(data), _code(data), _docs(data), _pubmedqa(data)]
        return in_turn([series(folder, plan) for folder in folders], BLOCK)

    def measure(self, sample: Sample, outcome: Outcome) -> Measures:
        """How early the relevant sources come."""
        return measured(outcome.ranked, {passage.source for passage in sample.evidence})


def series(folder: Folder, plan: Plan) -> Iterator[Sample]:
    """The questions about one folder, by lot."""
    for asked in drawn(folder.questions, plan, QUICK)[: folder.most or None]:
        yield Sample(
            id=f"{folder.dataset}-{asked.id}",
            dataset=folder.dataset,
            cluster=f"{folder.dataset}-{asked.relevant[0]}",
            query=asked.text,
            sources=folder.sources,
            evidence=tuple(Passage(number, 0, len(folder.sources[number].text)) for number in asked.relevant),
            factors={"files": len(folder.sources)},
        )


def scifact_folder(data: Data) -> Folder:
    """The abstracts, and the claims that BEIR tests with; raises `DataMissing`."""
    papers = scifact.abstracts(data)
    numbers = {paper.id: number for number, paper in enumerate(papers)}
    asked = [
        Asked(claim.id, claim.text, tuple(numbers[name] for name in claim.cited)) for claim in scifact.claims(data)
    ]
    files = (Source(f"{paper.id}.txt", f"{paper.title}\n\n{' '.join(paper.sentences)}\n") for paper in papers)
    return Folder("scifact", tuple(files), asked, MOST)


def _code(data: Data) -> Folder:
    return _chunks("cookbook-code", cookbook.code(data), cookbook.code_questions(data))


def _docs(data: Data) -> Folder:
    return _chunks("cookbook-docs", cookbook.docs(data), cookbook.docs_questions(data))


def _chunks(dataset: str, chunks: Sequence[cookbook.Chunk], questions: Iterable[cookbook.Question]) -> Folder:
    numbers = {chunk.id: number for number, chunk in enumerate(chunks)}
    asked = [Asked(each.id, each.text, tuple(numbers[name] for name in each.golden)) for each in questions]
    return Folder(dataset, tuple(Source(chunk.name, chunk.text) for chunk in chunks), asked, MOST)


def _pubmedqa(data: Data) -> Folder:
    papers = pubmedqa.read(data)
    asked = [Asked(paper.id, paper.question, (number,)) for number, paper in enumerate(papers) if paper.test]
    return Folder("pubmedqa", tuple(Source(f"{paper.id}.txt", paper.text) for paper in papers), asked, MOST)
