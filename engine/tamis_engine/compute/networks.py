"""A spec's network in memory: transformers' own class, given exactly the weights that it expects."""

from __future__ import annotations

import inspect
import re
import threading
from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from logging import CRITICAL
from typing import Any, cast

import torch
from huggingface_hub.errors import StrictDataclassError
from torch import Tensor
from transformers import logging
from transformers.configuration_utils import PreTrainedConfig
from transformers.modeling_utils import PreTrainedModel
from transformers.models.auto import modeling_auto as auto
from transformers.models.auto.configuration_auto import CONFIG_MAPPING

from tamis_engine.compute.tensors import tensors_of
from tamis_engine.errors import ModelInvalid
from tamis_engine.models.spec import Head, Network, Spec

CLASSES: Mapping[Head, Sequence[Any]] = {
    "none": (auto.MODEL_FOR_TEXT_ENCODING_MAPPING, auto.MODEL_MAPPING),
    "masked_lm": (auto.MODEL_FOR_MASKED_LM_MAPPING,),
    "sequence_classification": (auto.MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING,),
    "token_classification": (auto.MODEL_FOR_TOKEN_CLASSIFICATION_MAPPING,),
    "question_answering": (auto.MODEL_FOR_QUESTION_ANSWERING_MAPPING,),
    "causal_lm": (auto.MODEL_FOR_CAUSAL_LM_MAPPING,),
}
"""Where transformers lists its classes; the first that knows the config has it (T5 as an encoder alone)."""

UNUSED = (r"(^|\.)pooler\.", r"^cls\.seq_relationship\.")
"""Trained along with most BERTs, and read by no head but the sequence classifiers, which then do expect it."""

# While it builds a network transformers changes what all threads share, and puts back what it found: torch's default
# dtype, functions of torch, a method of its own. Two at once would leave that changed for good.
_building = threading.Lock()


def load_network(spec: Spec, dtype: torch.dtype) -> PreTrainedModel:
    """On the CPU, in `dtype`, in inference mode. Raises `ModelInvalid` where names or shapes do not fit."""
    config = config_of(spec)
    network_class = _class_of(spec, config)
    weights = _weights(spec, network_class.base_model_prefix)
    options: dict[str, Any] = {"add_pooling_layer": False} if _has_optional_pooler(spec.network, network_class) else {}
    try:
        with _building, _silence():
            model, report = cast("Any", network_class).from_pretrained(
                None,
                config=config,
                state_dict=weights,
                dtype=dtype,
                output_loading_info=True,
                ignore_mismatched_sizes=True,
                trust_remote_code=False,
                local_files_only=True,
                **options,
            )
    except (ValueError, RuntimeError, KeyError, AttributeError, TypeError) as error:
        raise ModelInvalid(spec.name, f"transformers can't build its network ({error}).") from error
    _check(spec, model, weights, report)
    return model.eval().requires_grad_(False)


def config_of(spec: Spec) -> PreTrainedConfig:
    """transformers' config. Raises `ModelInvalid` where it knows no such architecture, or would have to run code."""
    given = dict(spec.network.config)
    kind = str(given.get("model_type", ""))
    if kind not in CONFIG_MAPPING:
        raise ModelInvalid(spec.name, f"its architecture {kind!r} is not one that transformers knows without code.")
    if given.get("quantization_config"):
        raise ModelInvalid(spec.name, "its weights are quantised; only float32, float16 and bfloat16 are read.")
    given.pop("auto_map", None)
    try:
        return CONFIG_MAPPING[kind].from_dict(given)
    except (ValueError, TypeError, KeyError, AttributeError, StrictDataclassError) as error:
        raise ModelInvalid(spec.name, f"its config.json does not fit {kind!r} ({error}).") from error


def _class_of(spec: Spec, config: PreTrainedConfig) -> type[PreTrainedModel]:
    for mapping in CLASSES.get(spec.network.head, ()):
        if type(config) in mapping:
            found = mapping[type(config)]
            return found[0] if isinstance(found, tuple) else found
    wanted = {"none": "text"}.get(spec.network.head, spec.network.head.replace("_", " "))
    raise ModelInvalid(spec.name, f"transformers has no {wanted} network for {config.model_type!r}.")


def _has_optional_pooler(network: Network, network_class: type[PreTrainedModel]) -> bool:
    return network.head == "none" and "add_pooling_layer" in inspect.signature(network_class.__init__).parameters


def _weights(spec: Spec, backbone: str) -> dict[str, Tensor]:
    """By the names they are expected under: prefix off, renamed; tensors outside the prefix belong to the heads."""
    network = spec.network
    found = {name: tensor for file in network.weights for name, tensor in tensors_of(spec, file).items()}
    return _base(spec, backbone) | {
        _renamed(name.removeprefix(network.prefix), network.renames): tensor
        for name, tensor in found.items()
        if name.startswith(network.prefix)
    }


def _base(spec: Spec, backbone: str) -> dict[str, Tensor]:
    """Of what it was tuned from: an encoder alone does not name itself in its weights, as one with a head does."""
    found = {name: tensor for path in spec.network.base for name, tensor in tensors_of(spec, str(path)).items()}
    return {f"{backbone}.{name.removeprefix(f'{backbone}.')}": tensor for name, tensor in found.items()}


def _renamed(name: str, renames: Iterable[tuple[str, str]]) -> str:
    for pattern, replacement in renames:
        name = re.sub(pattern, replacement, name)
    return name


def _check(spec: Spec, model: PreTrainedModel, weights: Mapping[str, Tensor], report: Mapping[str, Any]) -> None:
    """A model half loaded answers nonsense, so every name and every shape must fit."""
    may_ignore = (*spec.network.may_ignore, *UNUSED)
    base = f"{model.base_model_prefix}."
    if spec.network.head == "none" and any(name.startswith(base) for name in weights):
        # Files with a head of their own name the backbone's weights so; the rest is that head.
        may_ignore += (rf"^(?!{re.escape(base)})",)
    wrong = [f"{name} is missing" for name in _others(report["missing_keys"], spec.network.may_miss)]
    wrong += [f"{name} is not part of the network" for name in _others(report["unexpected_keys"], may_ignore)]
    wrong += [
        f"{name} has shape {tuple(found)}, expected {tuple(expected)}"
        for name, found, expected in sorted(report["mismatched_keys"])
    ]
    wrong += [str(error) for error in report.get("error_msgs") or ()]
    if wrong:
        more = f", and {len(wrong) - 3} more" if len(wrong) > 3 else ""
        raise ModelInvalid(spec.name, f"its weights do not fit {type(model).__name__}: {'; '.join(wrong[:3])}{more}.")


def _others(names: Iterable[str], patterns: Iterable[str]) -> list[str]:
    allowed = [re.compile(pattern) for pattern in patterns]
    return sorted(name for name in names if not any(pattern.search(name) for pattern in allowed))


@contextmanager
def _silence() -> Generator[None]:
    """transformers reports on stderr what `_check` says in one sentence, and draws a progress bar."""
    verbosity, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity(CRITICAL)
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()
