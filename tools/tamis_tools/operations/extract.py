"""Values with exact quotes: for fields by what they mean, for labels by what statements say, for entities by form."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from anyio import to_thread

from tamis_tools import places
from tamis_tools.corpus import cut
from tamis_tools.document import Span
from tamis_tools.errors import BadArgument
from tamis_tools.extraction import fields, keyed, patterns
from tamis_tools.extraction.entities import tally
from tamis_tools.extraction.fields import Field
from tamis_tools.labelling import FITS, fitting
from tamis_tools.operations.gathering import gather
from tamis_tools.operations.listing import again, counted, decimal, listed, reading_notes
from tamis_tools.places import next_call
from tamis_tools.ranking import rank_corpus
from tamis_tools.relevance import RELEVANT
from tamis_tools.results import Answer, Extracted, Value

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from tamis_tools.corpus import Corpus, Entry
    from tamis_tools.document import Document
    from tamis_tools.extraction.entities import Tally
    from tamis_tools.extraction.fields import Found
    from tamis_tools.pace import Pace
    from tamis_tools.ranking import Ranking
    from tamis_tools.requests import ExtractRequest
    from tamis_tools.segments import Segment
    from tamis_tools.workspace import Workspace

MOST_QUESTIONS = 20
"""Fields and labels of one call: each costs a ranking of everything, up to a second or two."""
MOST_VALUES = 100
"""Values of entities in one answer, shared among the types."""
PER_QUESTION = 5
"""Values for one field, from different documents, or for one label."""
PER_ROWS = 20
"""Values for one field out of rows and records that all have its key."""
CANDIDATES = 300
"""Segments in which a field's value is looked for where nothing has its key, the best by rank."""
CLOSE = 0.75
"""Values of other places are shown where they are worth this much of the best."""
BESIDE_ITS_KEY = 0.9
"""Probability that the value beside a key that is the field's very name is meant, whatever the ranking says."""
_ROWS = {"row", "record", "value"}


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
    """A value in a segment; `score` is its probability, `rank` what its place was ranked by."""

    document: int
    segment: Segment
    found: Found
    score: float
    rank: float


@dataclass(slots=True)
class _Findings:
    values: list[Value] = field(default_factory=list[Value])
    not_found: list[str] = field(default_factory=list[str])
    notes: list[str] = field(default_factory=list[str])
    others: dict[str, int] = field(default_factory=dict[str, int])
    """How many values of a field are not among the values."""

    def add(self, name: str, values: Iterable[Value], others: int = 0) -> None:
        found = list(values)
        if others:
            self.others[name] = others
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
            names = [places.name(document) for document in reading.documents[searched:]]
            first = f"Time ran out: entities are those of the first {counted(searched, 'source')}."
            findings.notes.append(f"{first} {again('sources', names)}")
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
    keyed, searched = await to_thread.run_sync(_beside_keys, corpus, wanted.fields, pace)
    if searched < len(corpus.entries):
        late = dict.fromkeys(places.name(corpus.documents[each.document]) for each in corpus.entries[searched:])
        notes[f"Time ran out before all keys were looked at. {again('sources', list(late))}"] = None
    labels: dict[str, Ranking] = {}
    for number, question in enumerate(wanted.questions):
        if number and pace.expired:
            notes.update(dict.fromkeys(_unasked(wanted, number)))
            break
        is_field = number < len(wanted.fields)
        ranking = await (rank_corpus if is_field else fitting)(workspace, corpus, question.query, pace)
        notes.update(dict.fromkeys(ranking.notes))
        if is_field:
            findings.add(question.name, *_fielded(ranking, question, keyed[number]))
        else:
            labels[question.name] = ranking
    _labelled(labels, findings)
    findings.notes += notes


def _unasked(wanted: _Wanted, number: int) -> Iterator[str]:
    later = {
        "fields": [each.text for each in wanted.fields[number:]],
        "labels": wanted.labels[max(0, number - len(wanted.fields)) :],
    }
    for argument, names in later.items():
        if names:
            yield f"Time ran out before {counted(len(names), 'question')} of {argument}. {again(argument, names)}"


