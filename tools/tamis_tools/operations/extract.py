"""Values with exact quotes: for fields by what they mean, for labels by what statements say, for entities by form."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from anyio import to_thread

from tamis_tools.corpus import cut
from tamis_tools.document import Span
from tamis_tools.errors import BadArgument
from tamis_tools.extraction import fields, patterns
from tamis_tools.extraction.entities import tally
from tamis_tools.extraction.fields import Field
from tamis_tools.labelling import fitting
from tamis_tools.operations.gathering import gather
from tamis_tools.operations.listing import counted, listed, reading_notes
from tamis_tools.places import next_call
from tamis_tools.ranking import RELEVANT, rank_corpus
from tamis_tools.results import Answer, Extracted, Value

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from tamis_tools.corpus import Corpus
    from tamis_tools.document import Document
    from tamis_tools.extraction.entities import Tally
    from tamis_tools.extraction.fields import Found
    from tamis_tools.pace import Pace
    from tamis_tools.ranking import Hit, Ranking
    from tamis_tools.requests import ExtractRequest
    from tamis_tools.workspace import Workspace

MOST_QUESTIONS = 20
"""Fields and labels of one call: each costs a ranking of everything, up to a second or two."""
MOST_VALUES = 100
"""Values of entities in one answer, shared among the types."""
PER_QUESTION = 5
"""Values for one field, from different documents, or for one label."""
CANDIDATES = 300
"""Segments in which a field's value is looked for, the best by rank."""
FORM_COUNTS = 0.15
"""What each step of sureness adds to a score when candidates are compared."""
CLOSE = 0.75
"""Candidates of other documents are shown where they are worth this much of the best."""
FORMLESS = 0.7
"""Least probability of a quote that does not look as the field says: a date without a date is seldom meant."""
BESIDE_ITS_KEY = 0.9
"""Probability that the value beside a key that is the field's very name is meant, whatever the ranking says."""


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What is asked for, checked; the names of entity types are those of `PATTERNS`."""

    fields: tuple[Field, ...]
    labels: tuple[str, ...]
    entities: tuple[str, ...]

    @property
    def questions(self) -> tuple[Field, ...]:
        """All that is found by meaning; a label is a field whose quote is its value."""
        return (*self.fields, *(Field(label) for label in self.labels))


class _Candidate(NamedTuple):
    hit: Hit
    found: Found
    score: float

    @property
    def worth(self) -> float:
        """What it is compared by with others: probability, and form."""
        return self.score + FORM_COUNTS * self.found.sureness


@dataclass(slots=True)
class _Findings:
    values: list[Value] = field(default_factory=list[Value])
    not_found: list[str] = field(default_factory=list[str])
    notes: list[str] = field(default_factory=list[str])

    def add(self, name: str, values: Iterable[Value]) -> None:
        found = list(values)
        self.values += found
        if not found:
            self.not_found.append(name)


async def extract(workspace: Workspace, request: ExtractRequest, pace: Pace) -> Answer[Extracted]:
    """Look for every field, label and entity type; what no source holds is named as not found.

    Raises `BadArgument` where nothing or too much is asked for, or an entity type is unknown.
    """
    wanted = _checked(request)
    reading = await gather(workspace, request.sources, pace)
    findings = _Findings(notes=list(reading_notes(reading)))
    if wanted.fields or wanted.labels:
        corpus = await to_thread.run_sync(cut, reading.documents, pace)
        await _by_meaning(workspace, corpus, wanted, findings, pace)
    if wanted.entities:
        tallies, searched = await to_thread.run_sync(tally, reading.documents, wanted.entities, pace)
        if searched < len(reading.documents):
            findings.notes.append(f"Time ran out: entities are those of the first {searched} sources.")
        _by_form(reading.documents, tallies, findings)
    return _answered(workspace, reading.documents, findings)


def _checked(request: ExtractRequest) -> _Wanted:
    if not (request.fields or request.labels or request.entities):
        raise BadArgument(
            'Nothing to extract. Give fields, as in ["port: where the server listens"], labels, as in ["risk"], '
            f"or entities: {', '.join(patterns.PATTERNS)}."
        )
    asked = len(request.fields) + len(request.labels)
    if asked > MOST_QUESTIONS:
        raise BadArgument(f"{asked} fields and labels are too many for one call. Give at most {MOST_QUESTIONS}.")
    labels = tuple(label.strip() for label in request.labels)
    if not all(labels):
        raise BadArgument('A label is empty. Write what a statement is about, as in labels=["risk"].')
    entities = dict.fromkeys(patterns.canonical(name) for name in request.entities)
    return _Wanted(tuple(fields.parse(text) for text in request.fields), labels, tuple(entities))


async def _by_meaning(workspace: Workspace, corpus: Corpus, wanted: _Wanted, findings: _Findings, pace: Pace) -> None:
    notes: dict[str, None] = {}
    for number, question in enumerate(wanted.questions):
        if number and pace.expired:
            later = ", ".join(each.name for each in wanted.questions[number:])
            notes[f"Time ran out before these were looked for, so ask for them again: {later}"] = None
            break
        is_field = number < len(wanted.fields)
        ranking = await (rank_corpus if is_field else fitting)(workspace, corpus, question.query, pace)
        notes.update(dict.fromkeys(ranking.notes))
        findings.add(question.name, _fielded(ranking, question) if is_field else _labelled(ranking, question))
    findings.notes += notes


def _labelled(ranking: Ranking, label: Field) -> Iterator[Value]:
    for hit in _likely(ranking, PER_QUESTION):
        document = ranking.corpus.documents[hit.document]
        quote = fields.quote(document, hit.segment)
        yield _verified(document, label.name, quote, quote, hit.score)


def _likely(ranking: Ranking, limit: int) -> Iterator[Hit]:
    for number, hit in enumerate(ranking.hits):
        if number >= limit or hit.score < RELEVANT:
            return
        yield hit


def _fielded(ranking: Ranking, wanted: Field) -> list[Value]:
    """The best candidate of each document, best first, equal values once."""
    best: dict[int, _Candidate] = {}
    for candidate in _candidates(ranking, wanted):
        known = best.get(candidate.hit.document)
        if known is None or candidate.worth > known.worth:
            best[candidate.hit.document] = candidate
    ordered = sorted(best.values(), key=lambda candidate: -candidate.worth)
    formed = [candidate for candidate in ordered if candidate.found.sureness] or ordered
    close = [candidate for candidate in formed if candidate.worth >= CLOSE * formed[0].worth]
    return _merged([_valued(ranking, wanted, candidate) for candidate in close])


def _candidates(ranking: Ranking, wanted: Field) -> Iterator[_Candidate]:
    for hit in islice(ranking.hits, CANDIDATES):
        found = fields.find(ranking.corpus.documents[hit.document], hit.segment, wanted)
        score = max(hit.score, BESIDE_ITS_KEY) if found.sureness == 3 else hit.score
        if score >= (FORMLESS if wanted.forms and not found.sureness else RELEVANT):
            yield _Candidate(hit, found, score)


def _valued(ranking: Ranking, wanted: Field, candidate: _Candidate) -> Value:
    document, found = ranking.corpus.documents[candidate.hit.document], candidate.found
    quote = fields.quote(document, candidate.hit.segment, found.value if found.sureness else None)
    return _verified(document, wanted.name, found.value, quote, candidate.score)


def _merged(values: Sequence[Value]) -> list[Value]:
    """Equal values as one with their count; at most `PER_QUESTION`."""
    counts: dict[str, int] = {}
    for value in values:
        counts[value.value] = counts.get(value.value, 0) + 1
    first = {value.value: value for value in reversed(values)}
    merged = [first[text].model_copy(update={"count": count}) for text, count in counts.items()]
    return merged[:PER_QUESTION]


def _by_form(documents: Sequence[Document], tallies: dict[str, Tally], findings: _Findings) -> None:
    share = max(1, MOST_VALUES // len(tallies))
    for name, found in tallies.items():
        shown = found.most_frequent(share)
        findings.add(name, (_entity(documents, name, found, value) for value in shown))
        more = len(found.first) - len(shown)
        if more:
            least = "at least " if found.full else ""
            findings.notes.append(
                f"{name}: {least}{more:,} more different values; the most frequent are shown. Narrow the sources."
            )


def _entity(documents: Sequence[Document], name: str, found: Tally, value: str) -> Value:
    number, span = found.first[value]
    document = documents[number]
    quote = fields.around(document, document.span_of(document.lines_of(span)), span)
    return _verified(document, name, span, quote, 1.0).model_copy(update={"count": found.counts[value]})


def _verified(document: Document, name: str, value: Span, quote: Span, score: float) -> Value:
    """The only way to a `Value`: what it says stands where it says, or this is a bug."""
    cut_value = Span(value.start, min(value.end, quote.end))
    lines = document.lines_of(quote)
    made = Value(
        source=document.address,
        start_line=lines.first,
        end_line=lines.last,
        start=quote.start,
        end=quote.end,
        field=name,
        value=document.text[cut_value.start : cut_value.end],
        quote=document.text[quote.start : quote.end],
        score=round(score, 4),
    )
    inside = quote.start <= cut_value.start < cut_value.end <= quote.end
    if not inside or made.value not in made.quote or document.text[made.start : made.end] != made.quote:
        raise RuntimeError(f"a quote for {name} is not in {document.locate(quote)}")
    return made


def _answered(workspace: Workspace, documents: Sequence[Document], findings: _Findings) -> Answer[Extracted]:
    by_address = {document.address: document for document in documents}
    lines = [_line(by_address[value.source], value) for value in findings.values]
    notes = list(findings.notes)
    if findings.not_found:
        notes.append(f"not found: {', '.join(findings.not_found)}")
    if findings.values:
        notes.append(_closing(by_address, findings.values))
    text = listed(workspace, lines, notes, lambda count: f"{count} more values do not fit. Ask for less at once.")
    data = Extracted(values=findings.values, not_found=findings.not_found, notes=findings.notes)
    return Answer(text, data)


def _line(document: Document, value: Value) -> str:
    # written as JSON, so that a quote ends where it ends whatever it holds
    quote = json.dumps(value.quote, ensure_ascii=False)
    place = document.locate(Span(value.start, value.end))
    times = f" (\u00d7{value.count})" if value.count > 1 else ""
    if value.value == value.quote:
        return f"{value.field}: {quote}{times}  -- {place}"
    return f"{value.field}: {value.value}{times}  -- {place}  {quote}"


def _closing(documents: Mapping[str, Document], values: Sequence[Value]) -> str:
    first = values[0]
    sources = len({value.source for value in values})
    found = f"{counted(len(values), 'value')} in {counted(sources, 'source')}."
    return f"{found}{next_call(documents[first.source], Span(first.start, first.end))}"
