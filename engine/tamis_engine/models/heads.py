"""Models whose config.json alone says what they do: by the class that they were saved from and by their labels."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tamis_engine.models.catalogue import Overrides
from tamis_engine.models.configs import architecture, network_config
from tamis_engine.models.files import Files, Json
from tamis_engine.models.modules import check_activation, width
from tamis_engine.models.recipe import Recipe
from tamis_engine.models.spec import (
    AnswerSpan,
    ClassHead,
    Entailment,
    Head,
    Idf,
    KeepWords,
    LogitPick,
    Network,
    OperationName,
    Output,
    Sigmoid,
    Splade,
    Text,
    TokenVectors,
    TokenWeights,
)
from tamis_engine.models.texts import text_of

ANSWER_TOKENS = 384
"""The window that models of question answering are trained with."""

HEADS: Mapping[str, Head] = {
    "ForSequenceClassification": "sequence_classification",
    "ForTokenClassification": "token_classification",
    "ForQuestionAnswering": "question_answering",
    "ForCausalLM": "causal_lm",
}


def head_recipe(files: Files) -> Recipe:
    """Rerankers, models of inference, question answering. What may be read in two ways is refused."""
    config = network_config(files)
    return head_recipe_of(files, config, text_of(files, config))


def head_recipe_of(files: Files, config: Json, text: Text, base: tuple[Path, ...] = ()) -> Recipe:
    """The same for a config that is known; `base` as in `Network`."""
    named = architecture(config)
    head: Head | None = next((head for ending, head in HEADS.items() if named.endswith(ending)), None)
    if head is None:
        raise files.refuse(
            f"it has no modules.json, and config.json names {named or 'no architecture'}, which alone does not say how "
            f"to use it. Expected a name that ends in one of {', '.join(HEADS)}."
        )
    return Recipe(Network(config, (files.weights(),), head, base=base), text, _outputs(files, config, head))


def words_recipe(files: Files, keep: KeepWords) -> Recipe:
    """LLMLingua-2: a token classifier of which only the catalogue says what its labels mean."""
    config = network_config(files)
    if (labels := label_count(config)) != 2:
        raise files.refuse(f"it tells {labels} labels apart; expected 2, to drop and to keep.")
    network = Network(config, (files.weights(),), "token_classification")
    return Recipe(network, text_of(files, config), {"extract": Output((keep,))})


def causal_recipe(files: Files, pick: LogitPick) -> Recipe:
    """A language model that answers yes or no; how it is asked stands in the catalogue too."""
    config = network_config(files)
    network = Network(config, (files.weights(),), "causal_lm")
    return Recipe(network, text_of(files, config), {"score": Output((pick, Sigmoid()))})


def sparse_recipe(files: Files, told: Overrides) -> Recipe:
    """A masked language model without modules.json; queries go by a table where the catalogue names one."""
    config = network_config(files)
    query = (Idf(told.idf),) if told.idf else ()
    if told.idf and not files.has(told.idf):
        raise files.refuse(f"{told.idf} is missing, which says how much each token of a query weighs.")
    network = Network(config, (files.weights(),), "masked_lm")
    outputs: Mapping[OperationName, Output] = {"sparse": Output((told.splade or Splade(),), query)}
    return Recipe(network, text_of(files, config), outputs, int(config.get("vocab_size", 0)))


def bge_m3_outputs(files: Files, config: Mapping[str, Any]) -> Mapping[OperationName, Output]:
    """Two more heads of the same network, in files of their own."""
    size = width(files, config)
    vectors = TokenVectors("colbert_linear.pt", "weight", size, skip_first=True)
    return {"sparse": Output((TokenWeights("sparse_linear.pt"),)), "multivector": Output((vectors,))}


def label_count(config: Mapping[str, Any]) -> int:
    """How many labels the head tells apart; transformers' default is two."""
    return len(config.get("id2label") or ()) or int(config.get("num_labels") or 2)


def _outputs(files: Files, config: Mapping[str, Any], head: Head) -> Mapping[OperationName, Output]:
    if head == "question_answering":
        return {"extract": Output((AnswerSpan(),))}
    if head == "sequence_classification":
        return _classifier(files, config)
    if head == "causal_lm":
        raise files.refuse(
            "it is a language model, and its files do not say how to ask it to judge a passage. "
            "Use a reranker of the catalogue; `tamis models` lists them."
        )
    raise files.refuse(
        f"it labels tokens ({_labels(config)}), and its files do not say what to make of that. "
        "Use a model of the catalogue that extracts; `tamis models` lists them."
    )


def _classifier(files: Files, config: Mapping[str, Any]) -> Mapping[OperationName, Output]:
    if label_count(config) == 1:
        check_activation(files, config)
        return {"score": Output((ClassHead(), Sigmoid()))}
    labels = {int(id_): str(label).lower() for id_, label in (config.get("id2label") or {}).items()}
    entails = [id_ for id_, label in labels.items() if label.startswith("entail")]
    if len(entails) != 1:
        raise files.refuse(
            f"it tells {label_count(config)} labels apart ({_labels(config)}); "
            "expected 1, as rerankers have, or one that is called entailment."
        )
    against = [id_ for id_, label in labels.items() if label.startswith(("contradict", "not_entail", "not entail"))]
    return {"extract": Output((Entailment(entails[0], against[0] if against else None),))}


def _labels(config: Mapping[str, Any]) -> str:
    names = [str(label) for label in (config.get("id2label") or {}).values()]
    return ", ".join(names[:5]) + (", ..." if len(names) > 5 else "") if names else "without names"