def _labelled(rankings: Mapping[str, Ranking], findings: _Findings) -> None:
    """Each segment under the label that fits it best."""
    if not rankings:
        return
    best = np.stack([ranking.scores for ranking in rankings.values()]).argmax(axis=0)
    for number, (label, ranking) in enumerate(rankings.items()):
        entries = ranking.corpus.entries
        fit = [int(at) for at in ranking.order if ranking.scores[at] >= FITS and best[at] == number]
        values = [_quoted(ranking, entries[at], label, float(ranking.scores[at])) for at in fit[:PER_QUESTION]]
        findings.add(label, values, len(fit) - len(values))


def _quoted(ranking: Ranking, entry: Entry, label: str, score: float) -> Value:
    document = ranking.corpus.documents[entry.document]
    said = fields.saying(document, entry.segment, label)
    quote = fields.around(document, said, Span(said.start, said.start))
    return _verified(document, label, quote, quote, score)


def _beside_keys(corpus: Corpus, wanted: Sequence[Field], pace: Pace) -> tuple[list[list[tuple[int, Found]]], int]:
    """For each field the entries with its key and what stands beside it, and how many entries there was time for.

    Runs in a worker thread.
    """
    found: list[list[tuple[int, Found]]] = [[] for _ in wanted]
    for at, entry in enumerate(corpus.entries if wanted else ()):
        if at % 500 == 0:
            if at and pace.expired:
                return found, at
            pace.step_in_thread(0.4 + 0.1 * at / len(corpus.entries), "looking for keys")
        document = corpus.documents[entry.document]
        for pair in keyed.pairs(document, entry.segment):
            for each, question in zip(found, wanted, strict=True):
                value = fields.beside(document, pair, question)
                if value:
                    each.append((at, value))
    return found, len(corpus.entries)


def _fielded(ranking: Ranking, wanted: Field, keyed: Sequence[tuple[int, Found]]) -> tuple[list[Value], int]:
    """What stands beside the field's key, else what its words say; best first, and how many more there are."""
    beside = [_candidate(ranking, at, found) for at, found in keyed]
    surest = max((each.found.sureness for each in beside), default=0)
    if surest > 1:
        sure = _close([each for each in beside if each.found.sureness == surest], wanted)
        rows = all(each.segment.kind in _ROWS for each in sure)
        return _merged(ranking, wanted, sure if rows else _in_turns(sure), PER_ROWS if rows else PER_QUESTION)
    said = [each for at in ranking.order[:CANDIDATES] for each in _said(ranking, int(at), wanted)]
    pool = [each for each in (*beside, *said) if each.found.sureness] or said
    pool.sort(key=lambda each: -each.score)
    close = [each for each in pool if each.score >= CLOSE * pool[0].score]
    return _merged(ranking, wanted, _competing(ranking, close), PER_QUESTION)


def _candidate(ranking: Ranking, at: int, found: Found) -> _Candidate:
    entry, score = ranking.corpus.entries[at], float(ranking.scores[at])
    sure = max(score, BESIDE_ITS_KEY) if found.sureness > 1 else score
    return _Candidate(entry.document, entry.segment, found, sure, score)


def _said(ranking: Ranking, at: int, wanted: Field) -> list[_Candidate]:
    entry = ranking.corpus.entries[at]
    found = fields.find(ranking.corpus.documents[entry.document], entry.segment, wanted)
    # words and form tell more than the ranking; a quote has nothing but that
    relevant = ranking.scores[at] >= RELEVANT
    return [_candidate(ranking, at, each) for each in found if each.sureness or relevant]


def _close(candidates: list[_Candidate], wanted: Field) -> list[_Candidate]:
    """In reading order; where more is said than a name, the best by rank."""
    if not wanted.about:
        return candidates
    best = max(each.rank for each in candidates)
    return sorted((each for each in candidates if each.rank >= CLOSE * best), key=lambda each: -each.rank)


