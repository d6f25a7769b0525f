"""What a run leaves behind: one line of JSON for every sample and arm, and what the run was made of."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict

from tamis_evals.sample import Factor

RECORDS = "records.jsonl"
ABOUT = "about.json"


class Key(NamedTuple):
    """Which question to which arm: what a resumed run need not ask again."""

    task: str
    sample: str
    arm: str
    budget: int


class Record(BaseModel):
    """One arm's outcome for one sample, measured. `metrics` are fractions; None is not defined, and never zero."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    task: str
    dataset: str
    sample: str
    cluster: str
    arm: str
    budget: int
    factors: dict[str, Factor]
    metrics: dict[str, float | None]
    tokens: int
    overhead_tokens: int
    source_tokens: int
    calls: int
    seconds: float
    failed: str = ""
    commit: str = ""
    """Of the code that made it; a plus sign behind it says that there were changes beside."""

    @property
    def key(self) -> Key:
        """What makes it one of a kind in its run."""
        return Key(self.task, self.sample, self.arm, self.budget)


class About(BaseModel):
    """What a run was made of: enough to make it again. Figures of two runs compare only where these agree."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: str
    commit: str
    dirty: bool
    seed: int
    quick: bool
    lengths: list[int]
    data: dict[str, str]
    models: dict[str, str]
    machine: str
    started: str
    server_megabytes: float | None = None
    engine_megabytes: float | None = None
    settings: dict[str, Any] = {}


class Run:
    """A folder of records. Lines are appended whole; the torn last line of a run that was killed is not read."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def records(self) -> Iterator[Record]:
        """In the order of writing."""
        path = self.folder / RECORDS
        if not path.exists():
            return
        with path.open(encoding="utf-8") as lines:
            yield from (Record.model_validate_json(line) for line in lines if line.endswith("\n"))

    def resume(self) -> set[Key]:
        """What need not be asked again: all that did not fail. A line that was torn off goes."""
        path = self.folder / RECORDS
        if path.exists():
            content = path.read_bytes()
            with path.open("rb+") as file:
                file.truncate(content.rfind(b"\n") + 1)
        return {record.key for record in self.records() if not record.failed}

    def append(self, record: Record) -> None:
        """Add one line."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / RECORDS).open("a", encoding="utf-8") as file:
            file.write(record.model_dump_json() + "\n")

    def about(self) -> About:
        """What the run was made of; raises `FileNotFoundError` where there is no run."""
        return About.model_validate_json((self.folder / ABOUT).read_text(encoding="utf-8"))

    def earlier_data(self) -> dict[str, str]:
        """Hashes of what an earlier part of the run has read."""
        return self.about().data if (self.folder / ABOUT).exists() else {}

    def describe(self, about: About) -> None:
        """Write it down."""
        self.folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps(about.model_dump(), indent=2, sort_keys=True)
        (self.folder / ABOUT).write_text(text + "\n", encoding="utf-8")
