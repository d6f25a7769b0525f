"""`/v1/embeddings` as OpenAI's clients ask for them."""

from __future__ import annotations

import base64
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field
from starlette.responses import Response

from tamis_engine.http.shape import Shape, Texts, json
from tamis_engine.protocol import DEFAULT_MODEL, EncodeRequest, EncodeResult


def _listed(value: object) -> object:
    if isinstance(value, str):
        return [value]
    if isinstance(value, list) and any(isinstance(item, int | list) for item in value):
        raise ValueError("token numbers are those of another tokeniser; send text")
    return value


class Embeddings(Shape[EncodeResult]):
    """`input_type` is ours: which of the model's prompts to take, where it has one for each. `user` says nothing."""

    input: Annotated[Texts, BeforeValidator(_listed)]
    model: str = DEFAULT_MODEL
    dimensions: int | None = Field(None, ge=1)
    encoding_format: Literal["float", "base64"] = "float"
    input_type: Literal["query", "document"] = "document"
    user: str | None = None

    def request(self) -> EncodeRequest:
        """Dense vectors."""
        role = "query" if self.input_type == "query" else "passage"
        return EncodeRequest(self.input, self.model, role=role, dimensions=self.dimensions or 0)

    def answer(self, result: EncodeResult) -> Response:
        """Numbers, or their float32 bytes, little-endian, as base64."""
        if self.encoding_format == "base64":
            vectors: list[Any] = [base64.b64encode(row.tobytes()).decode() for row in result.vectors.astype("<f4")]
        else:
            vectors = result.vectors.tolist()
        data = [{"object": "embedding", "index": index, "embedding": vector} for index, vector in enumerate(vectors)]
        usage = {"prompt_tokens": sum(result.tokens), "total_tokens": sum(result.tokens)}
        return json({"object": "list", "data": data, "model": result.model, "usage": usage}, result.truncated)
