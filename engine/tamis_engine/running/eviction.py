"""Which model is loaded next, and which ones leave for it: decided on plain values, carried out by somebody else.

Waiters are served in the order in which they came. One that must wait is promised room: what is free, then what is on
its way out already, then models chosen for it, and only the rest goes to those behind it. While no choice can be made
yet, for the models in question must stay a moment longer, nobody behind it gets anything. So a wait is bounded by
`patience_seconds`, the minimum residency, the loads under way and the leases that are held when patience ends.

A choice is as few models as make enough room, and among those the least recently used. Models in use are chosen only
where the idle ones together are not enough, and again as few as will do.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from tamis_engine.running.memory import shown

UNKNOWN_SHARE = 0.25
"""Of the budget: kept for a model until a first load has measured what it takes, as far as pins leave that much."""


@dataclass(frozen=True, slots=True)
class Held:
    """A model that takes memory on the device now. `keep_seconds` is a keep-alive of its own, `load_seconds` what its
    load took (inf: not known).
    """

    name: str
    state: Literal["loading", "resident", "draining"]
    footprint_bytes: int
    leases: int
    pinned: bool
    loaded_at: float
    used_at: float
    keep_seconds: float | None = None
    load_seconds: float = math.inf


@dataclass(frozen=True, slots=True)
class Wanted:
    """An absent model that somebody waits for. `footprint_bytes` is 0 where nobody knows it."""

    name: str
    footprint_bytes: int
    since: float
    pinned: bool = False


@dataclass(frozen=True, slots=True)
class Policy:
    """How much there is, and how long what stays.

    A model stays so many times as long as its load took, so that most of the time is spent computing; a second does
    for those that are slow to load.
    """

    budget_bytes: int
    min_residency_seconds: float = 1.0
    patience_seconds: float = 2.0
    keep_alive_seconds: float = 300.0
    min_residency_loads: float = 4.0
    device: str = "cpu"


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do now: start to load, let drain, refuse with a sentence. Planned again at once, nothing is left to do.

    Time alone changes nothing before `look_again_at` (None: ever).
    """

    load: tuple[str, ...] = ()
    drain: tuple[str, ...] = ()
    refuse: tuple[tuple[str, str], ...] = ()
    look_again_at: float | None = None


@dataclass(frozen=True, slots=True)
class Parked:
    """A model in host memory, off the accelerator."""

    name: str
    footprint_bytes: int
    parked_at: float


def plan(held: Sequence[Held], wanted: Sequence[Wanted], policy: Policy, now: float) -> Plan:
    """What follows from how things stand, `now` and all times by one clock.

    A draining model goes when its leases end and never turns back; who wants it waits until it is gone. Where models
    took more than was expected, as many as are over the budget drain at once.
    """
    pinned_bytes = sum(model.footprint_bytes for model in held if model.pinned and model.state != "draining")
    unknown_bytes = max(1, min(int(policy.budget_bytes * UNKNOWN_SHARE), policy.budget_bytes - pinned_bytes))
    draft = _Draft([_estimated(model, unknown_bytes) for model in held], policy, now)
    draft.let_go_of_the_unused()
    draft.return_to_budget()
    here = {model.name for model in held if model.state != "draining"}
    waiting = sorted((model for model in wanted if model.name not in here), key=lambda model: (model.since, model.name))
    feasible, refuse = _feasible(waiting, pinned_bytes, policy.budget_bytes)
    blocked = next(
        (model for model in feasible if not draft.serve(model, model.footprint_bytes or unknown_bytes)), None
    )
    return Plan(tuple(draft.load), tuple(draft.drain), refuse, draft.look_again_at(blocked))


def parking(footprint_bytes: int, parked: Sequence[Parked], host_budget_bytes: int) -> tuple[str, ...] | None:
    """Which parked models to drop, longest parked first, before one of `footprint_bytes` leaves the accelerator for
    host memory. None: it is too large to be parked, so drop it and leave the others where they are.
    """
    if footprint_bytes > host_budget_bytes:
        return None
    excess = sum(model.footprint_bytes for model in parked) + footprint_bytes - host_budget_bytes
    dropped: list[str] = []
    for model in sorted(parked, key=lambda model: (model.parked_at, model.name)):
        if excess <= 0:
            break
        dropped.append(model.name)
        excess -= model.footprint_bytes
    return tuple(dropped)


