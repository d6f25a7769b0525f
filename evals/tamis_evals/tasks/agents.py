"""T7: what agents read: an issue and the file to fix, a log and what failed, a trajectory and its decisive step.

Lines are the unit of all three. Steps are the hard case: read whole, models name the step in one of seven trajectories
or fewer (14.2 % for the best method of Zhang et al. 2025, "Which agent causes task failures and when?"), and the first
step repeats the question, which draws whoever matches words. Short logs fit the larger budgets whole: compare those by
`tenth_budget`, the budget nearest to a tenth of the text.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from tamis_evals.datasets import swebench, toollogs, whoandwhen
from tamis_evals.datasets.data import Data
from tamis_evals.metrics import lines
from tamis_evals.metrics.selection import measured
from tamis_evals.sample import Outcome, Sample
from tamis_evals.tasks import questions
from tamis_evals.tasks.task import Ask, Measures, Plan


class Agents:
    """Which lines does the fix edit, which say what failed, which are the step that decided it?"""

    name = "agents"
    title = "Agents' material: code, logs, trajectories"
    ask: Ask = "select"
    budgets = (256, 512, 1_024, 2_048, 4_096)
    headline = "line_recall"

    def samples(self, data: Data, plan: Plan) -> Iterator[Sample]:
        """An issue and its file, a log or a trajectory a sample; raises `DataMissing`."""
        sets = {
            "swebench-localise": swebench.questions(data),
            "tool-output-logs": toollogs.questions(data),
            "who-and-when": whoandwhen.questions(data),
        }
        for sample in questions.samples(sets, plan):
            yield replace(sample, factors={**sample.factors, "tenth_budget": self._tenth(sample)})

    def measure(self, sample: Sample, outcome: Outcome) -> Measures:
        """Lines and characters that are kept; `compression` is the share of the text's tokens that are not."""
        return {
            **measured(sample, outcome.passages),
            **lines.measured(sample, outcome.passages),
            "compression": max(0.0, 1 - outcome.tokens / int(sample.factors["length"])),
        }

    def _tenth(self, sample: Sample) -> int:
        tenth = int(sample.factors["length"]) / 10
        return min(self.budgets, key=lambda budget: max(budget / tenth, tenth / budget))
