import random
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file
from tokenizers import Tokenizer
from transformers.models.bert.configuration_bert import BertConfig
from transformers.models.bert.modeling_bert import BertModel

from tamis_engine import embedded
from tamis_engine.compute.encoder import BATCH_TOKENS, Tokens, batches, padded

if TYPE_CHECKING:
    from tamis_engine.compute.encoder import BertEncoder

WORDS = "the engine reads a file, cuts Ünïcode 文字 into segments() and ranks_them: 42 of them; naïvely".split()


def some_texts() -> list[str]:
    pick = random.Random(7)
    lengths = (1, 1, 3, 3, 3, 9, 20, 60, 120, 400)
    return ["", " \n\t", *(" ".join(pick.choices(WORDS, k=length)) for length in lengths), "e\u0301\U0001f600"]


def in_order(encoder: "BertEncoder", texts: list[str]) -> tuple[NDArray[np.float32], list[int]]:
    vectors, tokens = np.zeros((len(texts), embedded.DIMENSIONS), np.float32), [0] * len(texts)
    for batch in encoder.encode(texts):
        vectors[list(batch.rows)] = batch.vectors
        for row, count in zip(batch.rows, batch.tokens, strict=True):
            tokens[row] = count
    return vectors, tokens


@torch.inference_mode()
def as_the_recipe_says(texts: list[str]) -> NDArray[np.float32]:
    """The same weights through plain transformers, one text at a time: mean over all tokens, then length 1."""
    model = BertModel(BertConfig.from_pretrained(embedded.FOLDER), add_pooling_layer=False).eval()
    weights = load_file(embedded.FOLDER / "model.safetensors")
    model.load_state_dict({name: tensor.float() for name, tensor in weights.items()})
    tokenizer = Tokenizer.from_file(str(embedded.FOLDER / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(embedded.MAX_TOKENS)
    rows = []
    for text in texts:
        ids = torch.tensor([tokenizer.encode(text).ids])
        states = model(input_ids=ids, attention_mask=torch.ones_like(ids)).last_hidden_state[0]
        rows.append(torch.nn.functional.normalize(states.mean(dim=0), dim=0))
    return torch.stack(rows).numpy()


def test_the_embedded_encoder_equals_its_recipe(encoder: "BertEncoder") -> None:
    vectors, _ = in_order(encoder, some_texts())
    assert np.abs(vectors - as_the_recipe_says(some_texts())).max() < 1e-5


def test_vectors_come_back_with_the_row_of_their_text(encoder: "BertEncoder") -> None:
    texts = some_texts()
    forwards, _ = in_order(encoder, texts)
    backwards, _ = in_order(encoder, texts[::-1])
    assert np.abs(forwards - backwards[::-1]).max() < 1e-5


def test_vectors_are_float32_of_length_one_whatever_is_computed_with(bfloat16_encoder: "BertEncoder") -> None:
    vectors = next(iter(bfloat16_encoder.encode(["a passage"]))).vectors
    assert vectors.dtype == np.float32
    assert abs(np.linalg.norm(vectors) - 1) < 1e-5


def test_bfloat16_agrees_with_float32(encoder: "BertEncoder", bfloat16_encoder: "BertEncoder") -> None:
    exact, _ = in_order(encoder, some_texts())
    fast, _ = in_order(bfloat16_encoder, some_texts())
    assert (exact * fast).sum(axis=1).mean() > 0.999


def test_tokens_are_counted_as_given_past_the_limit(encoder: "BertEncoder") -> None:
    _, tokens = in_order(encoder, ["", "two words", "word " * 300])
    assert tokens == [2, 4, 302]


def test_a_text_past_the_limit_is_read_up_to_it(encoder: "BertEncoder") -> None:
    vectors, _ = in_order(encoder, ["word " * 254, "word " * 254 + "and something else entirely"])
    assert np.abs(vectors[0] - vectors[1]).max() < 1e-5


def test_lone_surrogates_are_read_as_question_marks(encoder: "BertEncoder") -> None:
    vectors, _ = in_order(encoder, ["caf\udce9", "caf?"])
    assert np.abs(vectors[0] - vectors[1]).max() < 1e-5


def test_batches_hold_every_text_once_inside_the_token_budget() -> None:
    pick = random.Random(1)
    texts = [Tokens(row, [0] * pick.randint(2, 256), 0) for row in range(300)]
    found = list(batches(texts))
    assert sorted(text.row for batch in found for text in batch) == list(range(300))
    assert all(sum(len(text.ids) for text in batch) <= BATCH_TOKENS for batch in found)


def test_rows_come_in_few_lengths_and_little_is_filled_up() -> None:
    lengths = [padded(tokens) for tokens in range(1, BATCH_TOKENS + 1)]
    assert len(set(lengths)) == 30
    assert all(0 <= length - tokens < max(16, tokens / 2) for tokens, length in enumerate(lengths, start=1))


def test_nothing_to_encode_is_no_batch(encoder: "BertEncoder") -> None:
    assert list(encoder.encode([])) == []
