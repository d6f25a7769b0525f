"""What the best segments name is found though it shares no word with the question; a name of one word leads nowhere."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tamis_tools.corpus import Corpus, Entry
from tamis_tools.document import Document, Span
from tamis_tools.operations.compress import compress
from tamis_tools.requests import CompressRequest
from tamis_tools.second_look import followed, names
from tamis_tools.segments import Segment
from tests.tools.fakes import call, workspace, write

FILM = "Bloody Harbour is a thriller directed by Mario Lindqvist."
BIRTH = "Mario Lindqvist was born in a lighthouse in May."
OTHER = "The festival lent Mario Lindqvist a coat."


def _corpus(*texts: str) -> Corpus:
    entries = [Entry(0, Segment(n, n + 1, "sentence", Span(n, n + 1)), text) for n, text in enumerate(texts)]
    return Corpus((Document("d", "x" * len(texts)),), tuple(entries))


def test_a_segment_gains_by_being_named_and_more_as_the_subject() -> None:
    corpus = _corpus(FILM, BIRTH, OTHER, *["Nothing of that."] * 20)
    subject, named = followed(corpus, "Who directed Bloody Harbour?", np.array([0.9, *[0.1] * 22], np.float32))
    assert subject[1] == named[1] == named[2] > 0.5
    assert subject[2] == 0
    assert not subject[3:].any()
    assert not named[3:].any()


def test_the_lead_itself_gains_nothing() -> None:
    subject, named = followed(_corpus(FILM, BIRTH), "Who directed it?", np.array([0.9, 0.0], np.float32))
    assert subject[0] == named[0] == 0


def test_a_name_that_stands_everywhere_leads_nowhere() -> None:
    corpus = _corpus(FILM, *[BIRTH] * 30)
    subject, named = followed(corpus, "Who directed it?", np.array([0.9, *[0.0] * 30], np.float32))
    assert not subject.any()
    assert not named.any()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("After Mario Lindqvist left, Ann stayed.", ["Mario Lindqvist"]),
        ("The Duke of York met Jean-Luc van der Berg.", ["Duke of York", "Jean-Luc van der Berg"]),
        ("Bloody Harbour again", []),
        ("Ada. Bert came.", []),
        ("Émile Zola wrote", ["Émile Zola"]),
    ],
)
def test_names_are_words_with_capitals_that_the_question_does_not_have(text: str, found: list[str]) -> None:
    assert names(text, "What about the bloody harbour?") == found


def test_compress_brings_the_second_hop(tmp_path: Path) -> None:
    filler = "\n\n".join(f"Crate {n} holds tea from estate {n * 7}. It was weighed twice." for n in range(60))
    write(tmp_path, {"notes.txt": f"{FILM}\n\n{filler}\n\n{BIRTH}"})
    bench = workspace(tmp_path)
    query = "Bloody Harbour, a thriller: how old is who directed it?"
    request = CompressRequest(sources=("notes.txt",), query=query, budget_tokens=150)
    assert BIRTH in call(compress, bench, request).text
    assert BIRTH not in call(compress, replace(bench, without=frozenset({"second-look"})), request).text


def test_the_second_look_does_not_make_an_answer_of_what_is_none(tmp_path: Path) -> None:
    filler = "\n\n".join(f"Crate {n} holds tea, said Mario Lindqvist. It was weighed twice." for n in range(60))
    write(tmp_path, {"notes.txt": filler})
    request = CompressRequest(sources=("notes.txt",), query="zebra crossing permits", budget_tokens=150)
    assert not call(compress, workspace(tmp_path), request).data.answered
