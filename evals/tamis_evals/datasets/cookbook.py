"""Anthropic's cookbook: questions over chunks of code (contextual embeddings) and of documentation (RAG guide)."""

from __future__ import annotations

from dataclasses import dataclass

from tamis_evals.datasets.data import Data

CODE = "anthropic-cookbook-retrieval/codebase_chunks.json"
CODE_QUESTIONS = "anthropic-cookbook-retrieval/evaluation_set.jsonl"
DOCS = "anthropic-cookbook-retrieval/anthropic_docs.json"
DOCS_QUESTIONS = "anthropic-cookbook-retrieval/docs_evaluation_dataset.json"

SUFFIXES = (
    (".py", ("def ", "from ")),
    (".rs", ("use std", "fn ", "impl ", "use {")),
    (".java", ("package com.", "package org.", "import java.")),
    (".cpp", ("#include", "#pragma once")),
)
"""What begins a line in each language of the code: the data set has no file names."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of a document; `name` is one a file could have."""

    id: str
    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Question:
    """A question and the ids of its golden chunks."""

    id: str
    text: str
    golden: tuple[str, ...]


def code(data: Data) -> list[Chunk]:
    """737 chunks of 90 source files."""
    chunks: list[Chunk] = []
    for document in data.json(CODE):
        suffix = language_suffix(document["content"])
        for chunk in document["chunks"]:
            number = chunk["original_index"]
            name = f"{document['doc_id']}/chunk_{number}{suffix}"
            chunks.append(Chunk(_code_id(document["original_uuid"], number), name, chunk["content"]))
    return chunks


def code_questions(data: Data) -> list[Question]:
    """248 questions; the golden documents that the file repeats in full are left out."""
    rows = data.lines(CODE_QUESTIONS)
    return [
        Question(f"code-{number}", row["query"], tuple(_code_id(*golden) for golden in row["golden_chunk_uuids"]))
        for number, row in enumerate(rows)
    ]


def docs(data: Data) -> list[Chunk]:
    """232 sections of the documentation; their text begins with their heading."""
    return [Chunk(row["chunk_link"], _page(row["chunk_link"]), row["text"]) for row in data.json(DOCS)]


def docs_questions(data: Data) -> list[Question]:
    """100 questions."""
    rows = data.json(DOCS_QUESTIONS)
    return [Question(row["id"], row["question"], tuple(row["correct_chunks"])) for row in rows]


def language_suffix(text: str) -> str:
    """The suffix for the language that most lines of the text look like; .txt where none does."""
    lines = [line.lstrip() for line in text.splitlines()]
    hits = {suffix: sum(line.startswith(starts) for line in lines) for suffix, starts in SUFFIXES}
    best = max(hits, key=lambda suffix: hits[suffix])
    return best if hits[best] else ".txt"


def _code_id(document: str, number: int) -> str:
    return f"{document}/{number}"


def _page(link: str) -> str:
    """`https://host/en/docs/welcome#get-started` as `docs/welcome/get-started.md`."""
    page, _, heading = link.partition("#")
    return f"{page.split('/en/', 1)[-1].strip('/')}/{heading or 'index'}.md"
