"""Tiny models with tokenizers, in files as the hub has them, and what an operation makes of texts."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from transformers import AutoConfig, PreTrainedTokenizerFast

from tamis_engine.compute.assembly import assemble
from tamis_engine.models.spec import Head, Network, OperationName, Output, Spec, Step, Text
from tamis_engine.operation import Input, Operation, Row, TextInput

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "[unused0]", "[unused1]"]
WORDS = "what is the engine model reads a query passage answer of file line in code and when not".split()
CHARACTERS = [chr(code) for code in range(33, 127)]
TEXTS = [
    "",
    "what is the engine?",
    "the model reads a passage, of code.",
    "naïve [SEP] \U0001f600 words; x" * 3,
    "line " * 60,
]


def word_pieces() -> PreTrainedTokenizerFast:
    """BERT's, with a vocabulary of letters and a few words."""
    listed = dict.fromkeys([*SPECIAL, *CHARACTERS, *(f"##{character}" for character in CHARACTERS), *WORDS])
    tokenizer = Tokenizer(
        models.WordPiece(
            {token: id_ for id_, token in enumerate(listed)}, unk_token="[UNK]", max_input_chars_per_word=50
        )
    )
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    tokenizer.decoder = decoders.WordPiece()
    names = {"pad": 0, "unk": 1, "cls": 2, "sep": 3, "mask": 4}
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        model_max_length=64,
        model_input_names=["input_ids", "token_type_ids", "attention_mask"],
        additional_special_tokens=SPECIAL[5:],
        **{f"{name}_token": SPECIAL[id_] for name, id_ in names.items()},
    )


CHAT_SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
QWEN_WORDS = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)


def byte_pieces() -> PreTrainedTokenizerFast:
    """Qwen's way to cut words, with a few merges of its own; no special tokens around a text."""
    from tokenizers import trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Split(Regex(QWEN_WORDS), "isolated"), pre_tokenizers.ByteLevel(False, use_regex=False)]
    )
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=500,
        show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        special_tokens=CHAT_SPECIAL,
    )
    tokenizer.train_from_iterator([" ".join(WORDS), "yes no yes no?\n.\n\n <Document>: <Query>: 0 1"] * 3, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, model_max_length=512, pad_token=CHAT_SPECIAL[0], eos_token=CHAT_SPECIAL[2]
    )


def bert(**changes: Any) -> Any:
    """A config that fits `word_pieces`."""
    sizes = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 48}
    return AutoConfig.for_model(
        "bert", **sizes, vocab_size=len(word_pieces()), max_position_embeddings=64, initializer_range=0.3, **changes
    )


def saved(folder: Path, model_class: Any, config: Any, tokenizer: PreTrainedTokenizerFast) -> Path:
    """A model of random weights."""
    torch.manual_seed(5)
    model_class.from_config(config).eval().save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def spec_of(
    folder: Path, steps: dict[OperationName, Sequence[Step]], text: Text, head: Head = "none", **more: Any
) -> Spec:
    """By hand, from the config that lies there."""
    config = AutoConfig.from_pretrained(folder).to_dict()
    outputs = {name: Output(tuple(each)) for name, each in steps.items()}
    return Spec("tiny", folder, "1", Network(config, ("model.safetensors",), head), text, outputs, **more)


def operations_of(spec: Spec) -> dict[OperationName, Operation]:
    return dict(assemble(spec, torch.device("cpu"), torch.float32).operations)


def rows(operation: Operation, inputs: Sequence[Input]) -> list[Row]:
    """One pass over all pieces, as the engine runs it."""
    tokenised = operation.tokenise(inputs)
    pieces = [piece for each in tokenised for piece in each.pieces]
    outputs = iter(operation.forward(pieces) if pieces else [])
    return [
        operation.join(asked, each, [next(outputs) for _ in each.pieces])
        for asked, each in zip(inputs, tokenised, strict=True)
    ]


def vectors(operation: Operation, texts: Sequence[str], role: Any = "passage", instruction: str = "") -> list[Any]:
    return [row.values for row in rows(operation, [TextInput(text, role, instruction) for text in texts])]


def furthest(found: Sequence[Any], expected: Sequence[Any]) -> float:
    """The greatest difference; shapes must be equal."""
    pairs = [(np.asarray(one), np.asarray(other)) for one, other in zip(found, expected, strict=True)]
    assert [one.shape for one, _ in pairs] == [other.shape for _, other in pairs]
    return max((float(np.abs(one - other).max()) for one, other in pairs if one.size), default=0.0)
