"""Late interaction: a vector a token, as sentence-transformers, PyLate and Stanford's ColBERT saved it."""

from __future__ import annotations

import string
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from tamis_engine.models.configs import network_config
from tamis_engine.models.files import Files, Json, within
from tamis_engine.models.layers import Module, dense, width_behind
from tamis_engine.models.recipe import Recipe
from tamis_engine.models.spec import Dense, Network, Output, Step, Text, TokenVectors
from tamis_engine.models.texts import sentence_config, text_of, token_names

PUNCTUATION = tuple(string.punctuation)
QUERY_TOKENS = 32
KINDS = frozenset({"Dense", "Dropout", "MultiVectorMask", "Normalize"})


class Marker(NamedTuple):
    """What tells queries from documents: a token where the tokenizer knows it, else text before the text."""

    prefix: str
    token: str = ""

    def before(self, prompt: str) -> str:
        """The prompt, which may repeat the prefix; the token is not part of it."""
        return ("" if self.token else self.prefix) + prompt.removeprefix(self.prefix)


def modules_recipe(files: Files, network: Network, rest: Sequence[Module], text: Text) -> Recipe:
    """Behind a network: projections, then a vector a token."""
    for module in rest:
        if module.kind not in KINDS:
            raise files.refuse(f"it has a {module.kind} where {', '.join(sorted(KINDS))} were expected.")
    layers = [dense(files, module) for module in rest if module.kind == "Dense"]
    dimensions = width_behind(files, rest, int(network.config["hidden_size"]))
    vectors = _projected(layers[-1:], TokenVectors(dimensions=dimensions))
    before: tuple[Step, ...] = tuple(layers if not vectors.weights else layers[:-1])
    saved = files.json_or_empty("config_sentence_transformers.json")
    if "MultiVectorMask" in (module.kind for module in rest):
        text, vectors = _as_sentence_transformers(files, rest, text, vectors)
    else:
        text, vectors = _as_pylate(files, saved, text, vectors)
    return Recipe(network, text, {"multivector": Output((*before, vectors))}, dimensions)


def stanford_recipe(files: Files) -> Recipe:
    """The projection lies beside the network's weights, the rest in artifact.metadata."""
    config = network_config(files)
    weights = files.weights()
    shapes = files.shapes(weights)
    if shapes and "linear.weight" not in shapes:
        raise files.refuse(f"{weights} has no linear.weight, the projection of a ColBERT.")
    said = files.json_or_empty("artifact.metadata")
    dimensions = shapes["linear.weight"][0] if shapes else int(said.get("dim", 128))
    query, passage = (
        _marker(files, f"{said.get(key) or default} ")
        for key, default in (("query_token_id", "[unused0]"), ("doc_token_id", "[unused1]"))
    )
    vectors = TokenVectors(
        weights,
        dimensions=dimensions,
        query_marker=query.token,
        passage_marker=passage.token,
        expand_query_to=int(said.get("query_maxlen") or QUERY_TOKENS),
        attend_to_expansion=bool(said.get("attend_to_mask_tokens")),
        skip_words=PUNCTUATION if said.get("mask_punctuation", True) else (),
    )
    text = _limited(text_of(files, config), said.get("doc_maxlen"), vectors.expand_query_to)
    text = _prompted(text, query, passage)
    return Recipe(Network(config, (weights,)), text, {"multivector": Output((vectors,))}, dimensions)


def _projected(last: Sequence[Dense], vectors: TokenVectors) -> TokenVectors:
    """The last linear layer is part of the step where it is nothing but a matrix."""
    if last and not last[0].bias and last[0].activation == "Identity":
        return replace(vectors, weights=last[0].weights)
    return vectors


def _as_sentence_transformers(
    files: Files, rest: Sequence[Module], text: Text, vectors: TokenVectors
) -> tuple[Text, TokenVectors]:
    """Markers are part of the prompts there, and limits stand beside the transformer's."""
    said = sentence_config(files)
    mask = next(module for module in rest if module.kind == "MultiVectorMask")
    config = files.json_or_empty(within(mask.path, "config.json"))
    if config.get("skiplist_tasks", ["document"]) != ["document"] or config.get("keep_only_token_ids"):
        raise files.refuse("its MultiVectorMask drops more than words of documents, which no step does.")
    expansion: Json = said.get("query_expansion") or {}
    if expansion and (expansion.get("strategy") != "fixed" or expansion.get("token")):
        raise files.refuse(f"it expands queries by {expansion}; expected 'fixed', with the tokenizer's mask token.")
    vectors = replace(vectors, skip_words=tuple(config.get("skiplist_words") or ()), **_expansion(expansion))
    return _limited(text, said.get("document_length"), expansion.get("length") or said.get("query_length")), vectors


def _as_pylate(files: Files, saved: Json, text: Text, vectors: TokenVectors) -> tuple[Text, TokenVectors]:
    """All of it stands in config_sentence_transformers.json."""
    length = int(saved.get("query_length") or QUERY_TOKENS)
    expands = saved.get("do_query_expansion", True)
    expansion: Json = {"length": length, "attend": saved.get("attend_to_expansion_tokens")} if expands else {}
    words = saved.get("skiplist_words")
    query = _marker(files, saved.get("query_prefix") or "")
    passage = _marker(files, saved.get("document_prefix") or "")
    vectors = replace(
        vectors,
        query_marker=query.token,
        passage_marker=passage.token,
        skip_words=PUNCTUATION if words is None else tuple(words),
        **_expansion(expansion),
    )
    return _prompted(_limited(text, saved.get("document_length"), length), query, passage), vectors


def _expansion(said: Json) -> dict[str, Any]:
    return {"expand_query_to": int(said.get("length") or 0), "attend_to_expansion": bool(said.get("attend"))}


def _limited(text: Text, document_tokens: int | None, query_tokens: int | None) -> Text:
    return replace(
        text,
        max_tokens=min(text.max_tokens, int(document_tokens or text.max_tokens)),
        query_tokens=min(text.max_tokens, int(query_tokens or 0)),
    )


def _prompted(text: Text, query: Marker, passage: Marker) -> Text:
    saved = text.prompts
    return replace(text, prompts=replace(saved, query=query.before(saved.query), passage=passage.before(saved.passage)))


def _marker(files: Files, prefix: str) -> Marker:
    known = set(token_names(files).values()) if prefix.strip() else set[str]()
    token = next((token for token in (prefix, prefix.strip()) if token in known), "")
    return Marker(prefix, token)
