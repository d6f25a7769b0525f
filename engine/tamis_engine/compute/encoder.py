"""Turns texts into vectors with a BERT model: tokens, packed batches, mean pooling, length 1."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn.functional import normalize

from tamis_engine.compute.attention import use_packed_attention
from tamis_engine.running.model import Batch

if TYPE_CHECKING:
    from tokenizers import Tokenizer
    from transformers.models.bert.modeling_bert import BertModel

BATCH_TOKENS = 2048
"""About what stays in a core's cache; larger batches are slower on every CPU that was measured."""

TOKENISED_AT_ONCE = 256
"""Texts between two looks at whether the caller still waits."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """What the model reads of one text, and how many tokens the text has as given."""

    row: int
    ids: list[int]
    given: int


class BertEncoder:
    """A BERT bi-encoder with mean pooling. Not safe to call from two threads at once."""

    def __init__(self, model: BertModel, tokenizer: Tokenizer, max_tokens: int) -> None:
        use_packed_attention(model)
        tokenizer.no_padding()
        tokenizer.no_truncation()
        self._model = model.eval().requires_grad_(False)
        self._tokenizer = tokenizer
        self.max_tokens = max_tokens
        self.footprint_bytes = sum(tensor.nbytes for tensor in model.parameters())

    def encode(self, texts: Sequence[str]) -> Iterator[Batch]:
        """Every text once, in an order of the encoder's own; nothing is computed ahead of the caller."""
        by_length = sorted(range(len(texts)), key=lambda row: len(texts[row]))
        for start in range(0, len(by_length), TOKENISED_AT_ONCE):
            rows = by_length[start : start + TOKENISED_AT_ONCE]
            for batch in batches(self._tokens(texts, rows)):
                yield self._forward(batch)

    def _tokens(self, texts: Sequence[str], rows: list[int]) -> list[Tokens]:
        encodings = self._tokenizer.encode_batch_fast([well_formed(texts[row]) for row in rows])
        return [Tokens(row, self._cut(found.ids), len(found)) for row, found in zip(rows, encodings, strict=True)]

    def _cut(self, ids: list[int]) -> list[int]:
        """At most `max_tokens`, the closing [SEP] kept, as the model's own tokenizer cuts."""
        return ids if len(ids) <= self.max_tokens else [*ids[: self.max_tokens - 1], ids[-1]]

    @torch.inference_mode()
    def _forward(self, batch: list[Tokens]) -> Batch:
        lengths = [len(text.ids) for text in batch]
        bounds = [0, *accumulate(lengths)]
        filler = [0] * (padded(bounds[-1]) - bounds[-1])
        ids = torch.tensor([[*(token for text in batch for token in text.ids), *filler]])
        positions = torch.tensor([[*(at for length in lengths for at in range(length)), *filler]])
        states: Tensor = self._model(
            input_ids=ids,
            token_type_ids=torch.zeros_like(ids),
            position_ids=positions,
            cu_seq_lens_q=torch.tensor(bounds),
        ).last_hidden_state
        vectors = normalize(mean_pooled(states[0, : bounds[-1]].float(), lengths)).numpy()
        return Batch(tuple(text.row for text in batch), vectors, tuple(text.given for text in batch))


def padded(tokens: int) -> int:
    """The row's length, filled up to one of thirty: oneDNN compiles a kernel for each that it meets, and keeps it."""
    step = 16 if tokens <= 256 else 128
    return -(-tokens // step) * step


def mean_pooled(states: Tensor, lengths: list[int]) -> Tensor:
    """(tokens, width) to (texts, width): the mean over the tokens of each text."""
    counts = torch.tensor(lengths)
    owner = torch.repeat_interleave(torch.arange(len(lengths)), counts)
    sums = torch.zeros(len(lengths), states.shape[1]).index_add_(0, owner, states)
    return sums / counts.unsqueeze(1)


def batches(texts: list[Tokens]) -> Iterator[list[Tokens]]:
    """Sorted by length, so that equal lengths meet and share one attention call; at most BATCH_TOKENS each."""
    batch: list[Tokens] = []
    size = 0
    for text in sorted(texts, key=lambda text: len(text.ids)):
        if batch and size + len(text.ids) > BATCH_TOKENS:
            yield batch
            batch, size = [], 0
        batch.append(text)
        size += len(text.ids)
    if batch:
        yield batch


def well_formed(text: str) -> str:
    """Lone surrogates, which stand for undecodable bytes, as question marks: the tokenizer refuses them."""
    return text.encode("utf-8", "replace").decode("utf-8")
