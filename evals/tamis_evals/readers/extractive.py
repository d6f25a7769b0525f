"""The reader that needs no network: the embedded encoder, its upper layers tuned to mark where an answer lies."""

from __future__ import annotations

from contextlib import AsyncExitStack
from pathlib import Path
from typing import Self

from tamis_engine.errors import EngineError
from tamis_engine.inprocess import InProcessEngine
from tamis_engine.protocol import Engine, ExtractRequest
from tamis_evals.readers.reader import ReaderFailed, Reading

MODEL = str(Path(__file__).parent / "minilm-reader")
"""Its README.md says how it was made and what it is bad at."""


class ExtractiveReader:
    """Reads a text of any length in windows of 384 tokens, neighbours sharing 128, in one request.

    Each window is asked for its best span, whose probability is over all spans of the window and "no answer here", so
    that spans of different windows compare (the no-answer option of Clark & Gardner, 2018, "Simple and Effective
    Multi-Paragraph Reading Comprehension"). The likeliest of all windows is the answer: the more windows there are, the
    more of them may mislead. It always answers; `score` says how sure it is.
    """

    name = "extractive"
    extracts = True

    def __init__(self, engine: Engine | None = None, model: str = MODEL) -> None:
        self._engine: Engine = engine or InProcessEngine()
        self._model = model
        self._open = AsyncExitStack()

    async def __aenter__(self) -> Self:
        await self._open.enter_async_context(self._engine)
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._open.aclose()

    async def answer(self, question: str, text: str) -> Reading:
        """The likeliest span of the text; raises `ReaderFailed`."""
        if not text.strip():
            return Reading("", 0.0)
        # a threshold of 0 asks for every window's best span, likelier than no answer or not
        request = ExtractRequest((question,), (text,), self._model, threshold=0.0)
        try:
            found = (await self._engine.extract(request)).extractions
        except EngineError as error:
            raise ReaderFailed(f"The extractive reader failed: {error}") from error
        if not found:
            return Reading("", 0.0)
        best = max(found, key=lambda each: (each.score, -each.start))
        return Reading(text[best.start : best.end], best.score)
