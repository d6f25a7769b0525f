"""The engine itself: requests in from any thread, answers out as futures, one thread that computes.

A request is looked up in the cache; what is missing waits for a lease on its model, becomes tokens, and joins the
batches of that model and operation with whatever others ask. Work whose caller has left is dropped before it runs.
"""

from __future__ import annotations

import threading
import traceback
from collections.abc import Callable, Hashable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Self

from tamis_engine import limits
from tamis_engine.errors import EngineBusy, EngineError, EngineUnavailable
from tamis_engine.protocol import DEFAULT_MODEL
from tamis_engine.running import memory, oom, plans, queues
from tamis_engine.running.jobs import Job, Lane, Part, Unit
from tamis_engine.running.queues import Batch
from tamis_engine.running.rows import RowCache, key

if TYPE_CHECKING:
    from tamis_engine.operation import Row
    from tamis_engine.protocol import ModelStatus, OnProgress
    from tamis_engine.running.residency import Library, Residency
    from tamis_engine.running.slots import Slot

MAX_WAITING_TOKENS = 4_000_000
"""Of all requests together; a single request is always taken when nothing else waits."""
TOKENISED_AT_ONCE = 256
"""Texts between two looks at whether the caller still waits; the first batch starts when so many are tokens."""
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
        library: Library,
        residency: Residency,
        *,
        cache: RowCache | None = None,
        max_waiting_tokens: int = MAX_WAITING_TOKENS,
    ) -> None:
        self._library = library
        self._residency = residency
        self._cache = cache or RowCache(None)
        self._clock = residency.clock
        self._max_waiting_tokens = max_waiting_tokens
        self._changed = residency.changed
        self._jobs: set[Job] = set()
        self._speed = TOKENS_PER_SECOND
        self._preparing = ThreadPoolExecutor(PREPARING_THREADS, thread_name_prefix="prepare")
        self._thread = threading.Thread(target=self._work, name="compute", daemon=True)
        self._stopping = False
        self.counters = Counters()
        residency.resolved = partial(self._later, self._look_up)
        residency.granted = partial(self._later, self._tokenise)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        with self._changed:
            self._stopping = True
            open_jobs = list(self._jobs)
            self._changed.notify_all()
        for job in open_jobs:
            job.fail(EngineUnavailable("it was closed."))
        self._preparing.shutdown()
        self._thread.join()
        self._cache.close()

    def submit(self, request: limits.Request, client: Hashable = None) -> Future[Any]:
        """The answer to come, or the `EngineError`. Cancelling it drops the work. `client` gets its turn."""
        try:
            limits.check(request)
            cost = plans.cost(request)
            job = self._opened(request, request.model, client, cost)
        except Exception as error:  # noqa: BLE001 -- the outer edge: whatever it is belongs to this caller
            return _failed(_told(error))
        if job.slot.spec is None:
            with self._changed:
                self._residency.resolve(job)
        elif cost <= AT_ONCE_TOKENS:
            self._look_up(job)
        else:
            self._later(self._look_up, job)
        return job.future

    def ready(
        self, model: str = DEFAULT_MODEL, on_progress: OnProgress | None = None, *, pin: bool | None = None
    ) -> Future[None]:
        """Done once the model is resident. `pin` keeps it there, or lets it go again."""
        try:
            job = self._opened(None, model, None, 0)
        except EngineError as error:
            return _failed(error)
        with self._changed:
            job.on_progress = on_progress
            job.slot.pinned = job.slot.pinned if pin is None else pin
            if job.slot.spec is None:
                self._residency.resolve(job)
                return job.future
        self._look_up(job)
        return job.future

    def unload(self, model: str) -> None:
        """Once nobody uses it any more. Raises `ModelNotFound`."""
        with self._changed:
            slot = self._residency.slots.get(self._library.canonical(model))
            if slot:
                self._residency.dismiss(slot)

    def unpin(self, model: str) -> None:
        """It may be evicted again."""
        with self._changed:
            slot = self._residency.slots.get(self._library.canonical(model))
            if slot:
                slot.pinned = False
                self._residency.replan()

    def models(self) -> tuple[ModelStatus, ...]:
        """The library's models and whatever else was asked for, as they stand."""
        with self._changed:
            names = dict.fromkeys([*self._library.known(), *self._residency.slots])
            return tuple(self._status(name) for name in names)

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

    def _opened(self, request: limits.Request | None, model: str, client: Hashable, cost: int) -> Job:
        with self._changed:
            if self._stopping:
                raise EngineUnavailable("it was closed.")
            counters = self.counters
            if counters.waiting_tokens and counters.waiting_tokens + cost > self._max_waiting_tokens:
                counters.busy += 1
                raise EngineBusy(counters.waiting_tokens, max(1.0, counters.waiting_tokens / self._speed))
            job = Job(request, client, self._residency.slot(model), cost, self._clock())
            self._jobs.add(job)
            counters.requests += 1
            counters.waiting_tokens += cost
        job.future.add_done_callback(lambda _future: self._close(job))
        return job

    def _close(self, job: Job) -> None:
        """However it ended."""
        with self._changed:
            self._jobs.discard(job)
            self.counters.waiting_tokens -= job.cost
            self._residency.leave(job)
            if job.wanted:
                queues.drop_unwanted(job.slot)

    def _later(self, step: Callable[[Job], None], job: Job) -> None:
        self._preparing.submit(step, job)

    def _look_up(self, job: Job) -> None:
        """Answer from the cache, or wait for the model."""
        try:
            if job.request and self._all_found(job, job.request):
                job.answer()
                return
        except Exception as error:  # noqa: BLE001 -- the edge of a thread: the caller gets it
            job.fail(_told(error))
            return
        with self._changed:
            leased = self._residency.want(job)
        if leased:
            self._tokenise(job)

    def _all_found(self, job: Job, request: limits.Request) -> bool:
        spec = job.slot.spec
        assert spec
        job.plan = plans.plan(request, spec)
        job.keys = [key(spec.name, spec.revision, job.plan.operation, asked) for asked in job.plan.inputs]
        job.rows = self._cache.get_many(list(dict.fromkeys(job.keys)))
        job.wanted = set(job.keys) - job.rows.keys()
        return not job.wanted

    def _tokenise(self, job: Job) -> None:
        """Join what is computed for others already; turn the rest into parts of batches."""
        if job.request is None:
            job.hand(None)
            return
        inputs = job.inputs()
        missing = sorted((name for name in inputs if name in job.wanted), key=lambda name: _length(inputs[name]))
        try:
            for start in range(0, len(missing), TOKENISED_AT_ONCE):
                if job.future.done():
                    return
                self._tokenise_some(job, missing[start : start + TOKENISED_AT_ONCE])
        except Exception as error:  # noqa: BLE001 -- the edge of a thread: the caller gets it
            job.fail(_told(error))

    def _tokenise_some(self, job: Job, names: list[bytes]) -> None:
        assert job.plan
        inputs, slot, operation = job.inputs(), job.slot, job.plan.operation
        assert slot.model
        with self._changed:
            shared = [slot.units[name] for name in names if name in slot.units]
            for unit in shared:
                unit.waiters.append(job)
            units = [Unit(name, inputs[name], operation, [job]) for name in names if name not in slot.units]
            slot.units.update((unit.key, unit) for unit in units)
        try:
            tokenised = slot.model.operations[operation].tokenise([unit.asked for unit in units])
        except Exception as error:  # noqa: BLE001 -- others may wait for the same texts
            self._fail(slot, units, _told(error))
            return
        parts: list[Part] = []
        for unit, found in zip(units, tokenised, strict=True):
            unit.tokenised = found
            parts += [Part(unit, at, len(piece.ids) - piece.shared) for at, piece in enumerate(found.pieces)]
        parts.sort(key=lambda part: part.length)
        with self._changed:
            lane = slot.lanes[operation].setdefault(job.client, Lane(served=self.counters.batches))
            lane.parts.extend(parts)
            if job.future.done():  # it left while its texts became tokens
                queues.drop_unwanted(slot)
            self._changed.notify_all()
        self._deliver(slot, [unit for unit in units if unit.complete])

    def _work(self) -> None:
        """The thread that computes and unloads, until the end."""
        while todo := self._next():
            if isinstance(todo, Batch):
                self._run(todo)
            else:
                self._residency.unload(todo)

    def _next(self) -> Batch | Slot | None:
        """What to compute or unload; None at the end."""
        with self._changed:
            while not self._stopping:
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
                traceback.print_exception(output)
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
        assert slot.model
        assert unit.tokenised
        outputs = [unit.outputs[number] for number in range(len(unit.tokenised.pieces))]
        try:
            return slot.model.operations[unit.operation].join(unit.asked, unit.tokenised, outputs)
        except Exception as error:  # noqa: BLE001 -- the outer edge: this input fails, not its batch
            self._fail(slot, [unit], _told(error))
            return None

    def _fail(self, slot: Slot, units: list[Unit], error: Exception) -> None:
        with self._changed:
            for unit in units:
                slot.units.pop(unit.key, None)
        for job in {id(job): job for unit in units for job in unit.waiters}.values():
            job.fail(error)

    def _status(self, name: str) -> ModelStatus:
        facts, slot = self._library.facts(name), self._residency.slots.get(name)
        if slot is None:
            return facts
        loading = slot.state == "absent" and (slot.resolving or slot.wanting)
        return replace(
            facts,
            state="loading" if loading else slot.state,
            footprint_bytes=slot.footprint_bytes or facts.footprint_bytes,
            pinned=slot.pinned,
            waiting=len(slot.waiting),
            failure=str(slot.failure.error) if slot.failure else "",
        )


def _length(asked: Any) -> int:
    return len(asked.text if hasattr(asked, "text") else asked.passage)


def _told(error: Exception) -> EngineError:
    if isinstance(error, EngineError):
        return error
    traceback.print_exception(error)
    return EngineError(f"The engine failed on this request ({type(error).__name__}: {error}).")


def _failed(error: EngineError) -> Future[Any]:
    future: Future[Any] = Future()
    future.set_exception(error)
    return future
