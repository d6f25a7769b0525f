"""The engine itself: requests in from any thread, answers out as futures, one thread that computes.

A request is looked up in the cache; what is missing waits for a lease on its model, becomes tokens, and joins the
batches of that model and operation with whatever others ask. Work whose caller has left is dropped before it runs.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Self

from tamis_engine import limits
from tamis_engine.errors import EngineBusy, EngineUnavailable
from tamis_engine.protocol import DEFAULT_MODEL, ModelStatus
from tamis_engine.running import memory, oom, plans, queues
from tamis_engine.running.failures import show, told
from tamis_engine.running.jobs import Job, Unit, cut
from tamis_engine.running.queues import Batch
from tamis_engine.running.rows import RowCache, key

if TYPE_CHECKING:
    from tamis_engine.operation import Row
    from tamis_engine.protocol import OnProgress
    from tamis_engine.running.residency import Registry, Residency
    from tamis_engine.running.slots import Slot

MAX_WAITING_TOKENS = 4_000_000
"""Of all requests together; a single request is always taken when nothing else waits."""
TOKENISED_AT_ONCE = 256
"""Texts after which others get their turn; the first batch starts when so many are tokens."""
PREPARING_THREADS = 2
AT_ONCE_TOKENS = 512
"""A request this small is prepared by the thread that brings it: a hop between threads takes longer."""
TOKENS_PER_SECOND = 5_000.0
"""A guess, until something was measured."""


@dataclass(slots=True)
class Counters:
    """Since the start, but for `waiting_tokens` (estimated when asked, of all open requests) and `running_tokens`."""

    requests: int = 0
    batches: int = 0
    tokens: int = 0
    waiting_tokens: int = 0
    running_tokens: int = 0
    busy: int = 0


class Core:
    """`submit`, `ready`, `unload` and `pin` may be called from any thread. `with` starts and ends its own thread."""

    def __init__(
        self,
        registry: Registry,
        residency: Residency,
        *,
        cache: RowCache | None = None,
        max_waiting_tokens: int = MAX_WAITING_TOKENS,
    ) -> None:
        self._registry = registry
        self._residency = residency
        self._cache = cache or RowCache(None)
        self._clock = residency.clock
        self._max_waiting_tokens = max_waiting_tokens
        self._changed = residency.changed
        self._jobs: dict[Future[Any], Job] = {}  # a future that knew its job would be a cycle, which stays in memory
        self._speed = TOKENS_PER_SECOND
        self._preparing = ThreadPoolExecutor(PREPARING_THREADS, thread_name_prefix="prepare")
        self._thread = threading.Thread(target=self._work, name="compute", daemon=True)
        self._stopped = ""  # or why
        self.counters = Counters()
        residency.resolved = partial(self._later, self._look_up)
        residency.granted = partial(self._later, self._tokenise)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._stop("it was closed.")
        self._preparing.shutdown()
        self._thread.join()
        self.save()

    @property
    def closed(self) -> bool:
        """True once nothing is answered any more: it was closed, or its thread has failed."""
        return bool(self._stopped)

    def save(self) -> None:
        """The last thing to do before the process ends: what was computed is on disk, or never will be."""
        self._cache.close()

    def _stop(self, reason: str) -> None:
        with self._changed:
            self._stopped = self._stopped or reason
            # those without a lease first, so that nothing is loaded for them when the others give theirs back
            open_jobs = sorted(self._jobs.values(), key=lambda job: job.leased)
            self._changed.notify_all()
        for job in open_jobs:
            job.fail(EngineUnavailable(reason))

    def submit(self, request: limits.Request, client: Hashable = None) -> Future[Any]:
        """The answer to come, or the `EngineError`. Cancelling it drops the work. `client` gets its turn."""
        try:
            limits.check(request)
            cost = plans.cost(request)
            job, known = self._opened(request, request.model, client, cost)
        except Exception as error:  # noqa: BLE001 -- the outer edge: whatever it is belongs to this caller
            return _failed(told(error))
        if known and cost <= AT_ONCE_TOKENS:
            self._look_up(job)
        elif known:
            self._later(self._look_up, job)
        return job.future

    def ready(
        self, model: str = DEFAULT_MODEL, on_progress: OnProgress | None = None, *, pin: bool | None = None
    ) -> Future[None]:
        """Done once the model is resident. `pin` keeps it there, or lets it go again."""
        try:
            with self._changed:
                job, known = self._opened(None, model, None, 0)
                job.on_progress = on_progress
                job.slot.pinned = job.slot.pinned if pin is None else pin
        except Exception as error:  # noqa: BLE001 -- as above
            return _failed(told(error))
        if known:
            self._look_up(job)
        return job.future

    def unload(self, model: str) -> None:
        """Once nobody uses it any more. Raises `ModelNotFound`."""
        name = self._residency.named(model)
        with self._changed:
            slot = self._residency.slots.get(name)
            if slot:
                self._residency.dismiss(slot)

    def unpin(self, model: str) -> None:
        """It may be evicted again. Raises `ModelNotFound`."""
        name = self._residency.named(model)
        with self._changed:
            slot = self._residency.slots.get(name)
            if slot:
                slot.pinned = False
                self._residency.replan()

    def models(self) -> tuple[ModelStatus, ...]:
        """The registry's models and whatever else was asked for, as they stand."""
        with self._changed:
            asked_for = list(self._residency.slots)
        facts = [self._facts(name) for name in dict.fromkeys([*self._registry.known(), *asked_for])]
        with self._changed:
            slots = self._residency.slots
            device = self._residency.policy.device
            return tuple(slots[each.name].status(each, device) if each.name in slots else each for each in facts)

    def status(self) -> dict[str, float]:
        """Numbers for whoever watches."""
        with self._changed:
            numbers: dict[str, float] = {name: getattr(self.counters, name) for name in Counters.__dataclass_fields__}
            slots = self._residency.slots.values()
            return numbers | {
                "open": len(self._jobs),
                "loads": self._residency.loads,
                "evictions": self._residency.evictions,
                "cache_hits": self._cache.hits,
                "cache_misses": self._cache.misses,
                "held_bytes": sum(held.footprint_bytes for slot in slots if (held := slot.held())),
                "budget_bytes": self._residency.policy.budget_bytes,
            }

    def _opened(self, request: limits.Request | None, model: str, client: Hashable, cost: int) -> tuple[Job, bool]:
        """And whether its model is known; where it isn't, the job goes on by itself once it is."""
        name, counters = self._residency.named(model), self.counters
        with self._changed:
            if self._stopped:
                raise EngineUnavailable(self._stopped)
            waiting = counters.waiting_tokens
            if cost and waiting and waiting + cost > self._max_waiting_tokens:
                counters.busy += 1
                raise EngineBusy(waiting, max(1.0, waiting / self._speed))
            job = Job(request, client, self._residency.slot(name), cost, self._clock())
            self._jobs[job.future] = job
            counters.requests += 1
            counters.waiting_tokens += cost
            job.future.add_done_callback(self._close)
            return job, self._residency.resolve(job)

    def _close(self, future: Future[Any]) -> None:
        """However it ended."""
        with self._changed:
            job = self._jobs.pop(future)
            self.counters.waiting_tokens -= job.cost
            self._residency.leave(job)
            if job.wanted:
                queues.drop_unwanted(job.slot)

    def _later(self, step: Callable[[Job], None], job: Job) -> None:
        try:
            self._preparing.submit(step, job)
        except RuntimeError as error:  # it was closed meanwhile, or there is no thread left
            job.fail(EngineUnavailable(f"it can't go on ({error})."))

    def _look_up(self, job: Job) -> None:
        """Answer from the cache, or wait for the model."""
        if job.future.done():
            return
        try:
            if job.request and self._all_found(job, job.request):
                job.answer()
                return
            with self._changed:
                leased = self._residency.want(job)
        except Exception as error:  # noqa: BLE001 -- the edge of a thread: the caller gets it
            job.fail(told(error))
            return
        if leased:
            self._tokenise(job)

    def _all_found(self, job: Job, request: limits.Request) -> bool:
        spec = job.spec
        assert spec
        job.plan = plans.plan(request, spec)
        job.keys = [key(spec.name, spec.revision, job.plan.operation, asked) for asked in job.plan.inputs]
        job.expect(self._cache.get_many(list(dict.fromkeys(job.keys))))
        return not job.wanted

    def _tokenise(self, job: Job) -> None:
        """Some of its inputs; the rest when others have had their turn."""
        if job.request is None:
            job.hand(None)
            return
        some, job.missing = job.missing[:TOKENISED_AT_ONCE], job.missing[TOKENISED_AT_ONCE:]
        try:
            self._tokenise_some(job, some)
        except Exception as error:  # noqa: BLE001 -- the edge of a thread: the caller gets it
            job.fail(told(error))
        if job.missing and not job.future.done():
            self._later(self._tokenise, job)

    def _tokenise_some(self, job: Job, names: list[bytes]) -> None:
        slot = job.slot
        with self._changed:
            model = slot.model
            if job.future.done() or model is None:  # its lease is gone, and maybe the model
                return
            units = self._joined_and_new(job, names)
        if not units:
            return
        try:
            parts = cut(units, model.operations[units[0].operation].tokenise([unit.asked for unit in units]))
        except BaseException as error:  # noqa: BLE001 -- a Rust panic too: others may wait for the same texts
            self._fail(slot, units, told(error))
            return
        with self._changed:
            for part in parts:
                queues.put(part, part.unit.waiters, slot, self.counters.batches)
            if job.future.done():  # it left while its texts became tokens
                queues.drop_unwanted(slot)
            self._changed.notify_all()
        self._deliver(slot, [unit for unit in units if unit.tokenised and not unit.tokenised.pieces])

    def _joined_and_new(self, job: Job, names: list[bytes]) -> list[Unit]:
        """Wait with others for what is computed for them already; the rest as units of its own."""
        assert job.plan
        inputs, slot = job.inputs(), job.slot
        for name in names:
            if unit := slot.units.get(name):
                unit.waiters.append(job)
                for part in unit.parts:
                    queues.put(part, [job], slot, self.counters.batches)
        units = [Unit(name, inputs[name], job.plan.operation, [job]) for name in names if name not in slot.units]
        slot.units.update((unit.key, unit) for unit in units)
        return units

    def _work(self) -> None:
        """The thread that computes and unloads, until the end. Nobody waits for one that has failed."""
        try:
            while self._step():
                pass
        except BaseException as error:  # noqa: BLE001 -- nobody else would hear of it
            show(error)
            self._stop("the thread that computes has failed.")

    def _step(self) -> bool:
        match self._next():
            case None:
                return False
            case Batch() as batch:
                self._run(batch)
            case slot:
                self._residency.unload(slot)
        return True

    def _next(self) -> Batch | Slot | None:
        """What to compute or unload; None at the end."""
        with self._changed:
            while not self._stopped:
                if todo := self._residency.drained() or self._next_batch():
                    return todo
                self._wait()
        return None

    def _wait(self) -> None:
        """Until something changes, or time alone would change the plan."""
        moment = self._residency.look_again_at
        if moment is None:
            self._changed.wait()
        elif (seconds := moment - self._clock()) > 0:
            self._changed.wait(min(seconds, threading.TIMEOUT_MAX))
        else:
            self._residency.replan()

    def _next_batch(self) -> Batch | None:
        batch = queues.next_batch(self._residency.slots.values(), self.counters.batches + 1)
        self.counters.batches += batch is not None
        return batch

    def _run(self, batch: Batch) -> None:
        try:
            self._compute(batch)
        except Exception as error:  # noqa: BLE001 -- the outer edge: this batch fails, not all that are to come
            self._fail(batch.slot, [part.unit for part in batch.parts], told(error))

    def _compute(self, batch: Batch) -> None:
        slot, began = batch.slot, self._clock()
        assert slot.model
        self.counters.running_tokens = batch.tokens
        pieces = [part.unit.tokenised.pieces[part.number] for part in batch.parts if part.unit.tokenised]
        reliefs = (memory.release, partial(self._residency.make_room, slot))
        outputs = oom.forward(slot.model.operations[batch.operation], pieces, reliefs)
        self.counters.running_tokens = 0
        self.counters.tokens += batch.tokens
        seconds = self._clock() - began
        if seconds > 0:
            self._speed += 0.1 * (batch.tokens / seconds - self._speed)
        for part, output in zip(batch.parts, outputs, strict=True):
            if isinstance(output, Exception):
                self._fail(slot, [part.unit], output)
            else:
                part.unit.outputs[part.number] = output
        units = {id(part.unit): part.unit for part in batch.parts}.values()
        self._deliver(slot, [unit for unit in units if unit.complete])

    def _deliver(self, slot: Slot, units: list[Unit]) -> None:
        """Join, keep, and answer whoever has all of its rows."""
        rows = {unit.key: row for unit in units if (row := self._joined(slot, unit))}
        if rows:
            self._cache.put_many(rows)
        done: list[Job] = []
        with self._changed:
            for name, row in rows.items():
                unit = slot.units.pop(name, None)
                for job in unit.waiters if unit else ():
                    job.rows[name] = row
                    job.wanted.discard(name)
                    if not job.wanted:
                        done.append(job)
        for job in done:
            job.answer()

    def _joined(self, slot: Slot, unit: Unit) -> Row | None:
        try:
            assert slot.model
            return unit.row(slot.model)
        except Exception as error:  # noqa: BLE001 -- the outer edge: this input fails, not its batch
            self._fail(slot, [unit], told(error))
            return None

    def _fail(self, slot: Slot, units: list[Unit], error: Exception) -> None:
        with self._changed:
            for unit in units:
                if slot.units.get(unit.key) is unit:  # else it was dropped, and somebody asked anew
                    del slot.units[unit.key]
        for job in {id(job): job for unit in units for job in unit.waiters}.values():
            job.fail(error)

    def _facts(self, name: str) -> ModelStatus:
        try:
            return self._registry.facts(name)
        except Exception:  # noqa: BLE001 -- its folder may be gone, and it is still in memory
            return ModelStatus(name, "absent", 0, 0, 0, "", abilities=(), on_disk=False)


def _failed(error: Exception) -> Future[Any]:
    future: Future[Any] = Future()
    future.set_exception(error)
    return future
