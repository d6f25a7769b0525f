"""`/embed` and `/rerank` as clients of text-embeddings-inference ask for them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field
from starlette.responses import Response

from tamis_engine.errors import RequestInvalid
from tamis_engine.http.reranking import best_first
from tamis_engine.http.shape import Normalised, Shape, Texts, json
from tamis_engine.protocol import DEFAULT_MODEL, EncodeRequest, EncodeResult, ScoreRequest, ScoreResult


def _listed(value: object) -> object:
    return [value] if isinstance(value, str) else value


class Embed(Shape[EncodeResult]):
    """`truncate` false refuses texts that are too long; they are cut otherwise, and a header counts them."""

    inputs: Annotated[Texts, BeforeValidator(_listed)]
    model: str = DEFAULT_MODEL
    normalize: Normalised = None
    truncate: bool = True
    truncation_direction: Literal["Right", "right"] = "Right"
    prompt_name: Literal["query", "document", "passage"] | None = None
    dimensions: int | None = Field(None, ge=1)

    def request(self) -> EncodeRequest:
        """Dense vectors."""
        role = "query" if self.prompt_name == "query" else "passage"
        return EncodeRequest(self.inputs, self.model, role=role, dimensions=self.dimensions or 0)

    def answer(self, result: EncodeResult) -> Response:
        """A list of numbers for each text."""
        _check_whole(self.truncate, result.truncated)
        return json(result.vectors.tolist(), result.truncated)


class Rerank(Shape[ScoreResult]):
    """Texts by relevance, best first."""

    query: str
    texts: Texts
    model: str = DEFAULT_MODEL
    raw_scores: Literal[False] = False
    return_text: bool = False
    truncate: bool = True
    truncation_direction: Literal["Right", "right"] = "Right"

    def request(self) -> ScoreRequest:
        """Every text against the query."""
        return ScoreRequest(self.query, self.texts, self.model)

    def answer(self, result: ScoreResult) -> Response:
        """Index and score of each, with the text where that was asked for."""
        _check_whole(self.truncate, result.truncated)
        rows: list[dict[str, Any]] = [{"index": index, "score": score} for index, score in best_first(result)]
        if self.return_text:
            rows = [row | {"text": self.texts[row["index"]]} for row in rows]
        return json(rows, result.truncated)


def _check_whole(truncate: bool, truncated: tuple[bool, ...]) -> None:
    if not truncate and any(truncated):
        raise RequestInvalid(f"{sum(truncated)} of the texts are longer than the model reads. Cut them, or truncate.")
