"""Which models are in memory, and how they come and go. What it decides is in `eviction`; here it is done.

States change in one direction: absent, loading, resident, draining, absent. A job holds a lease on its model from the
moment it may compute until it has its answer, so a model goes only when nobody uses it. Everything but `unload` and
what the threads do that load belongs under `changed`, the core's lock.
"""

from __future__ import annotations

import threading
import time
import traceback
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from tamis_engine.errors import EngineError, EngineUnavailable, ModelInvalid, ModelUnavailable, OutOfMemory
from tamis_engine.protocol import Loading
from tamis_engine.running import eviction, memory
from tamis_engine.running.oom import ran_out_of_memory
from tamis_engine.running.slots import Failure, Slot

if TYPE_CHECKING:
    from tamis_engine.models.spec import Spec
    from tamis_engine.operation import Model
    from tamis_engine.protocol import ModelState, ModelStatus, OnProgress
    from tamis_engine.running.jobs import Job

COOL_DOWN_SECONDS: dict[type[Exception], float] = {
    ModelUnavailable: 10.0,
    ModelInvalid: 30.0,
    OutOfMemory: 60.0,
}
OTHER_COOL_DOWN_SECONDS = 10.0
PROGRESS_SECONDS = 0.1
"""Between two reports of one download."""


class Library(Protocol):
    """Which models there are."""

    def canonical(self, name: str) -> str: ...

    def facts(self, name: str) -> ModelStatus: ...

    def known(self) -> tuple[str, ...]: ...

    def spec(self, name: str, on_progress: OnProgress) -> Spec: ...


class Footprints(Protocol):
    """What models were measured to take."""

    def expected(self, spec: Spec) -> int: ...

    def remember(self, spec: Spec, footprint_bytes: int) -> None: ...


class Forgetful:
    """Footprints as the files say, for where none are kept."""

    def expected(self, spec: Spec) -> int:
        """In the files' own precision."""
        return spec.footprint_bytes

    def remember(self, spec: Spec, footprint_bytes: int) -> None:
        """Nothing."""


Load = Callable[["Spec"], "Model"]
OnJob = Callable[["Job"], object]


