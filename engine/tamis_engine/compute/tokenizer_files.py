"""A model's tokenizer from its files."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tokenizers import Tokenizer

from tamis_engine.compute.tokens import Tokeniser
from tamis_engine.errors import ModelInvalid

if TYPE_CHECKING:
    from pathlib import Path

    from tamis_engine.models.spec import Spec

OLDER = (
    "vocab.txt",
    "vocab.json",
    "spm.model",
    "spiece.model",
    "sentencepiece.bpe.model",
    "sentencepiece.model",
    "tokenizer.model",
)
"""Vocabularies that transformers converts to tokenizer.json."""


def load_tokeniser(spec: Spec) -> Tokeniser:
    """Raises `ModelInvalid` where there is none that can be read."""
    folder = spec.tokenizer_folder or spec.folder
    try:
        tokenizer, named = _fast(folder / spec.tokenizer) if spec.tokenizer else _converted(folder)
    except Exception as error:
        raise ModelInvalid(spec.name, f"its tokenizer can't be read ({error}).") from error
    tokenizer.add_special_tokens(list(spec.added_tokens))
    return Tokeniser(tokenizer, spec.text, named, _tells_parts(spec, folder))


def _fast(path: Path) -> tuple[Tokenizer, Mapping[str, str]]:
    found = _json(path.with_name("special_tokens_map.json")) | _json(path.with_name("tokenizer_config.json"))
    texts = {name: value.get("content") if isinstance(value, dict) else value for name, value in found.items()}
    named = {name: text for name, text in texts.items() if name.endswith("_token") and isinstance(text, str)}
    return Tokenizer.from_file(str(path)), named


def _converted(folder: Path) -> tuple[Tokenizer, Mapping[str, str]]:
    if not any((folder / name).is_file() for name in OLDER):
        # transformers would make one that knows no word
        raise ValueError(f"expected tokenizer.json, or one of {', '.join(OLDER)}")
    from transformers import AutoTokenizer  # late: only the older formats need it

    found = AutoTokenizer.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
    if not found.is_fast:
        raise ValueError(f"{type(found).__name__} has no fast counterpart")
    return found.backend_tokenizer, {name: str(token) for name, token in found.special_tokens_map.items()}


def _tells_parts(spec: Spec, folder: Path) -> bool:
    """Whether the network was given token types: it has some, and its tokenizer was not told to leave them out."""
    names = _json((folder / (spec.tokenizer or "tokenizer.json")).with_name("tokenizer_config.json")).get(
        "model_input_names"
    ) or ["token_type_ids"]
    return int(spec.network.config.get("type_vocab_size") or 0) > 1 and "token_type_ids" in names


def _json(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
