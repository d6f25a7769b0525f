"""One vector for a text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch

from tamis_engine.compute.encoding.texts import OnePiece, as_tokenised, text_inputs

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from tamis_engine.compute.encoding.pooling import Bag, PooledStates
    from tamis_engine.compute.tokens import Tokeniser
    from tamis_engine.operation import Input, Piece, TextInput, Tokenised


class DenseVectors(OnePiece):
    """Encodes texts as one vector each."""

    def __init__(self, tokeniser: Tokeniser, head: PooledStates | Bag, dimensions: int) -> None:
        self._tokeniser = tokeniser
        self.nothing = (dimensions,)
        self.head = head

    def tokenise(self, inputs: Sequence[Input]) -> list[Tokenised]:
        """See `Operation`."""
        texts = text_inputs(inputs)
        readings = self._tokeniser.texts(texts)
        left_out = self._left_out(texts) if self.head.leaves_out_prompt else [0] * len(texts)
        return [as_tokenised(read, notes) for read, notes in zip(readings, left_out, strict=True)]

    @torch.inference_mode()
    def forward(self, pieces: Sequence[Piece]) -> list[NDArray[np.float32]]:
        """See `Operation`."""
        return list(self.head(pieces).cpu().numpy())

    def _left_out(self, texts: Sequence[TextInput]) -> list[int]:
        prompts = [self._tokeniser.prompt(text.role, text.instruction) for text in texts]
        tokens = {prompt: self._tokeniser.prompt_tokens(prompt) for prompt in set(prompts)}
        return [tokens[prompt] for prompt in prompts]
