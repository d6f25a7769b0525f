"""modules.json: what sentence-transformers saved, by the last names of its classes alone; nothing is imported."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

from tamis_engine.models import colbert
from tamis_engine.models.configs import network_config
from tamis_engine.models.files import Files, Json, within
from tamis_engine.models.layers import LAYERS, Module, activation_named, splade, steps_of, width_behind
from tamis_engine.models.recipe import Recipe
from tamis_engine.models.spec import ClassHead, Head, Idf, LogitPick, Network, Normalize, Output, Sigmoid, Step
from tamis_engine.models.static import static_recipe
from tamis_engine.models.texts import text_of, token_names

TRANSFORMERS = frozenset({"MLMTransformer", "Transformer"})
KNOWN = (
    LAYERS
    | TRANSFORMERS
    | {"LogitScore", "MultiVectorMask", "Router", "SparseStaticEmbedding", "SpladePooling", "StaticEmbedding"}
)
MULTIVECTOR_TYPES = frozenset({"ColBERT", "MultiVectorEncoder"})
"""How PyLate and sentence-transformers call them."""


def modules_recipe(files: Files) -> Recipe:
    """What the modules do together. Raises `ModelInvalid` for a module or a sequence that is not known."""
    modules = _modules(files)
    first, rest = modules[0], modules[1:]
    if first.kind == "StaticEmbedding":
        return static_recipe(files, first.path, steps_of(files, _layers(files, rest)))
    if first.kind == "Router" and not rest:
        return _routed(files, first)
    if first.kind not in TRANSFORMERS:
        raise files.refuse(f"its first module is a {first.kind}; expected a Transformer, Router or StaticEmbedding.")
    return _behind_transformer(files, first, rest)


def _behind_transformer(files: Files, first: Module, rest: Sequence[Module]) -> Recipe:
    kinds = [module.kind for module in rest]
    model_type = files.json_or_empty("config_sentence_transformers.json").get("model_type")
    if model_type == "CrossEncoder":
        return _cross_encoder(files, first, rest)
    if kinds == ["SpladePooling"]:
        return _sparse(files, first, rest[0])
    if model_type in MULTIVECTOR_TYPES or "MultiVectorMask" in kinds:
        network = _network(files, first, "none")
        return colbert.modules_recipe(files, network, rest, text_of(files, network.config, first.path))
    if "Pooling" in kinds:
        return _dense(files, first, rest)
    raise files.refuse(f"a Transformer followed by {', '.join(kinds) or 'nothing'} is no model that Tamis knows.")


def _dense(files: Files, first: Module, rest: Sequence[Module]) -> Recipe:
    network = _network(files, first, "none")
    steps = steps_of(files, _layers(files, rest))
    if steps[-1] != Normalize():
        steps += (Normalize(),)
    return Recipe(
        network,
        text_of(files, network.config, first.path),
        {"dense": Output(steps)},
        width_behind(files, rest, width(files, network.config)),
        first.path,
    )


def _sparse(files: Files, first: Module, pooling: Module) -> Recipe:
    network = _network(files, first, "masked_lm")
    return Recipe(
        network,
        text_of(files, network.config, first.path),
        {"sparse": Output((splade(files, pooling),))},
        int(network.config.get("vocab_size", 0)),
        first.path,
    )


def _routed(files: Files, router: Module) -> Recipe:
    """Queries by a table, documents by a network: the one use of a router that there is a step for."""
    config = files.json(within(router.path, "router_config.json"), "which modules read queries")
    types: Mapping[str, str] = config.get("types", {})
    routes: Mapping[str, list[str]] = config.get("structure", {})

    def route(name: str) -> list[Module]:
        return [Module(_last_name(files, types.get(id_)), within(router.path, id_)) for id_ in routes.get(name, [])]

    query, document = route("query"), route("document")
    if [each.kind for each in query] != ["SparseStaticEmbedding"] or len(document) != 2:
        raise files.refuse(
            f"its router sends queries to {[each.kind for each in query]}; expected one SparseStaticEmbedding, "
            "and documents to a Transformer and SpladePooling."
        )
    recipe = _behind_transformer(files, document[0], document[1:])
    table = Idf(_idf_file(files, query[0], document[0]))
    return replace(recipe, outputs={"sparse": Output(recipe.outputs["sparse"].steps, query=(table,))})


def _idf_file(files: Files, query: Module, document: Module) -> str:
    """The table, which must be for the tokens that the network reads too."""
    own, shared = within(query.path, "tokenizer.json"), within(document.path, "tokenizer.json")
    if files.has(own) and files.has(shared) and files.value(own) != files.value(shared):
        raise files.refuse("its queries have a tokenizer of their own, which no step can use.")
    said = files.json_or_empty(within(query.path, "config.json")).get("path")
    named = [within(query.path, "idf.json"), "idf.json"] if said else [within(query.path, "model.safetensors")]
    found = next((path for path in named if files.has(path)), None)
    if found is None:
        raise files.refuse(f"{named[0]} is missing, which says how much each token of a query weighs.")
    return found


def _cross_encoder(files: Files, first: Module, rest: Sequence[Module]) -> Recipe:
    kinds = [module.kind for module in rest]
    if kinds == ["LogitScore"]:
        return _causal(files, first, rest[0])
    if not rest:
        network = _network(files, first, "sequence_classification")
        steps: tuple[Step, ...] = (ClassHead(),)
        labels = len(network.config.get("id2label") or (0, 1))
    else:
        network = _network(files, first, "none")
        steps = steps_of(files, _layers(files, rest))
        labels = width_behind(files, rest, width(files, network.config))
    if labels != 1:
        raise files.refuse(f"it gives {labels} numbers for a pair; a reranker gives 1.")
    check_activation(files, network.config)
    return Recipe(
        network, text_of(files, network.config, first.path), {"score": Output((*steps, Sigmoid()))}, sub=first.path
    )


def _causal(files: Files, first: Module, score: Module) -> Recipe:
    network = _network(files, first, "causal_lm")
    config = files.json(within(score.path, "config.json"), "which tokens mean yes and no")
    words = token_names(files, first.path)
    ids = config.get("true_token_id"), config.get("false_token_id")
    yes, no = (words.get(id_, "") if isinstance(id_, int) else "" for id_ in ids)
    if not yes:
        raise files.refuse(f"its tokenizer has no token {ids[0]!r}, whose logit should be the score.")
    return Recipe(
        network,
        text_of(files, network.config, first.path),
        {"score": Output((LogitPick(yes, no), Sigmoid()))},
        sub=first.path,
    )


def check_activation(files: Files, config: Mapping[str, Any]) -> None:
    """Scores leave the engine as probabilities whatever is said here; what is not known as rising is refused."""
    saved: Mapping[str, Any] = config.get("sentence_transformers") or {}
    said = (
        files.json_or_empty("config_sentence_transformers.json").get("activation_fn")
        or saved.get("activation_fn")
        or config.get("sbert_ce_default_activation_function")
        or "torch.nn.modules.activation.Sigmoid"
    )
    if (name := activation_named(files, said)) not in ("Identity", "Sigmoid"):
        raise files.refuse(f"its scores pass {name}; expected Sigmoid or Identity.")


def width(files: Files, config: Mapping[str, Any]) -> int:
    """Of the network's states."""
    found = config.get("hidden_size") or config.get("dim") or config.get("d_model")
    if not isinstance(found, int):
        raise files.refuse("config.json does not say how wide its states are (hidden_size).")
    return found


def _network(files: Files, module: Module, head: Head) -> Network:
    return Network(network_config(files, module.path), (files.weights(module.path),), head)


def _modules(files: Files) -> list[Module]:
    found = files.value("modules.json")
    if not isinstance(found, list) or not found:
        raise files.refuse("modules.json holds no list of modules.")
    listed = sorted(cast("list[Json]", found), key=lambda each: int(each.get("idx", 0)))
    return [Module(_last_name(files, each.get("type")), str(each.get("path") or "")) for each in listed]


def _last_name(files: Files, type_: object) -> str:
    name = str(type_).rpartition(".")[2]
    if name not in KNOWN:
        raise files.refuse(f"modules.json names {type_!r}; known are {', '.join(sorted(KNOWN))}.")
    return name


def _layers(files: Files, modules: Sequence[Module]) -> Sequence[Module]:
    for module in modules:
        if module.kind not in LAYERS:
            raise files.refuse(f"it has a {module.kind} where {', '.join(sorted(LAYERS))} were expected.")
    return modules
