"""From a spec to a model in memory: one network, and the operations that its steps describe."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from tamis_engine.compute.backbone import Backbone, load_backbone
from tamis_engine.compute.encoding.dense import DenseVectors
from tamis_engine.compute.encoding.multivector import TokenStates
from tamis_engine.compute.encoding.pooling import Bag, PooledStates
from tamis_engine.compute.encoding.sparse import KnownWeights, LinearWeights, SparseVectors, SpladeWeights
from tamis_engine.compute.scoring.pairs import ClassLogit, PairScores, YesLessNo, chat_reader, pair_reader
from tamis_engine.compute.tokenizer_files import load_tokeniser
from tamis_engine.errors import ModelInvalid
from tamis_engine.models.spec import (
    ClassHead,
    Idf,
    LogitPick,
    Pool,
    Sigmoid,
    Splade,
    StaticBag,
    TokenVectors,
    TokenWeights,
)

if TYPE_CHECKING:
    from tamis_engine.compute.tokens import Tokeniser
    from tamis_engine.models.spec import OperationName, Output, Spec
    from tamis_engine.operation import Operation

CPU_BATCH_TOKENS = 2048
"""About what stays in a core's cache; larger batches are slower on every CPU that was measured."""

ACCELERATOR_BATCH_TOKENS = 16384

VOCABULARY_SHARE = 4
"""Logits over a vocabulary take far more room than states: batches are smaller by this."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What an operation is built from."""

    spec: Spec
    output: Output
    tokeniser: Tokeniser
    network: Backbone | None

    @property
    def backbone(self) -> Backbone:
        """Raises `ModelInvalid` where there is none."""
        if self.network is None:
            raise self.unknown()
        return self.network

    def unknown(self) -> ModelInvalid:
        """No operation is made of these steps."""
        names = " > ".join(type(step).__name__ for step in (*self.output.steps, *self.output.query))
        return ModelInvalid(self.spec.name, f"no operation of a {self.spec.network.head} network is made of {names}.")


def _dense(parts: Parts) -> Operation:
    match parts.output.steps:
        case (Pool() as pool, *layers):
            head = PooledStates(parts.spec, parts.backbone, pool, layers)
        case (StaticBag() as bag, *layers):
            head = Bag(parts.spec, bag, layers)
        case _:
            raise parts.unknown()
    return DenseVectors(parts.tokeniser, head, parts.spec.dimensions)


def _sparse(parts: Parts) -> Operation:
    match parts.output.steps:
        case (Splade() as splade,):
            head = SpladeWeights(parts.backbone, splade)
        case (TokenWeights() as weights,):
            head = LinearWeights(parts.spec, parts.backbone, parts.tokeniser, weights)
        case _:
            raise parts.unknown()
    match parts.output.query:
        case ():
            return SparseVectors(parts.tokeniser, head)
        case (Idf() as idf,):
            return SparseVectors(parts.tokeniser, head, KnownWeights(parts.spec, parts.tokeniser, idf))
        case _:
            raise parts.unknown()


def _multivector(parts: Parts) -> Operation:
    match parts.output.steps:
        case (*layers, TokenVectors() as vectors):
            return TokenStates(parts.spec, parts.backbone, parts.tokeniser, layers, vectors)
        case _:
            raise parts.unknown()


def _score(parts: Parts) -> Operation:
    spec, tokeniser = parts.spec, parts.tokeniser
    match parts.output.steps:
        case (ClassHead(), Sigmoid() as sigmoid):
            return PairScores(pair_reader(tokeniser), ClassLogit(spec, parts.backbone), sigmoid.scale)
        case (Pool() as pool, *layers, Sigmoid() as sigmoid):
            return PairScores(pair_reader(tokeniser), PooledStates(spec, parts.backbone, pool, layers), sigmoid.scale)
        case (LogitPick() as pick, Sigmoid() as sigmoid):
            head = YesLessNo(spec, parts.backbone, tokeniser, pick)
            return PairScores(chat_reader(spec, tokeniser), head, sigmoid.scale)
        case _:
            raise parts.unknown()


def _extract(parts: Parts) -> Operation:
    from tamis_engine.compute.extracting.operations import operation  # late: few models extract

    return operation(parts.spec, parts.output, parts.backbone, parts.tokeniser)


BUILDERS: Mapping[OperationName, Callable[[Parts], Operation]] = {
    "dense": _dense,
    "sparse": _sparse,
    "multivector": _multivector,
    "score": _score,
    "extract": _extract,
}
"""Each reads the steps that it knows; a new kind of model is a new case."""


class Assembled:
    """A model in memory; see `Model`."""

    def __init__(self, spec: Spec, network: Backbone | None, operations: Mapping[OperationName, Operation]) -> None:
        layers = (value for operation in operations.values() for value in vars(operation).values())
        self._modules = [module for module in (network and network.network, *layers) if isinstance(module, nn.Module)]
        self._device = network.device if network else torch.device("cpu")
        self._has_vocabulary_logits = spec.network.head == "masked_lm"
        self.operations = operations

    @property
    def footprint_bytes(self) -> int:
        """Of weights and tables, each counted once."""
        return sum(tensor.nbytes for tensor in self._tensors())

    @property
    def batch_tokens(self) -> int:
        """How many tokens make a good batch on its device."""
        tokens = CPU_BATCH_TOKENS if self._device.type == "cpu" else ACCELERATOR_BATCH_TOKENS
        return tokens // VOCABULARY_SHARE if self._has_vocabulary_logits else tokens

    def park(self) -> None:
        """To host memory, locked where that makes the way back faster."""
        if self._device.type == "cpu":
            return
        for tensor in self._tensors():
            tensor.data = _locked(tensor.data) if self._device.type == "cuda" else tensor.data.cpu()
        torch.accelerator.empty_cache()

    def unpark(self) -> None:
        """Back to the device."""
        for tensor in self._tensors():
            tensor.data = tensor.data.to(self._device, non_blocking=True)

    def _tensors(self) -> Iterable[Tensor]:
        return {tensor: None for module in self._modules for tensor in (*module.parameters(), *module.buffers())}


def assemble(spec: Spec, device: torch.device, dtype: torch.dtype) -> Assembled:
    """Raises `ModelInvalid` where files, weights or steps do not fit. `dtype` is the network's; heads are float32."""
    tokeniser = load_tokeniser(spec)
    allowed = torch.float32 if str(dtype).removeprefix("torch.") in spec.forbidden_dtypes else dtype
    network = None if spec.network.head == "static" else load_backbone(spec, device, allowed)
    operations: dict[OperationName, Operation] = {
        name: BUILDERS[name](Parts(spec, output, tokeniser, network)) for name, output in spec.outputs.items()
    }
    model = Assembled(spec, network, operations)
    model.unpark()
    return model


def _locked(tensor: Tensor) -> Tensor:
    return torch.empty_like(tensor, device="cpu", pin_memory=True).copy_(tensor)
