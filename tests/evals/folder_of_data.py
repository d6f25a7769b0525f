"""Tiny files in the shape of the evaluation data, of our own writing."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tamis_evals.datasets import clapnq, cookbook, entailmentbank, pubmedqa, qed, scifact, selqa
from tamis_evals.datasets.data import Data

LAMP = "The lamp house was painted by Orla Venn . It is forty feet tall . Gulls nest on it ."
ABSTRACTS = """doc_id,title,abstract,structured
11,Salt and sleep,"['Salt kept mice awake.'
 ""It didn't wake rats."" 'Doses were +/-'
 '2 mg.']",False
12,Tea and tides,"['Tea has no tides.']",False
"""
CLAIMS = """id,claim,evidence_doc_id,evidence_label,evidence_sentences,cited_doc_ids
1,Salt wakes mice.,11,SUPPORT,[0],[11]
1,Salt wakes mice.,11,SUPPORT,[1],[11]
4,Tea and salt have tides.,,,[],[ 12    11]
"""


def everything(folder: Path) -> Data:
    """All data sets that the tasks of short texts and of rankings read."""
    rows = {
        entailmentbank.TEST: lines([fact_row(), fact_row()]),
        qed.PATH: lines(qed_row(number) for number in range(8)),
        selqa.TEST: json.dumps([selqa_row(number) for number in range(12)]),
        clapnq.ANSWERABLE: lines(clapnq_row(number, [["A 1 ."]]) for number in range(4)),
        clapnq.UNANSWERABLE: lines(clapnq_row(number, [[]]) for number in range(4, 8)),
        scifact.CORPUS: ABSTRACTS,
        scifact.CLAIMS: CLAIMS,
        cookbook.CODE: json.dumps([code_row("doc_1", "u1", "use std::io;\nfn main() {}\n")]),
        cookbook.CODE_QUESTIONS: lines([{"query": "What does main do?", "golden_chunk_uuids": [["u1", 1]]}]),
        cookbook.DOCS: json.dumps([docs_row("https://host/en/docs/a/b#start"), docs_row("https://host/en/api/c")]),
        cookbook.DOCS_QUESTIONS: json.dumps(
            [{"id": "x", "question": "How to start?", "correct_chunks": ["https://host/en/docs/a/b#start"]}]
        ),
        pubmedqa.PATH: json.dumps({str(number): pubmed_row(number) for number in range(4)}),
        pubmedqa.TEST: json.dumps({str(number): "yes" for number in range(3)}),
    }
    return written(folder, rows)


def written(folder: Path, files: dict[str, str]) -> Data:
    """A folder of data with these files."""
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    return Data(folder)


def lines(rows: Iterable[Any]) -> str:
    """One document a line."""
    return "".join(json.dumps(row) + "\n" for row in rows)


def fact_row() -> dict[str, Any]:
    facts = {"sent1": "gulls are birds", "sent2": "lamps need oil", "sent3": "birds have wings"}
    proof = "sent1 & sent3 -> int1: gulls have wings; int1 -> hypothesis; "
    return {"id": "Q1", "hypothesis": "a gull has wings", "proof": proof, "meta": {"triples": facts}}


def qed_row(number: int, kind: str = "single_sentence") -> dict[str, Any]:
    return {
        "example_id": -number,
        "title_text": f"Lamp {number}",
        "question_text": "who painted the lamp house",
        "paragraph_text": LAMP,
        "sentence_starts": [0, LAMP.index("It is"), LAMP.index("Gulls")],
        "original_nq_answers": [[{"string": "Orla Venn"}], [{"string": "Orla Venn"}]],
        "annotation": {"explanation_type": kind, "selected_sentence": {"start": 0}},
    }


def selqa_row(number: int) -> dict[str, Any]:
    candidates = ["", f"Boat {number} is red.", f"It sank in {1900 + number}."]
    return {
        "article": f"Boat {number}",
        "question": f"When did boat {number} sink?",
        "candidates": candidates,
        "answers": [2],
    }


def clapnq_row(number: int, selected: list[list[str]]) -> dict[str, Any]:
    sentences = [f"A {number} .", f"B {number} ."]
    return {
        "id": str(number),
        "input": f"what is A {number}",
        "passages": [{"title": f"Letter {number}", "text": " ".join(sentences) + " ", "sentences": sentences}],
        "output": [{"selected_sentences": [s.replace("1", str(number)) for s in part]} for part in selected],
    }


def code_row(name: str, uuid: str, content: str) -> dict[str, Any]:
    chunks = [{"original_index": at, "content": line} for at, line in enumerate(content.splitlines())]
    return {"doc_id": name, "original_uuid": uuid, "content": content, "chunks": chunks}


def docs_row(link: str) -> dict[str, Any]:
    return {"chunk_link": link, "text": f"About {link[-5:]}\n\nStart it with a key.\n"}


def pubmed_row(number: int) -> dict[str, Any]:
    return {
        "QUESTION": f"Does dose {number} help?",
        "CONTEXTS": [f"Dose {number} was given.", f"{number} of ten got well."],
        "LONG_ANSWER": "It helps.",
    }
