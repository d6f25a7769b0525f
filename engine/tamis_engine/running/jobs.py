"""What the core keeps of a request while it is open, and of an input while it is computed."""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Sequence
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from tamis_engine.errors import EngineError
from tamis_engine.operation import TextInput
from tamis_engine.running.failures import told

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tamis_engine.limits import Request
    from tamis_engine.models.spec import OperationName, Spec
    from tamis_engine.operation import Input, Model, Row, Tokenised
    from tamis_engine.protocol import Loading, OnProgress
    from tamis_engine.running.plans import Plan
    from tamis_engine.running.slots import Slot


@dataclass(slots=True, eq=False)
class Job:
    """One request; without a `request` only the model is wanted. Open until `future` is done, or cancelled."""

    request: Request | None
    client: Hashable
    slot: Slot
    cost: int
    since: float
    future: Future[Any] = field(default_factory=Future[Any])
    on_progress: OnProgress | None = None
    spec: Spec | None = None
    plan: Plan | None = None
    keys: list[bytes] = field(default_factory=list[bytes])
    rows: dict[bytes, Row] = field(default_factory=dict[bytes, "Row"])
    wanted: set[bytes] = field(default_factory=set[bytes])
    """Keys that are still computed."""
    missing: list[bytes] = field(default_factory=list[bytes])
    """Those of them whose inputs are not tokens yet, short ones first."""
    leased: bool = False

    def inputs(self) -> dict[bytes, Input]:
        """What is asked, by key; equal inputs are one."""
        assert self.plan
        return dict(zip(self.keys, self.plan.inputs, strict=True))

    def expect(self, found: dict[bytes, Row]) -> None:
        """All but what is `found`."""
        inputs = self.inputs()
        self.rows, self.wanted = found, set(inputs) - found.keys()
        self.missing = sorted((name for name in inputs if name not in found), key=lambda name: _length(inputs[name]))

    def answer(self) -> None:
        """Hand over the result, unless the caller has left."""
        assert self.plan
        try:
            result = self.plan.finish([self.rows[key] for key in self.keys])
        except Exception as error:  # noqa: BLE001 -- the caller gets it, whatever it is
            self.fail(told(error))
        else:
            self.hand(result)

    def hand(self, result: object) -> None:
        """The same with a result at hand."""
        with suppress(InvalidStateError):
            self.future.set_result(result)

    def fail(self, error: Exception) -> None:
        """Tell the caller, unless it has left or has its answer."""
        with suppress(InvalidStateError):
            self.future.set_exception(error)

    def tell(self, progress: Loading) -> None:
        """How far its model is. What the caller makes of it, or that its event loop is gone, is not our problem."""
        if self.on_progress:
            with suppress(Exception):
                self.on_progress(progress)


@dataclass(slots=True, eq=False)
class Unit:
    """An input that is computed once for all who wait for it."""

    key: bytes
    asked: Input
    operation: OperationName
    waiters: list[Job]
    tokenised: Tokenised | None = None
    parts: list[Part] = field(default_factory=list["Part"])
    """Those that no batch has taken yet: none in the end, for a part knows its unit, and a cycle stays in memory."""
    outputs: dict[int, NDArray[np.float32]] = field(default_factory=dict[int, "NDArray[np.float32]"])

    @property
    def wanted(self) -> bool:
        """False once everybody has left."""
        return any(not job.future.done() for job in self.waiters)

    def row(self, model: Model) -> Row:
        """Joined of the outputs. Raises `EngineError` where they are no numbers: a row is kept for good."""
        assert self.tokenised
        outputs = [self.outputs[number] for number in range(len(self.tokenised.pieces))]
        row = model.operations[self.operation].join(self.asked, self.tokenised, outputs)
        if not np.isfinite(row.values).all():
            raise EngineError("The model answered with what are no numbers: its weights or its precision are at fault.")
        return row

    @property
    def complete(self) -> bool:
        """True once all of its pieces are computed."""
        return self.tokenised is not None and len(self.outputs) == len(self.tokenised.pieces)


@dataclass(slots=True, eq=False)
class Part:
    """One piece of a unit, waiting for a forward pass; `length` in tokens.

    It stands in the lane of each client that waits for it, and goes with the first that gets its turn.
    """

    unit: Unit
    number: int
    length: int
    taken: int = 0
    """The number of the batch that it went with."""


def cut(units: Sequence[Unit], tokenised: Sequence[Tokenised]) -> list[Part]:
    """What became of the units as parts, short ones first."""
    for unit, found in zip(units, tokenised, strict=True):
        unit.tokenised = found
        unit.parts = [Part(unit, at, len(piece.ids) - piece.shared) for at, piece in enumerate(found.pieces)]
    return sorted((part for unit in units for part in unit.parts), key=lambda part: part.length)


@dataclass(slots=True, eq=False)
class Lane:
    """The parts of one client for one operation of one model, in the order in which they are computed."""

    parts: deque[Part] = field(default_factory=deque[Part])
    served: int = 0
    """The number of the batch that last took of it."""

    def skip(self) -> None:
        """What went with another lane's turn."""
        while self.parts and self.parts[0].taken:
            self.parts.popleft()

    def take(self, count: int, number: int) -> list[Part]:
        """The first so many for batch `number`, without those that another lane has put into it."""
        taken: list[Part] = []
        while count:
            part = self.parts.popleft()
            count -= part.taken in (0, number)
            if not part.taken:
                part.taken = number
                part.unit.parts = [other for other in part.unit.parts if other is not part]
                taken.append(part)
        return taken


def _length(asked: Input) -> int:
    return len(asked.text if isinstance(asked, TextInput) else asked.passage)
