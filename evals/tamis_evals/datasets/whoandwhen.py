"""Who & When: what several agents said on the way to a wrong answer, with the step that decided it.

The step is a number counted from 0, set by hand. Where it does not belong to the agent that was blamed the label
contradicts itself, and the trajectory is left out. The annotator's reason and the right answer are never read.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath

from pydantic import BaseModel

from tamis_evals.datasets.data import Data, DataMissing
from tamis_evals.datasets.labelled import Span
from tamis_evals.datasets.spans import Question, stripped

FOLDERS = ("who-and-when/Algorithm-Generated", "who-and-when/Hand-Crafted")
QUERY = "Which step made this fail: {question}"


class _Said(BaseModel):
    content: str
    role: str
    name: str = ""

    @property
    def speaker(self) -> str:
        return self.name or self.role


class _Trajectory(BaseModel):
    question: str
    history: list[_Said]
    mistake_agent: str
    mistake_step: int


def questions(data: Data) -> Iterator[Question]:
    """A trajectory a question, in the order of names; raises `DataMissing` where a folder is empty."""
    paths = [path for folder in FOLDERS for path in data.names(folder, "*.json")]
    if not paths:
        raise DataMissing(f"There are no trajectories in {data.folder / FOLDERS[0]}. evals/README.md lists the data.")
    for path in paths:
        row = _Trajectory.model_validate(data.json(path))
        text, steps = written([(said.speaker, said.content) for said in row.history])
        blamed = row.history[row.mistake_step : row.mistake_step + 1]
        if not blamed or row.mistake_agent not in blamed[0].speaker:
            continue
        step = stripped(text, steps[row.mistake_step])
        if step.end > step.start:
            file = PurePosixPath(path)
            key = f"{file.parent.name}-{file.stem}"
            query = QUERY.format(question=row.question.strip())
            yield Question(key, key, "trajectory.md", text, query, (step,))


def written(history: list[tuple[str, str]]) -> tuple[str, tuple[Span, ...]]:
    """A trajectory as Markdown, a heading a step; and where the words of each step stand."""
    text = ""
    spans: list[Span] = []
    for number, (speaker, words) in enumerate(history):
        text += f"## Step {number}: {speaker}\n\n"
        spans.append(Span(len(text), len(text) + len(words)))
        text += f"{words}\n\n"
    return text, tuple(spans)
