"""T4: natural long documents, nothing added: corpora, trials, papers and meetings, with the passages that answer."""

from __future__ import annotations

from collections.abc import Iterator

from tamis_evals.datasets import chunking, covid, evidence_inference, qmsum
from tamis_evals.datasets.data import Data
from tamis_evals.metrics.selection import measured
from tamis_evals.sample import Outcome, Sample
from tamis_evals.tasks import questions
from tamis_evals.tasks.task import Ask, Measures, Plan

MOST = 100
"""Questions of one data set, by lot."""


class Documents:
    """Which passages of one document answer? Lengths are the documents' own, 4k to 150k tokens.

    `any_evidence` is 1 where at least one unit of evidence is kept: where annotators marked different passages for one
    question, as in Evidence Inference, either answers it.
    """

    name = "documents"
    title = "Natural long documents"
    ask: Ask = "select"
    budgets = (512, 1_024, 2_048)
    headline = "character_recall"

    def samples(self, data: Data, plan: Plan) -> Iterator[Sample]:
        """A question of each data set in turn; raises `DataMissing`."""
        sets = {
            "chunking-evaluation": chunking.questions(data),
            "evidence-inference": evidence_inference.questions(data),
            "covid-qa": covid.questions(data),
            "qmsum": qmsum.questions(data),
        }
        return questions.samples(sets, plan, MOST)

    def measure(self, sample: Sample, outcome: Outcome) -> Measures:
        """Units and characters of the evidence that are kept."""
        values = measured(sample, outcome.passages)
        recall = values["evidence_recall"]
        return {**values, "any_evidence": None if recall is None else float(recall > 0)}