class _Draft:
    """A plan while it is made. `promised` is what the waiters need that were seen, but not loaded."""

    def __init__(self, held: Sequence[Held], policy: Policy, now: float) -> None:
        self._policy, self._now = policy, now
        self._staying = [model for model in held if model.state == "resident" and not model.pinned]
        self._leaving = [model for model in held if model.state == "draining"]
        self._free = policy.budget_bytes - _bytes(held)
        self._promised = self._first_promised = 0
        self.load: list[str] = []
        self.drain: list[str] = []

    def let_go_of_the_unused(self) -> None:
        """Those that were idle for as long as they are kept."""
        self._let_go([model for model in self._staying if self._idle(model) and self._kept_until(model) <= self._now])

    def return_to_budget(self) -> None:
        """Whatever was promised to those that must leave: memory that is not there is worse than a model less."""
        excess = -self._free - _bytes(self._leaving)
        idle = [model for model in self._staying if self._idle(model)]
        self._let_go(_choice(excess, [idle, [model for model in self._staying if model.leases]]))

    def serve(self, model: Wanted, need: int) -> bool:
        """Load it, or see that it gets room; False where nothing can be chosen yet."""
        if self._fits(need) and all(leaving.name != model.name for leaving in self._leaving):
            self._free -= need
            self.load.append(model.name)
            return True
        lacking = self._promised + need - self._free - _bytes(self._leaving)
        chosen = _choice(lacking, self._tiers())
        if _bytes(chosen) < lacking or not all(self._may_go(other, model) for other in chosen):
            return False
        self._let_go(chosen)
        self._promised += need
        self._first_promised = self._first_promised or need
        return True

    def look_again_at(self, blocked: Wanted | None) -> float | None:
        """When one has been kept long enough, or may leave for the waiter for whom nothing could be chosen yet."""
        moments = [self._kept_until(model) for model in self._staying if self._idle(model)]
        if blocked:
            moments += [self._ripe_at(model) for model in self._staying]
            moments.append(blocked.since + self._policy.patience_seconds)
        return min((at for at in moments if self._now < at < math.inf), default=None)

    def _fits(self, need: int) -> bool:
        """Into what nobody was promised; or before those who must wait for all that is leaving anyway."""
        if need + self._promised <= self._free:
            return True
        sizes = [model.footprint_bytes for model in self._leaving]
        all_needed = sum(sizes) - min(sizes, default=0) < self._first_promised - self._free
        return all_needed and need <= self._free and need + self._promised <= self._free + sum(sizes)

    def _tiers(self) -> list[list[Held]]:
        """Those that may leave, the ones to choose first in front."""
        return [
            [each for each in self._staying if self._idle(each) is idle and (self._ripe_at(each) <= self._now) is ripe]
            for idle in (True, False)
            for ripe in (True, False)
        ]

    def _may_go(self, model: Held, waiter: Wanted) -> bool:
        patience_ends = waiter.since + self._policy.patience_seconds
        return self._ripe_at(model) <= self._now and (self._idle(model) or patience_ends <= self._now)

    def _let_go(self, models: Sequence[Held]) -> None:
        self._staying = [model for model in self._staying if model not in models]
        self._leaving += models
        self.drain += [model.name for model in models]

    def _idle(self, model: Held) -> bool:
        return not model.leases

    def _ripe_at(self, model: Held) -> float:
        earned = self._policy.min_residency_loads * model.load_seconds
        return model.loaded_at + min(self._policy.min_residency_seconds, earned)

    def _kept_until(self, model: Held) -> float:
        own = model.keep_seconds
        return model.used_at + (self._policy.keep_alive_seconds if own is None else own)


def _estimated(model: Held, unknown_bytes: int) -> Held:
    unknown = model.state == "loading" and not model.footprint_bytes
    return replace(model, footprint_bytes=unknown_bytes) if unknown else model


def _feasible(
    waiting: Sequence[Wanted], pinned_bytes: int, budget_bytes: int
) -> tuple[list[Wanted], tuple[tuple[str, str], ...]]:
    """Those that fit beside all that is pinned, older waiters included that will be; and a sentence for the others."""
    feasible: list[Wanted] = []
    refuse: list[tuple[str, str]] = []
    for model in waiting:
        if max(model.footprint_bytes, 1) > budget_bytes - pinned_bytes:
            refuse.append((model.name, _refusal(model, pinned_bytes, budget_bytes)))
        else:
            feasible.append(model)
            pinned_bytes += model.footprint_bytes if model.pinned else 0
    return feasible, tuple(refuse)


def _refusal(model: Wanted, pinned_bytes: int, budget_bytes: int) -> str:
    needed = shown(model.footprint_bytes) if model.footprint_bytes else "some memory"
    pinned = f", of which {shown(pinned_bytes)} are pinned" if pinned_bytes else ""
    hint = ", or unpin a model" if pinned_bytes and model.footprint_bytes <= budget_bytes else ""
    return (
        f"Model {model.name!r} needs {needed}, but the budget for models is {shown(budget_bytes)}{pinned}. "
        f"Raise it with TAMIS_ENGINE_MEMORY{hint}."
    )


def _choice(lacking: int, tiers: Sequence[Sequence[Held]]) -> list[Held]:
    """As few of the later tiers as will do, where all before them are not enough; all there are if that is too few."""
    if lacking <= 0 or not tiers:
        return []
    *earlier, last = tiers
    taken = _fewest(lacking - sum(_bytes(tier) for tier in earlier), last)
    return _choice(lacking - _bytes(taken), earlier) + taken


def _fewest(lacking: int, models: Sequence[Held]) -> list[Held]:
    """As few as free `lacking` bytes, among choices of that many the least recently used; all if that is too few."""
    if lacking <= 0 or not models:
        return []
    oldest_use_first = sorted(models, key=lambda model: (model.used_at, model.name))
    if _bytes(models) <= lacking:
        return oldest_use_first
    others = _how_many(lacking, models) - 1
    for model in oldest_use_first:
        rest = [other for other in models if other is not model]
        if model.footprint_bytes + _bytes(_largest(rest)[:others]) >= lacking:
            return [model, *_fewest(lacking - model.footprint_bytes, rest)]
    raise AssertionError("the largest together are enough")


def _how_many(lacking: int, models: Sequence[Held]) -> int:
    largest = _largest(models)
    return next(count for count in range(1, len(models) + 1) if _bytes(largest[:count]) >= lacking)


def _largest(models: Sequence[Held]) -> list[Held]:
    return sorted(models, key=lambda model: -model.footprint_bytes)


def _bytes(models: Sequence[Held]) -> int:
    return sum(model.footprint_bytes for model in models)
