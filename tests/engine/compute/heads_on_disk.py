"""Checkpoints whose every weight follows from its name, so that a reference elsewhere can make the same ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
import torch
from safetensors.torch import save_file

from tamis_engine.compute.backbone import Backbone, load_backbone
from tamis_engine.models.spec import Head, Network, Spec, Text
from tests.engine.compute.tiny import config_of, new_model

CPU = torch.device("cpu")


def noise(name: str, shape: tuple[int, ...]) -> torch.Tensor:
    """Noise between -0.4 and 0.4; a norm's weight about 1."""
    steps = np.arange(1, int(np.prod(shape)) + 1, dtype=np.float64)
    values = 0.8 * (np.sin(steps * 12.9898 + crc32(name.encode()) % 97) * 43758.5453 % 1) - 0.4
    is_norm = name.endswith("weight") and len(shape) == 1
    return torch.from_numpy((values + is_norm).astype(np.float32).reshape(shape))


def network_of(kind: str, head: Head = "none", **changes: Any) -> Any:
    """transformers' own class, filled with such noise."""
    model = new_model(config_of(kind, **changes), head)
    for name, parameter in model.named_parameters():
        parameter.data = noise(name, tuple(parameter.shape))
    return model


def saved(folder: Path, model: Any, head: Head, prefix: str = "", **others: torch.Tensor) -> Spec:
    """One file with the network under `prefix` and further tensors."""
    state = {f"{prefix}{name}": tensor.clone() for name, tensor in model.state_dict().items()}
    folder.mkdir(parents=True, exist_ok=True)
    save_file({**state, **others}, folder / "model.safetensors")
    network = Network(model.config.to_dict(), ("model.safetensors",), head, prefix)
    return Spec("tiny", folder, "1", network, Text(64), {})


def loaded(spec: Spec) -> Backbone:
    """In float32, on the CPU."""
    return load_backbone(spec, CPU, torch.float32)
