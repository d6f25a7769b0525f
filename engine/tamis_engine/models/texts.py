"""How text enters a model: the prompts in its files, and how many tokens it reads."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, cast

from tamis_engine.models.configs import max_positions
from tamis_engine.models.files import Files, Json, within
from tamis_engine.models.spec import Prompts, Text
from tamis_engine.protocol import ANY_LENGTH_TOKENS

SENTENCE_CONFIGS = tuple(
    f"sentence_{kind}_config.json" for kind in ("bert", "roberta", "distilbert", "camembert", "albert", "xlm-roberta")
)
INSTRUCTED = re.compile(r"Instruct: (?P<task>[^{}\n]+)(?P<rest>\nQuery: ?)")
PASSAGE_NAMES = ("document", "passage", "corpus")


def sentence_config(files: Files, sub: str = "") -> Json:
    """What sentence-transformers says about the transformer in the folder `sub`."""
    for name in SENTENCE_CONFIGS:
        if found := files.json_or_empty(within(sub, name)):
            return found
    return {}


def text_of(files: Files, config: Mapping[str, Any], sub: str = "") -> Text:
    """Limits of the tokenizer, of the network and of sentence-transformers, the least of them; prompts as saved."""
    return Text(max_tokens=max_tokens(files, config, sub), prompts=prompts(files))


def max_tokens(files: Files, config: Mapping[str, Any], sub: str = "") -> int:
    """How many tokens of a text are read, special tokens included."""
    said = (
        sentence_config(files, sub).get("max_seq_length"),
        files.json_or_empty(within(sub, "tokenizer_config.json")).get("model_max_length"),
        max_positions(config),
    )
    # tokenizers without a limit say 1e30
    limits = [int(limit) for limit in said if isinstance(limit, int | float) and 0 < limit < ANY_LENGTH_TOKENS]
    return min(limits, default=ANY_LENGTH_TOKENS)


def prompts(files: Files) -> Prompts:
    """Of config_sentence_transformers.json; a task written into the query's prompt can be replaced."""
    saved = saved_prompts(files)
    query = saved.get("query", "")
    passage = next((saved[name] for name in PASSAGE_NAMES if saved.get(name)), "")
    if found := INSTRUCTED.fullmatch(query):
        return Prompts(f"Instruct: {{instruction}}{found['rest']}", passage, found["task"])
    return Prompts(query, passage)


def saved_prompts(files: Files) -> dict[str, str]:
    """By name, as saved."""
    found = files.json_or_empty("config_sentence_transformers.json").get("prompts") or {}
    if not isinstance(found, dict) or not all(isinstance(text, str | None) for text in cast("Json", found).values()):
        raise files.refuse("the prompts in config_sentence_transformers.json are not texts by name.")
    return {name: text or "" for name, text in cast("dict[str, str | None]", found).items()}


def token_names(files: Files, sub: str = "") -> dict[int, str]:
    """The tokens by index, spelled as the tokenizer has them."""
    tokenizer = files.json(within(sub, "tokenizer.json"), "which tokens there are")
    listed: dict[str, int] | list[tuple[str, float]] = tokenizer.get("model", {}).get("vocab", {})
    if isinstance(listed, list):
        names = {id_: token for id_, (token, _) in enumerate(listed)}
    else:
        names = {id_: token for token, id_ in listed.items()}
    return names | {each["id"]: each["content"] for each in tokenizer.get("added_tokens", [])}
