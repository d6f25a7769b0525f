"""A root with files in it, a secret outside of it, and `read` called as the tools call it: in a worker thread."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import anyio.to_thread
import pytest

from tamis_tools.document import Document
from tamis_tools.limits import Limits
from tamis_tools.pace import Pace
from tamis_tools.scope import Scope
from tamis_tools.sources import Reading, read

OUTSIDE = "THE SENTINEL THAT NOBODY MAY READ"


def no_handles(ref: str) -> Sequence[Document]:
    raise AssertionError(f"{ref} was recalled")


@dataclass
class Reader:
    """Reads sources under `root`, by default with nothing allowed beyond it."""

    root: Path
    more_roots: tuple[Path, ...] = ()
    limits: Limits = field(default_factory=Limits)
    allow_urls: bool = False
    recall: Callable[[str], Sequence[Document]] = no_handles

    def __call__(
        self, *sources: str, pace: Pace | None = None, allow_secrets: bool = False, named: bool = True
    ) -> Reading:
        roots = tuple(root.resolve() for root in (self.root, *self.more_roots))
        scope = Scope(roots, self.allow_urls, allow_secrets, self.limits)
        work = partial(read, sources, scope, pace or Pace(), self.recall, named=named)
        return anyio.run(anyio.to_thread.run_sync, work)

    def addresses(self, *sources: str) -> list[str]:
        return [document.address for document in self(*sources).documents]

    def write(self, path: str, content: str | bytes = "something\n") -> Path:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        return file


@pytest.fixture
def reader(tmp_path: Path) -> Reader:
    root = tmp_path / "root"
    root.mkdir()
    (tmp_path / "outside.txt").write_text(OUTSIDE, encoding="utf-8")
    return Reader(root)


@pytest.fixture
def outside(tmp_path: Path, reader: Reader) -> Path:
    """The file next to the root."""
    return tmp_path / "outside.txt"
