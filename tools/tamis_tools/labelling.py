"""Which labels fit: a document by how it begins or by its best passage, a passage by what it says.

A label names a topic and asks nothing, so its cosines are lower than a question's and have scales of their own.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from anyio import to_thread

from tamis_engine.calibration import Logistic
from tamis_engine.protocol import EncodeRequest
from tamis_tools import lexical
from tamis_tools.ranking import ENCODED_CHARS, rank_corpus
from tamis_tools.relevance import Covered, by_words
from tamis_tools.vectors import encoded

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from tamis_engine.protocol import Engine
    from tamis_tools.corpus import Corpus
    from tamis_tools.pace import Pace
    from tamis_tools.ranking import Ranking
    from tamis_tools.workspace import Workspace

LEAD = Logistic(slope=12.0, midpoint=0.2)
"""How likely the sentence that says the label fits the beginning of a document."""
WORDED = Logistic(slope=12.0, midpoint=0.1)
"""How likely a label fits a passage that has the label's own words; set, as the others, by some forty short texts."""
UNWORDED = Logistic(slope=12.0, midpoint=0.55)
"""The same for one that has not all of them: the cosine alone tells less."""
FITS = 0.5
"""Probability from which a passage is quoted for a label."""
SENTENCE = "This is about {}."
_WORD = re.compile(r"\w+")


class Labelled(NamedTuple):
    """`scores` has shape (labels, documents): the probability that a label fits."""

    scores: NDArray[np.float32]
    notes: tuple[str, ...]


async def fitting(workspace: Workspace, corpus: Corpus, label: str, pace: Pace) -> Ranking:
    """Segments ranked by how likely the label fits them."""
    ranking = await rank_corpus(workspace, corpus, label, pace)
    if not ranking.vectors:
        return ranking
    scores = np.minimum(ranking.scores, FITS - 0.01)
    at = np.fromiter(ranking.vectors, dtype=np.intp)
    cosine = np.stack(list(ranking.vectors.values())) @ await _encoded(workspace.engine, label)
    wanted = frozenset(lexical.query_terms(label))
    worded = np.array([wanted <= said_in(corpus, entry) for entry in at], dtype=bool)
    scores[at] = np.where(worded, WORDED.probability(cosine), UNWORDED.probability(cosine))
    return replace(ranking, scores=scores)


def said_in(corpus: Corpus, entry: int) -> frozenset[str]:
    """The terms of a segment itself, without its context."""
    segment = corpus.entries[entry].segment
    text = corpus.documents[corpus.entries[entry].document].text[segment.start : segment.end]
    return frozenset(term for word in _WORD.findall(text) for term in lexical.terms(word))


async def classify(workspace: Workspace, corpus: Corpus, labels: Sequence[str], pace: Pace) -> Labelled:
    """Judge every label for every document; without the engine by words alone, and the notes say why."""
    scores = np.zeros((len(labels), len(corpus.documents)), dtype=np.float32)
    owners = np.array([entry.document for entry in corpus.entries], dtype=np.intp)
    notes: dict[str, None] = {}
    leads = _leads(corpus)
    vectors = np.zeros((0, 0), dtype=np.float32)
    for number, label in enumerate(labels):
        ranking = await rank_corpus(workspace, corpus, label, pace)
        notes.update(dict.fromkeys(ranking.notes))
        np.maximum.at(scores[number], owners, ranking.scores)
        if not ranking.vectors:
            covered = await to_thread.run_sync(lexical.coverage, label, leads)
            np.maximum(scores[number], by_words(Covered(covered, covered)), out=scores[number])
            continue
        if not len(vectors):
            vectors = await encoded(workspace.engine, leads, pace)
        cosine = vectors @ await _encoded(workspace.engine, SENTENCE.format(label))
        reached = scores[number, : len(vectors)]
        np.maximum(reached, LEAD.probability(cosine), out=reached)
    if 0 < len(vectors) < len(leads):
        notes[f"Time ran out: how {len(leads) - len(vectors)} sources begin was not looked at."] = None
    scores[:, np.bincount(owners, minlength=len(leads)) == 0] = 0
    return Labelled(scores, tuple(notes))


async def _encoded(engine: Engine, text: str) -> NDArray[np.float32]:
    return (await engine.encode(EncodeRequest((text,), role="query"))).vectors[0]


def _leads(corpus: Corpus) -> list[str]:
    """How each document begins, as much as the encoder reads."""
    leads = [""] * len(corpus.documents)
    for entry in corpus.entries:
        if len(leads[entry.document]) < ENCODED_CHARS:
            leads[entry.document] = f"{leads[entry.document]}\n{entry.text}"[:ENCODED_CHARS].lstrip("\n")
    return leads