def _in_turns(candidates: Sequence[_Candidate]) -> list[_Candidate]:
    """The first of each document, then the second of each, and so on."""
    seen: Counter[int] = Counter()
    turns: list[tuple[int, _Candidate]] = []
    for each in candidates:
        turns.append((seen[each.document], each))
        seen[each.document] += 1
    return [each for _, each in sorted(turns, key=lambda turn: turn[0])]


def _competing(ranking: Ranking, candidates: Sequence[_Candidate]) -> list[_Candidate]:
    """At most three different values of each document, as candidates where it has more than one; quotes: the best."""
    different: dict[int, dict[str, _Candidate]] = {}
    for each in candidates:
        text = ranking.corpus.documents[each.document].text[slice(*each.found.value)]
        different.setdefault(each.document, {}).setdefault(text, each)
    chosen: list[_Candidate] = []
    for values in different.values():
        some = list(values.values())[: fields.MOST_COMPETING if candidates[0].found.sureness else 1]
        chosen += [
            each._replace(found=each.found._replace(candidate=each.found.candidate or len(some) > 1)) for each in some
        ]
    return chosen


def _valued(ranking: Ranking, wanted: Field, candidate: _Candidate) -> Value:
    document, found = ranking.corpus.documents[candidate.document], candidate.found
    quote = fields.quote(document, candidate.segment, found.value if found.sureness else None)
    value = _verified(document, wanted.name, found.value, quote, candidate.score)
    return value.model_copy(update={"candidate": found.candidate})


def _merged(ranking: Ranking, wanted: Field, candidates: Sequence[_Candidate], limit: int) -> tuple[list[Value], int]:
    """Equal values as one with their count, and how many are beyond the limit; one place counts once."""
    first: dict[str, _Candidate] = {}
    standing: dict[str, set[tuple[int, Span]]] = {}
    for each in candidates:
        text = ranking.corpus.documents[each.document].text[slice(*each.found.value)]
        first.setdefault(text, each)
        standing.setdefault(text, set()).add((each.document, each.found.value))
    values = [
        _valued(ranking, wanted, first[text]).model_copy(update={"count": len(standing[text])})
        for text in list(first)[:limit]
    ]
    return values, len(first) - len(values)


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
    lines: list[str] = []
    for value, after in zip_longest(findings.values, findings.values[1:]):
        more = findings.others.get(value.field, 0) if after is None or after.field != value.field else 0
        lines.append(_line(by_address[value.source], value) + (f"  (+{counted(more, 'other')})" if more else ""))
    notes = list(findings.notes)
    if findings.not_found:
        notes.append(f"not found: {', '.join(findings.not_found)}")
    if findings.values:
        notes.append(_closing(by_address, findings.values))
    text = listed(workspace, lines, notes, lambda count: f"{count} more values do not fit. Ask for less at once.")
    data_notes = [*findings.notes, *(f"{name}: {counted(n, 'more value')}" for name, n in findings.others.items())]
    return Answer(text, Extracted(values=findings.values, not_found=findings.not_found, notes=data_notes))


def _line(document: Document, value: Value) -> str:
    # written as JSON, so that a quote ends where it ends whatever it holds
    quote = json.dumps(value.quote, ensure_ascii=False)
    place = document.locate(Span(value.start, value.end))
    times = f" (\u00d7{value.count})" if value.count > 1 else ""
    sure = " (candidate)" if value.candidate else ""
    if value.value == value.quote:
        return f"{value.field} {decimal(value.score)}: {quote}{times}{sure}  -- {place}"
    return f"{value.field}: {value.value}{times}{sure}  -- {place}  {quote}"


def _closing(documents: Mapping[str, Document], values: Sequence[Value]) -> str:
    first = values[0]
    sources = len({value.source for value in values})
    found = f"{counted(len(values), 'value')} in {counted(sources, 'source')}."
    return f"{found}{next_call(documents[first.source], Span(first.start, first.end))}"
