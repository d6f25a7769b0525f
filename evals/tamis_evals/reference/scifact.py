"""SciFact as BEIR tests it: nDCG@10 of BM25 and of the shipped encoder over 5,183 abstracts, beside published figures.

`python -m tamis_evals.reference.scifact --data DIR`
"""

from __future__ import annotations

from statistics import fmean

import anyio
import click

from tamis_engine.inprocess import InProcessEngine
from tamis_evals.arms.retrieval import Bm25, Encoder
from tamis_evals.datasets.data import Data
from tamis_evals.tasks.reranking import Reranking, scifact_folder, series
from tamis_evals.tasks.task import Plan

PUBLISHED = {
    "bm25": "0.665 to 0.687 (Anserini multifield and flat, BM25s in MTEB)",
    "encoder": "0.645 (MTEB, all-MiniLM-L6-v2)",
}


async def measured(data: Data) -> dict[str, float]:
    """Mean nDCG@10 over all claims, by arm; raises `DataMissing`."""
    task = Reranking()
    found: dict[str, list[float]] = {name: [] for name in PUBLISHED}
    async with InProcessEngine() as engine:
        arms = (Bm25("bm25", "blocks"), Encoder(engine))
        for sample in series(scifact_folder(data)._replace(most=0), Plan()):
            for arm in arms:
                value = task.measure(sample, await arm.rank(sample, 20))["ndcg_at_10"]
                found[arm.name].append(value or 0.0)
    return {name: fmean(values) for name, values in found.items()}


@click.command(help=__doc__)
@click.option("--data", "folder", metavar="DIR", help="The evaluation data (default: TAMIS_EVAL_DATA).")
def main(folder: str | None) -> None:
    """Print it."""
    for name, value in anyio.run(measured, Data.find(folder)).items():
        click.echo(f"{name:8} {value:.3f}, published {PUBLISHED[name]}")


if __name__ == "__main__":
    main()
