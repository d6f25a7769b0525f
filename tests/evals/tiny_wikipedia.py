"""Tiny multi-hop data sets, stories and books in the shape of the real ones, of our own writing."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tamis_evals.datasets import babi, gutenberg, hotpotqa, musique, twowiki
from tamis_evals.datasets.data import Data

MILL = ["Low Mill is a mill in Haven.", " ", " It was built by Ada Brook."]
ADA = ["Ada Brook was a wright.", " She died in 1862."]
QUAY = ["Old Quay is a quay in Haven.", " It was never built."]
STORY = """1 Ann took the cup there.
2 Ben went to the barn.
3 Ann moved to the loft.
4 Where is the cup? \tloft\t1 3
5 Ann went to the barn.
6 Where is the cup? \tbarn\t1 5
"""
BOOK = (
    "\ufeffThe Project Gutenberg EBook of Sheep\r\n\r\n*** START OF THIS PROJECT GUTENBERG EBOOK SHEEP ***\r\n\r\n"
    "Produced by A. Nobody.\r\n\r\nSHEEP.\r\n\r\nCHAPTER 1. Grass.\r\n\r\nA List\r\n\r\n"
    + "The sheep went out early\r\nand ate. Nobody counted them that day.\r\n\r\n" * 12
    + "*** END OF THIS PROJECT GUTENBERG EBOOK SHEEP ***\r\n\r\nDonate.\r\n"
)


def data(folder: Path, filler: int = 60) -> Data:
    """A folder with all that the tasks of long context read; `filler` paragraphs in the pool of 2Wiki."""
    context = [["Old Quay", QUAY], ["Low Mill", MILL], ["Ada Brook", ADA]]
    question = {"_id": "q1", "question": "When did the builder of Low Mill die?", "answer": "1862", "context": context}
    labels = {"supporting_facts": [["Low Mill", 2], ["Ada Brook", 1]]}
    files = {
        hotpotqa.QUESTIONS: _lines([question | labels | {"reranked_ret_res": ["leak"]}]),
        hotpotqa.POOL: json.dumps({"Low Mill": ["Another text of that title."], "Fair": ["It closed in 1862."]}),
        twowiki.QUESTIONS: _lines([question | labels | {"_id": "q2"}, _BARE]),
        twowiki.POOL: json.dumps([_filler(number) for number in range(filler)]),
        musique.QUESTIONS: _lines([_musique()]),
        musique.POOL: json.dumps([{"title": "Rye", "text": "Rye is a grass. The mill grinds rye."}]),
        **dict.fromkeys(babi.FILES.values(), STORY),
        babi.FILES["qa1"]: STORY.replace("\t", "|"),
        **dict.fromkeys(gutenberg.BOOKS, BOOK),
    }
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8", newline="")
    return Data(folder)


_BARE: dict[str, Any] = {"_id": "q3", "question": "Is it?", "answer": "no", "supporting_facts": []}


def _filler(number: int) -> dict[str, str]:
    return {"title": f"Village {number}", "text": f"Village {number} is small. It has {number} goats.\nThey are white."}


def _musique() -> dict[str, Any]:
    texts = [("Old Quay", "".join(QUAY)), ("Ada Brook", "".join(ADA)), ("Low Mill", "".join(MILL))]
    return {
        "id": "2hop__1_2",
        "question": "When did the builder of Low Mill die?",
        "answer": "1862",
        "answer_aliases": ["in 1862"],
        "answerable": True,
        "paragraphs": [
            {"idx": at, "title": title, "paragraph_text": text, "is_supporting": at > 0}
            for at, (title, text) in enumerate(texts)
        ],
        "question_decomposition": [
            {"id": 1, "question": "Low Mill >> builder", "answer": "Ada Brook", "paragraph_support_idx": 2},
            {"id": 2, "question": "#1 >> date of death", "answer": "1862", "paragraph_support_idx": 1},
        ],
    }


def _lines(rows: Iterable[Any]) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)
