"""A registry of models that compute nothing: they record, and do what they are told."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tamis_engine.errors import ModelNotFound
from tamis_engine.models.spec import Calibration, Network, OperationName, Output, Spec, Text
from tamis_engine.operation import Input, Operation, PairInput, Piece, Row, TextInput, Tokenised
from tamis_engine.protocol import DEFAULT_MODEL, Loading, ModelStatus, OnProgress
from tamis_engine.running.core import Core
from tamis_engine.running.eviction import Policy
from tamis_engine.running.residency import Residency
from tamis_engine.running.rows import RowCache

DIMENSIONS = 384


def spec(name: str = DEFAULT_MODEL, footprint_bytes: int = 1, abilities: Sequence[OperationName] = ("dense",)) -> Spec:
    return Spec(
        name=name,
        folder=Path(),
        revision="1",
        network=Network(config={}, weights=()),
        text=Text(max_tokens=256),
        outputs={ability: Output(()) for ability in abilities},
        dimensions=DIMENSIONS,
        calibration=Calibration(8, 0.75),
        footprint_bytes=footprint_bytes,
    )


@dataclass
class FakeRegistry:
    """`before_spec` runs in the thread that asks for a spec."""

    specs: Mapping[str, Spec] = field(default_factory=lambda: {DEFAULT_MODEL: spec()})
    before_spec: Callable[[str, OnProgress], object] = lambda _name, _tell: None

    def canonical(self, name: str) -> str:
        return name.lower() if name.lower() in self.specs else name

    def facts(self, name: str) -> ModelStatus:
        if name not in self.specs:
            raise ModelNotFound(name, tuple(self.specs))
        return ModelStatus(name, "absent", DIMENSIONS, 256, 0, "Apache-2.0")

    def known(self) -> tuple[str, ...]:
        return tuple(self.specs)

    def spec(self, name: str, on_progress: OnProgress) -> Spec:
        self.before_spec(name, on_progress)
        return self.specs[name]


@dataclass
class FakeOperation:
    """A piece a text, of as many tokens as characters. `react` runs with every text that is computed."""

    react: Callable[[str], object] = lambda _text: None
    batches: list[list[str]] = field(default_factory=list[list[str]])

    def tokenise(self, inputs: Sequence[Input]) -> list[Tokenised]:
        texts = [_text(asked) for asked in inputs]
        return [Tokenised((Piece(range(len(text)), notes=text),), len(text), False) for text in texts]

    def forward(self, pieces: Sequence[Piece]) -> list[NDArray[np.float32]]:
        self.batches.append([piece.notes for piece in pieces])
        for piece in pieces:
            self.react(piece.notes)
        return [np.eye(1, DIMENSIONS, len(piece.ids), dtype=np.float32)[0] for piece in pieces]

    def join(self, asked: Input, tokenised: Tokenised, outputs: Sequence[NDArray[np.float32]]) -> Row:
        values = np.float32(0.5) if isinstance(asked, PairInput) else outputs[0]
        return Row(np.asarray(values, np.float32), tokenised.tokens, tokenised.truncated)


def _text(asked: Input) -> str:
    return asked.text if isinstance(asked, TextInput) else asked.passage


@dataclass
class FakeModel:
    operation: FakeOperation = field(default_factory=FakeOperation)
    footprint_bytes: int = 1
    batch_tokens: int = 10_000
    moves: list[str] = field(default_factory=list[str])

    @property
    def operations(self) -> Mapping[OperationName, Operation]:
        return dict.fromkeys(("dense", "score", "extract", "sparse", "multivector"), self.operation)

    def park(self) -> None:
        self.moves.append("park")

    def unpark(self) -> None:
        self.moves.append("unpark")


def core(model: FakeModel | None = None, **options: Any) -> Core:
    """Over one fake model, or those that `load` makes."""
    registry = options.pop("registry", FakeRegistry())
    load = options.pop("load", lambda _spec: model or FakeModel())
    policy = options.pop("policy", Policy(10_000))
    limits = {name: options.pop(name) for name in ("max_waiting_tokens",) if name in options}
    residency = Residency(registry, load, policy, **options)
    return Core(registry, residency, cache=RowCache(None), **limits)


def percent(done: int) -> Loading:
    return Loading(DEFAULT_MODEL, "downloading", done, 100)
