"""Measures the reader on questions that it was not trained on: alone, and hidden in more and more other text.

Run: python -m training.reader_table --data DIR [--model FOLDER]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from tamis_evals.metrics.answers import exact_match, f1
from tamis_evals.readers.extractive import MODEL, ExtractiveReader
from tamis_tools import tokens
from training.reader import say
from training.reader_examples import FILES, held_out, paragraphs

XQUAD = "xquad-en/xquad.en.json"
LENGTHS = (0, 1_000, 4_000, 16_000)
"""Tokens (o200k) of the whole text; 0 is the paragraph alone."""
SEED = 11


class Asked(NamedTuple):
    """A question, its paragraph, and every answer that an annotator gave."""

    question: str
    paragraph: str
    answers: tuple[str, ...]


def rows(data: Path, path: str) -> Iterator[Asked]:
    """The questions of one file that were not trained on."""
    file: dict[str, Any] = json.loads((data / path).read_text(encoding="utf-8"))
    for _, row in held_out(file) if path in FILES else paragraphs(file):
        for each in row["qas"]:
            yield Asked(each["question"], row["context"], tuple(answer["text"] for answer in each["answers"]))


def hidden(asked: Asked, others: Sequence[str], length: int, chance: random.Random) -> str:
    """The paragraph at a random place among others that do not hold an answer, so many tokens in all."""
    chosen = [asked.paragraph]
    room = length - tokens.count(asked.paragraph)
    for text in chance.sample(others, len(others)):
        if room <= 0:
            break
        if text != asked.paragraph and not any(answer.lower() in text.lower() for answer in asked.answers):
            chosen.append(text)
            room -= tokens.count(text)
    at = chance.randrange(len(chosen))
    return "\n\n".join((*chosen[1 : at + 1], asked.paragraph, *chosen[at + 1 :]))


async def measured(reader: ExtractiveReader, asked: Iterable[tuple[Asked, str]]) -> tuple[float, float]:
    """Exact match and F1 over questions and the texts that are read for them, in per cent."""
    found = [((await reader.answer(each.question, text)).answer, each.answers) for each, text in asked]
    scores = [(exact_match(answer, right), f1(answer, right)) for answer, right in found]
    em, mean = (100 * sum(column) / len(scores) for column in zip(*scores, strict=True))
    return em, mean


async def table(data: Path, model: str, limit: int) -> None:
    """One line for each file and length."""
    async with ExtractiveReader(model=model) as reader:
        for path in (*FILES, XQUAD):
            every = list(rows(data, path))
            others = list(dict.fromkeys(each.paragraph for each in every))
            asked = random.Random(SEED).sample(every, min(limit, len(every)))
            for length in LENGTHS:
                chance = random.Random(SEED)
                texts = [hidden(each, others, length, chance) for each in asked]
                em, mean = await measured(reader, zip(asked, texts, strict=True))
                say(f"| {path} | {length or 'alone'} | {len(asked)} | {em:.1f} | {mean:.1f} |")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="the folder of evaluation data")
    parser.add_argument("--model", default=MODEL)
    parser.add_argument("--limit", type=int, default=200, help="questions a file")
    asked = parser.parse_args()
    asyncio.run(table(asked.data, asked.model, asked.limit))


if __name__ == "__main__":
    main()
