"""SciFact as BEIR asks it: 300 claims (the validation part, BEIR's test) over 5,183 abstracts."""

from __future__ import annotations

import ast
import csv
import io
import re
from dataclasses import dataclass

from tamis_evals.datasets.data import Data

CORPUS = "scifact/corpus_train.csv"
CLAIMS = "scifact/claims_validation.csv"

_STRING = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Abstract:
    """One document of the corpus."""

    id: str
    title: str
    sentences: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Claim:
    """A claim, and the abstracts that it cites: BEIR's relevance judgements, all of grade 1."""

    id: str
    text: str
    cited: tuple[str, ...]


def abstracts(data: Data) -> list[Abstract]:
    """The corpus, in the order of its file."""
    return [Abstract(row["doc_id"], row["title"].strip(), strings(row["abstract"])) for row in _rows(data, CORPUS)]


def claims(data: Data) -> list[Claim]:
    """The validation claims, each once, though the file has a row for each rationale."""
    rows = {row["id"]: row for row in _rows(data, CLAIMS)}
    return [Claim(name, row["claim"], tuple(re.findall(r"\d+", row["cited_doc_ids"]))) for name, row in rows.items()]


def strings(shown: str) -> tuple[str, ...]:
    """The strings of a numpy array as `repr` shows it: without commas, so that Python would take them for one."""
    return tuple(ast.literal_eval(literal).strip() for literal in _STRING.findall(shown))


def _rows(data: Data, path: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(data.text(path), newline="")))
