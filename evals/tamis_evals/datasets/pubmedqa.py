"""PubMedQA: questions that are titles of papers, and the abstracts of those papers without their conclusions."""

from __future__ import annotations

from dataclasses import dataclass

from tamis_evals.datasets.data import Data

PATH = "pubmedqa/ori_pqal.json"
TEST = "pubmedqa/test_ground_truth.json"


@dataclass(frozen=True, slots=True)
class Article:
    """One paper; `paragraphs` are the parts of its abstract, `test` whether it is in the official test part."""

    id: str
    question: str
    paragraphs: tuple[str, ...]
    test: bool

    @property
    def text(self) -> str:
        """The abstract as a file would hold it, without the title, which is the question."""
        return "\n\n".join(self.paragraphs) + "\n"


def read(data: Data) -> list[Article]:
    """All 1,000 labelled papers. The conclusion (`LONG_ANSWER`) answers the question in its words and is left out."""
    test = set(data.json(TEST))
    rows = data.json(PATH)
    return [Article(key, row["QUESTION"], tuple(row["CONTEXTS"]), key in test) for key, row in rows.items()]
