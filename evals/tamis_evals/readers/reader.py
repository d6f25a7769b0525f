"""What every reader is: it answers a question from a text alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Reading:
    """An answer; empty where the reader says that the text does not hold one.

    `score` is the reader's own probability that the answer is right, None where it tells none. `tokens` is what was
    read, the question and the instructions too, as the reader counts; `cached_tokens` of them had been read before and
    cost less; `answer_tokens` were written. None is not known, never zero.
    """

    answer: str
    score: float | None = None
    tokens: int | None = None
    cached_tokens: int | None = None
    answer_tokens: int | None = None


class Reader(Protocol):
    """One way to answer. `extracts`: its answers are words of the text, so yes, no and counts are beyond it."""

    name: str
    extracts: bool

    async def answer(self, question: str, text: str) -> Reading:
        """The answer that the text gives."""
        ...


class ReaderFailed(Exception):
    """No answer could be had; the message says why, and what to do."""
