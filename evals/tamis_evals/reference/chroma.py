"""The gap that context rot leaves, from Chroma's published answers of GPT-4.1: focused prompts beside full ones.

`python -m tamis_evals.reference.chroma --data DIR`
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from io import StringIO
from statistics import fmean

import click

from tamis_evals.datasets.data import Data
from tamis_evals.statistics import mcnemar, wilson

FOLDER = "chroma-context-rot"


@dataclass(frozen=True, slots=True)
class Answers:
    """Right ones of `n`, and the mean length of the prompts in tokens."""

    right: int
    n: int
    tokens: float


@dataclass(frozen=True, slots=True)
class Gap:
    """Questions that were asked both ways: how many the full prompt lost and gained, and McNemar's exact p."""

    focused: Answers
    full: Answers
    lost: int
    gained: int
    p: float


def gap(data: Data) -> Gap:
    """LongMemEval, judged by Chroma's own judge; raises `DataMissing`."""
    focused, full = _judged(data, "focused"), _judged(data, "full")
    both = sorted(focused.keys() & full.keys())
    one, other = [focused[key][0] for key in both], [full[key][0] for key in both]
    return Gap(
        Answers(sum(one), len(both), fmean(focused[key][1] for key in both)),
        Answers(sum(other), len(both), fmean(full[key][1] for key in both)),
        sum(a > b for a, b in zip(one, other, strict=True)),
        sum(a < b for a, b in zip(one, other, strict=True)),
        mcnemar(one, other),
    )


def _judged(data: Data, prompt: str) -> Mapping[str, tuple[bool, int]]:
    """Whether the answer was right, and the tokens of the prompt, by question."""
    rows = csv.DictReader(StringIO(data.text(f"{FOLDER}/gpt_4_1_longmemeval_{prompt}_evaluated.csv")))
    return {row["custom_id"]: (row["llm_judge_output"].lower() == "true", int(row["token_count"])) for row in rows}


@click.command(help=__doc__)
@click.option("--data", "folder", metavar="DIR", help="The evaluation data (default: TAMIS_EVAL_DATA).")
def main(folder: str | None) -> None:
    """Print it."""
    found = gap(Data.find(folder))
    for name, answers in (("focused", found.focused), ("full", found.full)):
        low, high = wilson(answers.right, answers.n)
        share = answers.right / answers.n
        click.echo(f"{name:8} {share:.1%} [{low:.1%}, {high:.1%}]  n {answers.n}, {answers.tokens:,.0f} tokens")
    click.echo(f"lost by going long {found.lost}, gained {found.gained}, exact McNemar p {found.p:.0e}")


if __name__ == "__main__":
    main()
