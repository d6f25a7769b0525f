"""What the core keeps of a request while it is open, and of an input while it is computed."""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from tamis_engine.limits import Request
    from tamis_engine.models.spec import OperationName
    from tamis_engine.operation import Input, Row, Tokenised
    from tamis_engine.protocol import OnProgress
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
    plan: Plan | None = None
    keys: list[bytes] = field(default_factory=list[bytes])
    rows: dict[bytes, Row] = field(default_factory=dict[bytes, "Row"])
    wanted: set[bytes] = field(default_factory=set[bytes])
    """Keys that are still computed."""
    leased: bool = False

    def inputs(self) -> dict[bytes, Input]:
        """What is asked, by key; equal inputs are one."""
        assert self.plan
        return dict(zip(self.keys, self.plan.inputs, strict=True))

    def answer(self) -> None:
        """Hand over the result, unless the caller has left."""
        assert self.plan
        try:
            result = self.plan.finish([self.rows[key] for key in self.keys])
        except Exception as error:  # noqa: BLE001 -- the caller gets it, whatever it is
            self.fail(error)
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


@dataclass(slots=True, eq=False)
class Unit:
    """An input that is computed once for all who wait for it."""

    key: bytes
    asked: Input
    operation: OperationName
    waiters: list[Job]
    tokenised: Tokenised | None = None
    outputs: dict[int, NDArray[np.float32]] = field(default_factory=dict[int, "NDArray[np.float32]"])

    @property
    def wanted(self) -> bool:
        """False once everybody has left."""
        return any(not job.future.done() for job in self.waiters)

    @property
    def complete(self) -> bool:
        """True once all of its pieces are computed."""
        return self.tokenised is not None and len(self.outputs) == len(self.tokenised.pieces)


@dataclass(slots=True, eq=False)
class Part:
    """One piece of a unit, waiting for a forward pass; `length` in tokens."""

    unit: Unit
    number: int
    length: int


@dataclass(slots=True, eq=False)
class Lane:
    """The parts of one client for one operation of one model, in the order in which they are computed."""

    parts: deque[Part] = field(default_factory=deque[Part])
    served: int = 0
    """The number of the batch that last took of it."""
