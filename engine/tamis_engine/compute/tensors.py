"""Tensors out of a snapshot's files: safetensors, or a pickle restricted to tensors; never code."""

from __future__ import annotations

import json
from pathlib import Path
from pickle import UnpicklingError
from zipfile import is_zipfile

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from tamis_engine.errors import ModelInvalid
from tamis_engine.models.files import anew
from tamis_engine.models.spec import SCALE, Spec


def tensors_of(spec: Spec, file: str) -> dict[str, Tensor]:
    """All tensors of `file` in the snapshot by name; an index (`*.index.json`) stands for all of its shards.

    A matrix in int8 with its `SCALE` beside it is given in float32.
    """
    try:
        return _unpacked(_read(spec.folder / file))
    except UnpicklingError as error:
        # what it says tells the reader how to run the code that may be in there
        reason = "it is damaged, or holds more than tensors, and Tamis runs no code out of a model's files"
        raise ModelInvalid(spec.name, f"{file} can't be read: {reason}.") from error
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, EOFError, SafetensorError) as error:
        reason = str(error).strip().partition("\n")[0] or type(error).__name__
        raise ModelInvalid(spec.name, f"{file} can't be read ({reason}). {anew(spec.folder)}") from error


def _unpacked(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    scaled = {name for name in tensors if f"{name}{SCALE}" in tensors}
    for name in scaled:
        tensors[name] = tensors[name].float() * tensors.pop(f"{name}{SCALE}").float().unsqueeze(-1)
    return tensors


def _read(path: Path) -> dict[str, Tensor]:
    if path.name.endswith(".index.json"):
        shards: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))["weight_map"]
        return {
            name: tensor
            for shard in sorted(set(shards.values()))
            for name, tensor in _read(path.parent / shard).items()
        }
    if path.suffix == ".safetensors":
        return load_file(path)
    found = torch.load(path, map_location="cpu", weights_only=True, mmap=is_zipfile(path))
    if not isinstance(found, dict):
        raise TypeError("it holds no table of tensors")
    return {str(name): tensor for name, tensor in found.items() if isinstance(tensor, Tensor)}
