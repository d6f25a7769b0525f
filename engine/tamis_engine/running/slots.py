"""One model as the core sees it: where it stands between absent and resident, and who waits for what."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NamedTuple

from tamis_engine.running.eviction import Held, Parked, Wanted
from tamis_engine.running.jobs import Job, Lane, Unit

if TYPE_CHECKING:
    from tamis_engine.models.spec import OperationName, Spec
    from tamis_engine.operation import Model
    from tamis_engine.protocol import Loading, ModelState, ModelStatus


class Failure(NamedTuple):
    """Why the last load failed, and until when nobody tries again."""

    error: Exception
    until: float


@dataclass(slots=True, eq=False)
class Slot:
    """Absent, loading, resident, draining, absent: one way round.

    `parked` is absent from the accelerator, with the weights in host memory.
    """

    name: str
    state: ModelState = "absent"
    spec: Spec | None = None
    model: Model | None = None
    footprint_bytes: int = 0
    pinned: bool = False
    loaded_at: float = 0.0
    load_seconds: float = 0.0
    used_at: float = 0.0
    leases: int = 0
    dismissed: bool = False
    """It was told to go, so it is not parked."""
    parked_at: float = 0.0
    resolving: bool = False
    failure: Failure | None = None
    progress: Loading | None = None
    unresolved: list[Job] = field(default_factory=list[Job])
    """Jobs that wait to know what the model is."""
    wanting: list[Job] = field(default_factory=list[Job])
    """Jobs that wait for a lease."""
    units: dict[bytes, Unit] = field(default_factory=dict[bytes, Unit])
    """Inputs that are computed now."""
    lanes: dict[OperationName, dict[Hashable, Lane]] = field(default_factory=lambda: defaultdict(dict))

    def empty(self) -> None:
        """It is gone for good; its files are read anew when it comes back, for they may be others by then."""
        self.model, self.spec, self.state = None, None, "absent"

    @property
    def waiting(self) -> list[Job]:
        """All who wait for the model itself."""
        return [*self.unresolved, *self.wanting]

    @property
    def usable(self) -> bool:
        """Whether the model can compute now."""
        return self.state in ("resident", "draining")

    def status(self, facts: ModelStatus, device: str) -> ModelStatus:
        """What is known of the model anyway, and how it stands now."""
        loading = self.state == "absent" and (self.resolving or self.wanting)
        return replace(
            facts,
            state="loading" if loading else self.state,
            footprint_bytes=self.footprint_bytes or facts.footprint_bytes,
            pinned=self.pinned,
            device=device if self.usable else "",
            waiting=len(self.waiting),
            failure=str(self.failure.error) if self.failure else "",
        )

    def held(self) -> Held | None:
        """What eviction needs to know where the model takes memory of the device."""
        if self.state not in ("loading", "resident", "draining"):
            return None
        return Held(
            self.name,
            self.state,
            self.footprint_bytes,
            self.leases,
            self.pinned,
            self.loaded_at,
            self.used_at,
            load_seconds=self.load_seconds,
        )

    def parked(self) -> Parked | None:
        """What parking needs to know where the model waits in host memory."""
        return Parked(self.name, self.footprint_bytes, self.parked_at) if self.state == "parked" else None

    def asked_for(self) -> Wanted | None:
        """What eviction needs to know where somebody waits for a model that is not there."""
        if self.state not in ("absent", "parked") or not self.wanting:
            return None
        since = min(job.since for job in self.wanting)
        return Wanted(self.name, self.footprint_bytes, since, self.pinned)
