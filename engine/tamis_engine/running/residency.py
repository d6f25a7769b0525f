"""Which models are in memory, and how they come and go. What it decides is in `eviction`; here it is done.

States change in one direction: absent, loading, resident, draining, absent. A job holds a lease on its model from the
moment it may compute until it has its answer, so a model goes only when nobody uses it. Everything but `unload` and
what the threads do that load belongs under `changed`, the core's lock.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from tamis_engine.errors import EngineError, EngineUnavailable, ModelInvalid, ModelUnavailable, OutOfMemory
from tamis_engine.protocol import Loading
from tamis_engine.running import eviction, memory
from tamis_engine.running.failures import show
from tamis_engine.running.oom import ran_out_of_memory
from tamis_engine.running.slots import Failure, Slot

if TYPE_CHECKING:
    from tamis_engine.models.spec import Spec
    from tamis_engine.operation import Model
    from tamis_engine.protocol import ModelStatus, OnProgress
    from tamis_engine.running.jobs import Job

COOL_DOWN_SECONDS: dict[type[Exception], float] = {
    ModelUnavailable: 10.0,
    ModelInvalid: 30.0,
    OutOfMemory: 60.0,
}
OTHER_COOL_DOWN_SECONDS = 10.0
PROGRESS_SECONDS = 0.1
"""Between two reports of one download."""


class Registry(Protocol):
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
        registry: Registry,
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
        self._registry = registry
        self._load = load
        self._footprints = footprints or Forgetful()
        self.clock = clock
        self._host_budget_bytes = host_budget_bytes

    def named(self, name: str) -> str:
        """The one name of that model. Raises `ModelNotFound`. Without the lock, for it may read files."""
        name = self._registry.canonical(name)
        if name not in self.slots:
            self._registry.facts(name)
        return name

    def slot(self, name: str) -> Slot:
        """Of the model of that one name. Raises what the last load failed with while it cools down."""
        slot = self.slots.get(name)
        if slot is None:
            self.slots = {each.name: each for each in self.slots.values() if not self._never_was(each)}
            slot = self.slots[name] = Slot(name)
        if slot.failure and self.clock() < slot.failure.until:
            raise slot.failure.error.with_traceback(None)  # that of the last time holds what was asked then
        return slot

    def resolve(self, job: Job) -> bool:
        """True where it is known what the model is. Else that is found out, once for all, and `resolved` is told."""
        slot = job.slot
        job.spec = slot.spec
        if slot.spec:
            return True
        slot.unresolved.append(job)
        if not slot.resolving:
            slot.resolving = self._in_background(self._resolve, slot)
        return False

    def want(self, job: Job) -> bool:
        """True with a lease now. Else, unless the caller has left, one comes with the model: then `granted` is told."""
        slot = job.slot = self.slots.setdefault(job.slot.name, job.slot)
        if job.future.done():
            return False
        if job.spec != slot.spec:  # it was gone meanwhile, and may come back as another
            if self.resolve(job):
                self.resolved(job)
            return False
        if slot.state == "resident":
            job.leased = True
            slot.leases += 1
            slot.used_at = self.clock()
            return True
        slot.wanting.append(job)
        if slot.progress:
            job.tell(slot.progress)
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
            # nothing was tried, so whoever unpins a model may ask again at once
            self._give_up(self.slots[name], OutOfMemory(reason), cool_down_seconds=0)
        for name in plan.drain:
            self.drain(self.slots[name])
        for name in plan.load:
            slot = self.slots[name]
            if self._in_background(self._make_resident, slot):
                slot.state, slot.dismissed = "loading", False
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
        parked = self._park(slot)
        if not parked:
            slot.model = None
        memory.release()
        with self.changed:
            if parked:
                slot.state, slot.parked_at = "parked", self.clock()
            else:
                slot.empty()
            self.evictions += 1
            self.replan()

    def dismiss(self, slot: Slot) -> None:
        """It goes for good once nobody uses it."""
        slot.pinned, slot.dismissed = False, True
        if slot.state == "parked":
            slot.empty()
        self.drain(slot)

    def _park(self, slot: Slot) -> bool:
        """False where it is not to be parked, or can't be."""
        try:
            if not slot.model or not self._may_park(slot):
                return False
            slot.model.park()
        except Exception as error:  # noqa: BLE001 -- the device's library: the model is loaded anew instead
            show(error)
            return False
        return True

    def _may_park(self, slot: Slot) -> bool:
        """Makes room for it in host memory, if it may have some."""
        with self.changed:
            # those that somebody waits for are about to go back
            parked = [each for other in self.slots.values() if not other.wanting and (each := other.parked())]
            dropped = eviction.parking(slot.footprint_bytes, parked, self._host_budget_bytes)
            if dropped is None or slot.dismissed:
                return False
            for name in dropped:
                self.slots[name].empty()
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
            spec = self._registry.spec(slot.name, self._teller(slot))
        except BaseException as error:  # noqa: BLE001 -- the edge of a thread: the callers get it, also a Rust panic
            with self.changed:
                slot.resolving = False
                self._give_up(slot, _as_engine_error(slot.name, error))
            return
        with self.changed:
            slot.resolving, slot.spec, slot.failure, slot.progress = False, spec, None, None
            slot.footprint_bytes = slot.footprint_bytes or self._footprints.expected(spec)
            jobs, slot.unresolved = slot.unresolved, []
            for job in jobs:
                job.spec = spec
                self.resolved(job)

    def _make_resident(self, slot: Slot) -> None:
        tell, began = self._teller(slot), self.clock()
        try:
            spec = slot.spec or self._registry.spec(slot.name, tell)
            tell(Loading(slot.name, "loading"))
            model = slot.model or self._load(spec)
            model.unpark()
            footprint_bytes = model.footprint_bytes
        except BaseException as error:  # noqa: BLE001 -- as above
            with self.changed:
                slot.empty()
                self._give_up(slot, _as_engine_error(slot.name, error))
                self.replan()
            return
        with self.changed:
            slot.model, slot.spec, slot.state, slot.failure, slot.progress = model, spec, "resident", None, None
            slot.footprint_bytes = footprint_bytes
            slot.loaded_at = slot.used_at = self.clock()
            slot.load_seconds = slot.loaded_at - began
            self.loads += 1
            jobs, slot.wanting = slot.wanting, []
            for job in jobs:
                if self.want(job):
                    self.granted(job)
            if slot.dismissed:  # while it loaded
                self.drain(slot)
            self.replan()
        self._footprints.remember(spec, footprint_bytes)

    def _never_was(self, slot: Slot) -> bool:
        """Nobody found out what it is, and nobody is trying."""
        failed = slot.failure is not None and slot.failure.until <= self.clock()
        return failed and slot.spec is None and slot.state == "absent" and not slot.resolving and not slot.waiting

    def _in_background(self, work: Callable[[Slot], None], slot: Slot) -> bool:
        """False where there is no thread left to do it, which those who wait are told."""
        try:
            threading.Thread(target=work, args=(slot,), daemon=True).start()
        except RuntimeError as error:
            self._give_up(slot, EngineUnavailable(f"it can't go on ({error})."))
            return False
        return True

    def _give_up(self, slot: Slot, error: EngineError, cool_down_seconds: float | None = None) -> None:
        """Tell all who wait, and let nobody try again for a while."""
        if cool_down_seconds is None:
            cool_down_seconds = COOL_DOWN_SECONDS.get(type(error), OTHER_COOL_DOWN_SECONDS)
        # where it happened would hold on to all that was loaded by then
        error.__traceback__ = error.__cause__ = error.__context__ = None
        slot.failure, slot.progress, slot.pinned = Failure(error, self.clock() + cool_down_seconds), None, False
        for job in slot.waiting:
            job.fail(error)

    def _teller(self, slot: Slot) -> OnProgress:
        last = -PROGRESS_SECONDS

        def tell(progress: Loading) -> None:
            nonlocal last
            changed = slot.progress is None or slot.progress.step != progress.step
            complete = progress.total > 0 and progress.done == progress.total
            if changed or complete or self.clock() - last >= PROGRESS_SECONDS:
                last = self.clock()
                with self.changed:
                    self._tell(slot, progress)

        return tell

    def _tell(self, slot: Slot, progress: Loading) -> None:
        slot.progress = progress
        for job in slot.waiting:
            job.tell(progress)


def _as_engine_error(name: str, error: BaseException) -> EngineError:
    if isinstance(error, EngineError):
        return error
    if ran_out_of_memory(error):
        return OutOfMemory(f"Model {name!r} does not fit into the free memory. Unload others, or close programs.")
    if isinstance(error, ImportError):
        return EngineUnavailable(f"{error}.")
    show(error)
    return ModelInvalid(name, f"loading it failed ({type(error).__name__}: {error}).")
