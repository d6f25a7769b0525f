"""QMSum: questions about parts of meetings, with the turns that answer.

Only the validation part is read. Questions about a whole meeting ("Summarise it") have no turns of their own and are
left out. The turns between the first and the last that answer count whole, an "uh-huh" among them too.
"""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import BaseModel

from tamis_evals.datasets.data import Data
from tamis_evals.datasets.labelled import Span
from tamis_evals.datasets.spans import Question

PATH = "qmsum/val.jsonl"


class _Turn(BaseModel):
    speaker: str
    content: str


class _Specific(BaseModel):
    query: str
    relevant_text_span: list[tuple[int, int]]


class _Meeting(BaseModel):
    meeting_transcripts: list[_Turn]
    specific_query_list: list[_Specific]


def questions(data: Data) -> Iterator[Question]:
    """All specific questions, meeting by meeting; raises `DataMissing`."""
    for number, row in enumerate(data.lines(PATH)):
        meeting = _Meeting.model_validate(row)
        text, turns = transcript([(turn.speaker, turn.content) for turn in meeting.meeting_transcripts])
        name = f"meeting-{number:02}"
        for place, asked in enumerate(meeting.specific_query_list):
            numbers = {turn for first, last in asked.relevant_text_span for turn in range(first, last + 1)}
            spans = tuple(turns[turn] for turn in sorted(numbers) if turn < len(turns))
            if spans:
                yield Question(f"{number:02}-{place:02}", name, f"{name}.txt", text, asked.query, spans, cuts=turns)


def transcript(turns: list[tuple[str, str]]) -> tuple[str, tuple[Span, ...]]:
    """A meeting as text, "Speaker: words", a turn a line; and where each turn stands, without its line feed."""
    said = [f"{speaker}: {' '.join(words.split())}" for speaker, words in turns]
    spans: list[Span] = []
    start = 0
    for line in said:
        spans.append(Span(start, start + len(line)))
        start += len(line) + 1
    return "".join(f"{line}\n" for line in said), tuple(spans)
