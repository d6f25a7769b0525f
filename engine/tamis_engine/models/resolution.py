"""From a folder of files to a spec: the files say what a model is, the catalogue what they leave out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from tamis_engine.models import colbert, families, heads, tuned
from tamis_engine.models.catalogue import Entry, Overrides
from tamis_engine.models.configs import architecture
from tamis_engine.models.files import Files, Json, within
from tamis_engine.models.modules import modules_recipe
from tamis_engine.models.recipe import Recipe
from tamis_engine.models.spec import (
    AnswerSpan,
    Entailment,
    KeepLines,
    KeepTokens,
    KeepWords,
    LogitPick,
    Output,
    Sigmoid,
    Spec,
    Step,
    Text,
)
from tamis_engine.models.static import static_recipe

BGE_M3_HEADS = ("sparse_linear.pt", "colbert_linear.pt")


def resolve(name: str, folder: Path, entry: Entry | None, base: Path | None = None) -> Spec:
    """The spec of the model in `folder`; `base` holds what it takes from another model (`base_repo`).

    Raises `ModelInvalid` with what was found, what was expected and what to do.
    """
    files = Files(name, folder)
    told = entry.overrides if entry else Overrides()
    recipe = _completed(_recipe(files, Files(name, base or folder), told), files, told)
    tokenizer = within(recipe.sub, "tokenizer.json")
    lent = base if base and not files.has("tokenizer_config.json") else None
    return Spec(
        name=name,
        folder=folder,
        revision=_revision(files, recipe),
        network=recipe.network,
        text=recipe.text,
        outputs=recipe.outputs,
        dimensions=recipe.dimensions,
        licence=entry.licence if entry else "",
        tokenizer=tokenizer if ((lent or folder) / tokenizer).is_file() else "",
        tokenizer_folder=lent,
        added_tokens=recipe.added_tokens,
        forbidden_dtypes=told.forbidden_dtypes,
        calibration=told.calibration,
        footprint_bytes=_footprint_bytes(files, recipe),
    )


def base_repo(name: str, folder: Path) -> str:
    """The model whose small files are needed too; "" where none is."""
    return families.base_repo(Files(name, folder))


@dataclass(frozen=True, slots=True)
class _Seen:
    """What is known before any of it is read closely."""

    files: Files
    base: Files
    config: Json
    told: Overrides


Reader = Callable[[_Seen], Recipe]
READERS: tuple[tuple[Callable[[_Seen], object], Reader], ...] = (
    (lambda seen: tuned.KEY in seen.config, lambda seen: tuned.tuned_recipe(seen.files, seen.config, seen.base)),
    (lambda seen: seen.files.has("gliner_config.json"), lambda seen: families.gliner_recipe(seen.files, seen.base)),
    (lambda seen: _kind(seen) == "open_provence", lambda seen: families.provence_recipe(seen.files, seen.config)),
    (
        lambda seen: "compression_head_type" in seen.config,
        lambda seen: families.pruner_recipe(seen.files, seen.config, seen.base),
    ),
    (lambda seen: seen.told.words, lambda seen: heads.words_recipe(seen.files, seen.told.words or KeepWords())),
    (lambda seen: seen.told.logits, lambda seen: heads.causal_recipe(seen.files, seen.told.logits or LogitPick(""))),
    (lambda seen: seen.files.has("modules.json"), lambda seen: _with_bge_m3_heads(modules_recipe(seen.files), seen)),
    (lambda seen: architecture(seen.config) == "HF_ColBERT", lambda seen: colbert.stanford_recipe(seen.files)),
    (lambda seen: seen.files.has("artifact.metadata"), lambda seen: colbert.stanford_recipe(seen.files)),
    (lambda seen: seen.told.splade, lambda seen: heads.sparse_recipe(seen.files, seen.told)),
    (lambda seen: _kind(seen) == "model2vec", lambda seen: static_recipe(seen.files)),
    (lambda _: True, lambda seen: heads.head_recipe(seen.files)),
)
"""By the first that applies: families with a config of their own, sentence-transformers' modules, bare weights."""


def _recipe(files: Files, base: Files, told: Overrides) -> Recipe:
    if not files.folder.is_dir():
        raise files.refuse(f"there is no folder {files.folder}.")
    seen = _Seen(files, base, files.json_or_empty("config.json"), told)
    return next(read for applies, read in READERS if applies(seen))(seen)


def _kind(seen: _Seen) -> object:
    return seen.config.get("model_type")


def _with_bge_m3_heads(recipe: Recipe, seen: _Seen) -> Recipe:
    if "dense" in recipe.outputs and all(seen.files.has(path) for path in BGE_M3_HEADS):
        return recipe.with_outputs(heads.bge_m3_outputs(seen.files, recipe.network.config))
    return recipe


def _completed(recipe: Recipe, files: Files, told: Overrides) -> Recipe:
    """With what only the catalogue knows. A language model that nobody says how to ask is of no use."""
    text = _text(recipe, told)
    steps = [step for output in recipe.outputs.values() for step in output.steps]
    if any(isinstance(step, LogitPick) for step in steps) and text.pair is None:
        raise files.refuse(
            "it is a language model, and its files do not say how to ask it to judge a passage. "
            "Use a reranker of the catalogue; `tamis models` lists them."
        )
    if any(isinstance(step, AnswerSpan) for step in steps):
        text = replace(text, max_tokens=min(text.max_tokens, heads.ANSWER_TOKENS))
    outputs = {
        name: Output(tuple(_told(step, told) for step in output.steps), output.query)
        for name, output in recipe.outputs.items()
    }
    return replace(recipe, text=text, outputs=outputs)


def _text(recipe: Recipe, told: Overrides) -> Text:
    said: Mapping[str, object] = {
        "prompts": told.prompts,
        "pair": told.pair,
        "max_tokens": told.max_tokens and min(told.max_tokens, recipe.text.max_tokens),
    }
    return replace(recipe.text, **{name: value for name, value in said.items() if value is not None})


def _told(step: Step, told: Overrides) -> Step:
    match step:
        case Sigmoid() if told.score_scale:
            return Sigmoid(told.score_scale)
        case Entailment() if told.template:
            return replace(step, template=told.template)
        case KeepTokens() | KeepLines() if told.threshold is not None:
            return replace(step, threshold=told.threshold)
        case _:
            return step


def _revision(files: Files, recipe: Recipe) -> str:
    """Of all files that the weights come from."""
    bases = sorted({path.parent for path in recipe.network.base})
    return " ".join((files.revision(), *(Files(files.name, folder).revision() for folder in bases)))


def _footprint_bytes(files: Files, recipe: Recipe) -> int:
    """Those of a model tuned from another replace as many of the other's, but are packed more tightly, perhaps."""
    own = sum(files.size(path) for path in _weights(recipe))
    return own + sum(path.stat().st_size for path in recipe.network.base)


def _weights(recipe: Recipe) -> set[str]:
    """All files of weights, those of the heads too."""
    steps = (step for output in recipe.outputs.values() for step in (*output.steps, *output.query))
    named = (getattr(step, "weights", "") for step in steps)
    return {path for path in (*recipe.network.weights, *named) if path}
