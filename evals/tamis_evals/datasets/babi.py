"""bAbI v1.2 (English): little stories of one fact a line, with questions and the facts that answer them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from tamis_evals.datasets.data import Data

FILES = {
    "qa1": "babi/en/qa1_single-supporting-fact_test.txt",
    "qa2": "babi/en/qa2_two-supporting-facts_test.txt",
    "qa3": "babi/en/qa3_three-supporting-facts_test.txt",
    "qa5": "babi/en/qa5_three-arg-relations_test.txt",
    "qa7": "babi/en/qa7_counting_test.txt",
}
_FIELDS = re.compile(r"\s*[|\t]\s*")  # one file of this copy has bars where the others have tabs


class StoryQuestion(NamedTuple):
    """A question about the facts told so far; `supporting` are the numbers, from 0, of those that answer it."""

    story: int
    query: str
    answer: str
    facts: tuple[str, ...]
    supporting: tuple[int, ...]


def questions(data: Data, task: str) -> list[StoryQuestion]:
    """The test questions of a task, story by story; raises `DataMissing`."""
    return list(_read(data.text(FILES[task]).splitlines()))


def _read(lines: list[str]) -> Iterator[StoryQuestion]:
    story, facts, places = -1, list[str](), dict[int, int]()
    for line in filter(str.strip, lines):
        number, _, rest = line.strip().partition(" ")
        if number == "1":
            story, facts, places = story + 1, [], {}
        query, *answer = _FIELDS.split(rest)
        if answer:
            supporting = sorted({places[int(label)] for label in answer[1].split()})
            yield StoryQuestion(story, query.strip(), answer[0], tuple(facts), tuple(supporting))
        else:
            places[int(number)] = len(facts)
            facts.append(query.strip())
