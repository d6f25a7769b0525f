"""`tamis eval run` and `tamis eval report`."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import anyio
import click

if TYPE_CHECKING:
    from tamis_evals.datasets.data import Data
    from tamis_evals.readers.endpoint import Prices
    from tamis_evals.readers.reader import Reader
    from tamis_evals.records import About, Run
    from tamis_evals.tasks.task import Plan, Task


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The options of `tamis eval run`, as given."""

    tasks: tuple[str, ...] = ()
    arms: tuple[str, ...] = ()
    data: str | None = None
    out: Path = Path("eval-results")
    quick: bool = False
    limit: int = 0
    lengths: str = ""
    seed: int = 11
    reader_url: str = ""
    model: str = ""
    prices: str = ""


@click.group("eval")
def group() -> None:
    """Measure quality as context grows, and show it."""


@group.command("run")
@click.option("--quick", is_flag=True, help="A few samples of every task, context up to 16k: under three minutes.")
@click.option("--task", "tasks", multiple=True, metavar="T", help="Only this task; give it again for more.")
@click.option("--arm", "arms", multiple=True, metavar="A", help="Only this arm; a hub model as owner/model.")
@click.option("--data", metavar="DIR", help="The evaluation data (default: TAMIS_EVAL_DATA).")
@click.option("--out", type=click.Path(path_type=Path), default=Path("eval-results"), help="Where records go; resumed.")
@click.option("--limit", default=0, metavar="N", help="At most N samples of each data set, where a run asks more.")
@click.option("--lengths", default="", metavar="N,N", help="Context lengths in tokens, as in 1000,128000.")
@click.option("--seed", default=11, show_default=True, help="For haystacks and depths.")
@click.option("--reader-url", default="", metavar="URL", help="An OpenAI-compatible endpoint that reads and answers.")
@click.option("--model", default="", metavar="NAME", help="The model to ask there.")
@click.option("--prices", default="", metavar="R,C,W", help="Its dollars a million tokens: read, cached, written.")
def run_command(**given: object) -> None:
    """Ask every arm, measure, and write one line of JSON for each outcome."""
    anyio.run(_run, Asked(**given))  # pyright: ignore[reportArgumentType] - click has checked the types


@group.command("report")
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--out", type=click.Path(path_type=Path), help="Where the report goes (default: the same folder).")
def report_command(folder: Path, out: Path | None) -> None:
    """Tables, pictures and one HTML page from the records of a run; no model is needed."""
    # late: a run needs no pictures
    from tamis_evals.report import build

    click.echo(str(build(folder, out)))


async def _run(asked: Asked) -> None:
    # late: `tamis --help` needs none of it
    from tamis_evals import provenance
    from tamis_evals.arms import UnknownArm
    from tamis_evals.datasets.data import Data, DataMissing
    from tamis_evals.readers.opening import prices, reader
    from tamis_evals.readers.reader import ReaderFailed
    from tamis_evals.records import Run

    run = Run(asked.out)
    try:
        data, plan = Data.find(asked.data), _plan(asked)
        costs = prices(asked.prices)
        async with reader(asked.reader_url, asked.model, asked.out / "answers") as reads:
            tasks = _tasks(asked.tasks, reads, costs)
            about = provenance.about(plan, {"tasks": list(asked.tasks), "arms": list(asked.arms), "reader": reads.name})
            await _ask(asked, run, about, (data, plan, tasks))
    except (DataMissing, ReaderFailed, UnknownArm, ValueError) as error:
        raise click.ClickException(str(error)) from error


async def _ask(asked: Asked, run: Run, about: About, what: tuple[Data, Plan, list[Task]]) -> None:
    from tamis_evals import arms, server
    from tamis_evals.progress import shown
    from tamis_evals.running import Runner

    data, plan, tasks = what
    commit = about.commit[:12] + "+" * about.dirty
    run.describe(about.model_copy(update={"data": run.earlier_data()}))  # a run that is stopped has its report, too
    with tempfile.TemporaryDirectory(prefix="tamis-eval-") as name, shown() as tell:
        async with arms.opened(asked.arms or arms.DEFAULT, Path(name)) as opened:
            await Runner(data, run, opened, tell, commit).all(tasks, plan)
            found = {
                "server_megabytes": server.megabytes("tamis_mcp_server", "mcp"),
                "engine_megabytes": server.megabytes("tamis_engine.process.daemon"),
            }
    run.describe(about.model_copy(update={"data": {**run.earlier_data(), **data.hashes}, **found}))


def _plan(asked: Asked) -> Plan:
    from tamis_evals.tasks.task import LENGTHS, Plan

    try:
        lengths = tuple(int(each) for each in asked.lengths.split(",")) if asked.lengths else LENGTHS
    except ValueError:
        raise ValueError(f"--lengths is {asked.lengths!r}. Give numbers of tokens, as in 1000,128000.") from None
    return Plan(asked.quick, asked.limit, lengths, asked.seed)


def _tasks(names: Sequence[str], reader: Reader, prices: Prices | None) -> list[Task]:
    from tamis_evals.tasks.reading import Reading
    from tamis_evals.tasks.registry import TASKS

    known = {**TASKS, "reading": lambda: Reading(reader, prices)}
    if unknown := [name for name in names if name not in known]:
        raise ValueError(f"No task {unknown[0]!r}. There are: {', '.join(known)}.")
    return [known[name]() for name in names or known]
