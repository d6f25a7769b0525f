"""`/v1/rerank` in the shape that Cohere and Jina share."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from tamis_engine.http.shape import Shape, json
from tamis_engine.protocol import DEFAULT_MODEL, ScoreRequest, ScoreResult


class Document(BaseModel):
    """A document that is an object."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    text: str


class Rerank(Shape[ScoreResult]):
    """The `top_n` best documents, best first; all where it is left out."""

    query: str
    documents: Annotated[tuple[str | Document, ...], Field(min_length=1)]
    model: str = DEFAULT_MODEL
    top_n: int | None = Field(None, ge=1)
    return_documents: bool = False

    def request(self) -> ScoreRequest:
        """Every document against the query."""
        return ScoreRequest(self.query, self._texts(), self.model)

    def answer(self, result: ScoreResult) -> Response:
        """Index and relevance of each, with its text where that was asked for."""
        texts = self._texts()
        results: list[dict[str, Any]] = [
            {"index": index, "relevance_score": score} for index, score in best_first(result)[: self.top_n]
        ]
        if self.return_documents:
            results = [row | {"document": {"text": texts[row["index"]]}} for row in results]
        usage = {"prompt_tokens": sum(result.tokens), "total_tokens": sum(result.tokens)}
        content = {"object": "list", "model": result.model, "results": results, "usage": usage}
        return json(content, result.truncated)

    def _texts(self) -> tuple[str, ...]:
        return tuple(document if isinstance(document, str) else document.text for document in self.documents)


def best_first(result: ScoreResult) -> list[tuple[int, float]]:
    """Index and score; equal ones stay in their order."""
    scores: list[float] = result.scores.tolist()
    return sorted(enumerate(scores), key=lambda row: -row[1])
