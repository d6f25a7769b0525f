"""Issues of SWE-bench with the file that the fix edits, as it was before, and the lines that the fix touches.

Gold are the lines removed, or the two beside an insertion: a lower bound, since callers and tests may matter as much.
Blank lines are no evidence, and an issue with no other gold is left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath

from pydantic import BaseModel

from tamis_evals.datasets.data import Data
from tamis_evals.datasets.spans import Question, lines, stripped

PATH = "derived-swebench-localise/instances.jsonl.gz"


class _File(BaseModel):
    path: str
    text: str
    gold_lines: list[int]


class _Issue(BaseModel):
    id: str
    repo: str
    query: str
    files: list[_File]


def questions(data: Data) -> Iterator[Question]:
    """An issue and one file that its fix edits; the repository is the cluster. Raises `DataMissing`."""
    for row in data.lines(PATH):
        issue = _Issue.model_validate(row)
        for number, file in enumerate(issue.files):
            places = lines(file.text)
            touched = (stripped(file.text, places[line - 1]) for line in sorted(set(file.gold_lines)))
            spans = tuple(span for span in touched if span.end > span.start)
            if spans:
                name = PurePosixPath(file.path).name
                yield Question(f"{issue.id}-{number}", issue.repo, name, file.text, issue.query, spans)