class Residency:
    """`resolved` is told of jobs whose model is known by now, `granted` of those that have got a lease."""

    def __init__(
        self,
        library: Library,
        load: Load,
        policy: eviction.Policy,
        *,
        footprints: Footprints | None = None,
        host_budget_bytes: int = 0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.changed = threading.Condition(threading.RLock())  # all slots and jobs
        self.policy = policy
        self.slots: dict[str, Slot] = {}
        self.look_again_at: float | None = None
        self.loads = self.evictions = 0
        self.resolved: OnJob = lambda _job: None
        self.granted: OnJob = lambda _job: None
        self._library = library
        self._load = load
        self._footprints = footprints or Forgetful()
        self.clock = clock
        self._host_budget_bytes = host_budget_bytes

    def slot(self, name: str) -> Slot:
        """Of the model of that name. Raises `ModelNotFound`, and what the last load failed with while it cools down."""
        name = self._library.canonical(name)
        slot = self.slots.get(name)
        if slot is None:
            self._library.facts(name)
            slot = self.slots[name] = Slot(name)
        if slot.failure and self.clock() < slot.failure.until:
            raise slot.failure.error
        return slot

    def resolve(self, job: Job) -> None:
        """Find out what the model is, once for all who ask, and go on with `resolved`."""
        job.slot.unresolved.append(job)
        if not job.slot.resolving:
            job.slot.resolving = True
            threading.Thread(target=self._resolve, args=(job.slot,), daemon=True).start()

    def want(self, job: Job) -> bool:
        """True with a lease now. Else, unless the caller has left, one comes with the model: then `granted` is told."""
        slot = job.slot
        if job.future.done():
            return False
        if slot.state == "resident":
            job.leased = True
            slot.leases += 1
            slot.used_at = self.clock()
            return True
        slot.wanting.append(job)
        if job.on_progress and slot.progress:
            job.on_progress(slot.progress)
        self.replan()
        return False

    def leave(self, job: Job) -> None:
        """The job is done, or its caller gone."""
        slot = job.slot
        for waiting in (slot.unresolved, slot.wanting):
            if job in waiting:
                waiting.remove(job)
        if job.leased:
            job.leased = False
            slot.leases -= 1
            slot.used_at = self.clock()
            self.replan()

    def drain(self, slot: Slot) -> None:
        """No new leases; it goes when the last one ends."""
        if slot.state == "resident":
            slot.state = "draining"
            self.changed.notify_all()

    def replan(self) -> None:
        """Carry out what follows from how things stand now."""
        held = tuple(each for slot in self.slots.values() if (each := slot.held()))
        wanted = tuple(each for slot in self.slots.values() if (each := slot.asked_for()))
        plan = eviction.plan(held, wanted, self.policy, self.clock())
        self.look_again_at = plan.look_again_at
        for name, reason in plan.refuse:
            self._give_up(self.slots[name], OutOfMemory(reason))
        for name in plan.drain:
            self.drain(self.slots[name])
        for name in plan.load:
            slot = self.slots[name]
            slot.state = "loading"
            threading.Thread(target=self._make_resident, args=(slot,), daemon=True).start()
        for slot in self.slots.values():
            if slot.asked_for() and slot.progress is None:
                self._tell(slot, Loading(slot.name, "waiting for room"))
        self.changed.notify_all()

    def drained(self) -> Slot | None:
        """One that may be unloaded now."""
        ready = (slot for slot in self.slots.values() if slot.state == "draining" and not slot.leases)
        return next(ready, None)

    def unload(self, slot: Slot) -> None:
        """Let go of its memory: to the host's where an accelerator has it and there is room, else for good.

        For the thread that computes, without the lock.
        """
        if slot.model and self._may_park(slot):
            slot.model.park()
            state: ModelState = "parked"
        else:
            slot.model, state = None, "absent"
        memory.release()
        with self.changed:
            slot.state, slot.parked_at = state, self.clock()
            self.evictions += 1
            self.replan()

    def dismiss(self, slot: Slot) -> None:
        """It goes for good once nobody uses it."""
        with self.changed:
            slot.pinned, slot.dismissed = False, True
            if slot.state == "parked":
                slot.model, slot.state = None, "absent"
            self.drain(slot)

    def _may_park(self, slot: Slot) -> bool:
        """Makes room for it in host memory, if it may have some."""
        with self.changed:
            # those that somebody waits for are about to go back
            parked = [each for other in self.slots.values() if not other.wanting and (each := other.parked())]
            dropped = eviction.parking(slot.footprint_bytes, parked, self._host_budget_bytes)
            if dropped is None or slot.dismissed:
                return False
            for name in dropped:
                self.slots[name].model, self.slots[name].state = None, "absent"
            return True

    def make_room(self, keep: Slot) -> None:
        """Unload all that is idle, whatever the plan: the device is full. For the thread that computes."""
        with self.changed:
            for slot in self.slots.values():
                if slot is not keep and not slot.leases and not slot.pinned:
                    self.drain(slot)
            going = [slot for slot in self.slots.values() if slot.state == "draining" and not slot.leases]
        for slot in going:
            self.unload(slot)

    def _resolve(self, slot: Slot) -> None:
        try:
            spec = self._library.spec(slot.name, self._teller(slot))
        except Exception as error:  # noqa: BLE001 -- the edge of a thread: the callers get it
            with self.changed:
                slot.resolving = False
                self._give_up(slot, _as_engine_error(slot.name, error))
            return
        with self.changed:
            slot.resolving, slot.spec, slot.failure, slot.progress = False, spec, None, None
            slot.footprint_bytes = self._footprints.expected(spec)
            jobs, slot.unresolved = slot.unresolved, []
            for job in jobs:
                self.resolved(job)

    def _make_resident(self, slot: Slot) -> None:
        assert slot.spec
        self._teller(slot)(Loading(slot.name, "loading"))
        try:
            model = slot.model or self._load(slot.spec)
            model.unpark()
        except Exception as error:  # noqa: BLE001 -- the edge of a thread: the callers get it
            with self.changed:
                slot.model, slot.state = None, "absent"
                self._give_up(slot, _as_engine_error(slot.name, error))
                self.replan()
            return
        with self.changed:
            slot.model, slot.state, slot.failure, slot.progress = model, "resident", None, None
            slot.dismissed = False
            slot.footprint_bytes = model.footprint_bytes
            slot.loaded_at = slot.used_at = self.clock()
            self.loads += 1
            jobs, slot.wanting = slot.wanting, []
            for job in jobs:
                if self.want(job):
                    self.granted(job)
            self.replan()
        self._footprints.remember(slot.spec, model.footprint_bytes)

    def _give_up(self, slot: Slot, error: EngineError) -> None:
        """Tell all who wait, and let nobody try again for a while."""
        seconds = COOL_DOWN_SECONDS.get(type(error), OTHER_COOL_DOWN_SECONDS)
        slot.failure, slot.progress, slot.pinned = Failure(error, self.clock() + seconds), None, False
        for job in slot.waiting:
            job.fail(error)

    def _teller(self, slot: Slot) -> OnProgress:
        last = -PROGRESS_SECONDS

        def tell(progress: Loading) -> None:
            nonlocal last
            changed = slot.progress is None or slot.progress.step != progress.step
            if changed or self.clock() - last >= PROGRESS_SECONDS:
                last = self.clock()
                with self.changed:
                    self._tell(slot, progress)

        return tell

    def _tell(self, slot: Slot, progress: Loading) -> None:
        slot.progress = progress
        for job in slot.waiting:
            if job.on_progress:
                job.on_progress(progress)


def _as_engine_error(name: str, error: Exception) -> EngineError:
    if isinstance(error, EngineError):
        return error
    if ran_out_of_memory(error):
        return OutOfMemory(f"Model {name!r} does not fit into the free memory. Unload others, or close programs.")
    if isinstance(error, ImportError):
        return EngineUnavailable(f"{error}.")
    traceback.print_exception(error)
    return ModelInvalid(name, f"loading it failed ({type(error).__name__}: {error}).")
