"""sentence-transformers' small layers behind a network, as steps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from tamis_engine.models.files import Files, Json, within
from tamis_engine.models.spec import Dense, LayerNorm, Normalize, Pool, Splade, Step

ACTIVATIONS = frozenset({"ELU", "GELU", "Identity", "LeakyReLU", "ReLU", "SELU", "SiLU", "Sigmoid", "Softplus", "Tanh"})
POOLING = {"cls": "cls", "max": "max", "mean": "mean", "lasttoken": "last_token"}
LEGACY_POOLING = {
    "pooling_mode_cls_token": "cls",
    "pooling_mode_max_tokens": "max",
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_mean_sqrt_len_tokens": "mean_sqrt_len_tokens",
    "pooling_mode_weightedmean_tokens": "weightedmean",
    "pooling_mode_lasttoken": "lasttoken",
}
LAYERS = frozenset({"Dense", "Dropout", "LayerNorm", "Normalize", "Pooling"})


class Module(NamedTuple):
    """One line of modules.json: the last part of its class, and its folder."""

    kind: str
    path: str


def steps_of(files: Files, modules: Sequence[Module]) -> tuple[Step, ...]:
    """What the modules do, in order. Raises `ModelInvalid` where one does more than a step can say."""
    return tuple(step for module in modules if (step := _step(files, module)))


def width_behind(files: Files, modules: Sequence[Module], width: int) -> int:
    """How wide vectors are behind `modules`."""
    dense = [module for module in modules if module.kind == "Dense"]
    return int(_config(files, dense[-1]).get("out_features", width)) if dense else width


def splade(files: Files, module: Module) -> Splade:
    """Max pooling over logits, the only kind that there is a step for."""
    config = _config(files, module)
    if config.get("pooling_strategy", "max") != "max":
        raise files.refuse(f"it pools logits by {config['pooling_strategy']!r}; expected 'max'.")
    activation = config.get("activation_function", "relu")
    if activation not in ("relu", "log1p_relu"):
        raise files.refuse(f"its logits pass {activation!r}; expected 'relu' or 'log1p_relu'.")
    return Splade(doubled=activation == "log1p_relu")


def dense(files: Files, module: Module) -> Dense:
    """A linear layer and its activation."""
    config = _config(files, module)
    if config.get("use_residual"):
        raise files.refuse(f"{module.path} adds its input to its output (use_residual), which no step does.")
    activation = activation_named(files, config.get("activation_function", "torch.nn.modules.activation.Tanh"))
    return Dense(files.weights(module.path), activation, bool(config.get("bias", True)))


def activation_named(files: Files, path: str) -> str:
    """The class in torch.nn that `path` names, by its name alone."""
    name = path.rpartition(".")[2]
    if not path.startswith("torch.nn.") or name not in ACTIVATIONS:
        raise files.refuse(f"it uses the activation {path!r}; known are {', '.join(sorted(ACTIVATIONS))} of torch.nn.")
    return name


def _step(files: Files, module: Module) -> Step | None:
    match module.kind:
        case "Pooling":
            return _pool(files, module)
        case "Dense":
            return dense(files, module)
        case "LayerNorm":
            return LayerNorm(files.weights(module.path))
        case "Normalize":
            return Normalize()
        case _:
            return None  # dropout, which rests outside of training


def _pool(files: Files, module: Module) -> Pool:
    config = files.json(within(module.path, "config.json"), "how its states are pooled")
    modes = _pooling_modes(config)
    if len(modes) != 1 or modes[0] not in POOLING:
        raise files.refuse(f"it pools by {' and '.join(modes)}; expected one of {', '.join(POOLING)}.")
    found: Any = POOLING[modes[0]]
    return Pool(found, bool(config.get("include_prompt", True)))


def _pooling_modes(config: Json) -> list[str]:
    said = config.get("pooling_mode")
    if said:
        return [said] if isinstance(said, str) else list(said)
    return [mode for key, mode in LEGACY_POOLING.items() if config.get(key)] or ["mean"]


def _config(files: Files, module: Module) -> Json:
    return files.json(within(module.path, "config.json"), f"what its {module.kind} layer does")
