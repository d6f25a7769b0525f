"""How far a run is: a line for every task, on a terminal or not."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn


@contextmanager
def shown() -> Generator[Callable[[str, int], None]]:
    """Gives what is to be told: the task, and how many of its samples are done."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        lines: dict[str, TaskID] = {}

        def tell(task: str, done: int) -> None:
            if task not in lines:
                for line in list(lines.values())[-1:]:
                    progress.stop_task(line)
                lines[task] = progress.add_task(task, total=None)
            progress.update(lines[task], completed=done)

        yield tell
