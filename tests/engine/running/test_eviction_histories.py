"""Any history of asking, using, leaving and pinning: what must hold whatever happens, and in what order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from hypothesis import given, settings
from hypothesis import strategies as st

from tamis_engine.running.eviction import Held, Plan, Policy, Wanted, plan

SIZES = {"a": 1, "b": 2, "c": 3, "d": 4, "e": 6}
POLICY = Policy(budget_bytes=8, keep_alive_seconds=20)
Step = tuple[str, str, float]
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["ask", "ask", "release", "loaded", "gone", "leave", "pin", "unpin", "wait"]),
        st.sampled_from(sorted(SIZES)),
        st.sampled_from([0.25, 0.5, 1.0, 2.0, 30.0]),
    ),
    max_size=40,
)


@dataclass
class World:
    """Carries plans out, with models that load and leave when told to. Who asks gets a lease as soon as may be."""

    now: float = 1000.0
    held: dict[str, Held] = field(default_factory=dict[str, Held])
    waiting: dict[str, Wanted] = field(default_factory=dict[str, Wanted])
    pinned: set[str] = field(default_factory=set[str])

    def do(self, step: Step) -> None:
        kind, name, seconds = step
        if kind == "wait":
            self.now += seconds
        else:
            action: Callable[[str], None] = getattr(self, kind)
            action(name)
        self.replan()

    def ask(self, name: str) -> None:
        model = self.held.get(name)
        if model and model.state == "resident":
            self.held[name] = replace(model, leases=model.leases + 1, used_at=self.now)
        elif not model or model.state == "draining":
            self.waiting.setdefault(name, Wanted(name, SIZES[name], self.now, name in self.pinned))

    def release(self, name: str) -> None:
        if name in self.held and self.held[name].leases:
            self.held[name] = replace(self.held[name], leases=self.held[name].leases - 1, used_at=self.now)

    def loaded(self, name: str) -> None:
        if name in self.held and self.held[name].state == "loading":
            self.held[name] = replace(self.held[name], state="resident", leases=1, loaded_at=self.now, used_at=self.now)

    def gone(self, name: str) -> None:
        if name in self.held and self.held[name].state == "draining" and not self.held[name].leases:
            del self.held[name]

    def leave(self, name: str) -> None:
        self.waiting.pop(name, None)

    def pin(self, name: str) -> None:
        self.pinned.add(name)
        self._repin()

    def unpin(self, name: str) -> None:
        self.pinned.discard(name)
        self._repin()

    def plan(self, at: float | None = None) -> Plan:
        return plan(tuple(self.held.values()), tuple(self.waiting.values()), POLICY, self.now if at is None else at)

    def replan(self) -> None:
        """Carry out what is planned, and hold it against what must never happen."""
        made = self.plan()
        for name in made.drain:
            assert self.held[name].state == "resident"
            assert not self.held[name].pinned
            self.held[name] = replace(self.held[name], state="draining")
        for name in made.load:
            assert name not in self.held
            wanted = self.waiting.pop(name)
            self.held[name] = Held(name, "loading", SIZES[name], 0, wanted.pinned, 0, 0)
        for name, _ in made.refuse:
            del self.waiting[name]
        assert sum(model.footprint_bytes for model in self.held.values()) <= POLICY.budget_bytes
        again = self.plan()
        assert again == Plan(look_again_at=again.look_again_at)

    def _repin(self) -> None:
        self.held = {name: replace(model, pinned=name in self.pinned) for name, model in self.held.items()}
        self.waiting = {name: replace(each, pinned=name in self.pinned) for name, each in self.waiting.items()}


def after(steps: list[Step]) -> World:
    world = World()
    for step in steps:
        world.do(step)
    return world


@given(STEPS)
def test_the_budget_is_kept_pins_are_kept_and_no_plan_leaves_anything_to_do(steps: list[Step]) -> None:
    after(steps)


@given(STEPS, st.floats(0, 1, exclude_max=True))
def test_time_alone_changes_nothing_before_the_moment_that_was_told(steps: list[Step], share: float) -> None:
    world = after(steps)
    told = world.plan().look_again_at
    assert told is None or told > world.now
    before = world.now + share * ((told or world.now + 1000) - world.now)
    if before != told:
        assert world.plan(at=before) == Plan(look_again_at=told)


@given(STEPS)
def test_a_model_goes_only_by_draining_and_never_turns_back(steps: list[Step]) -> None:
    world = World()
    for step in steps:
        before = dict(world.held)
        world.do(step)
        for name, model in before.items():
            now = world.held.get(name)
            if model.state == "draining":
                assert now is None or now.state == "draining" or step[:2] == ("gone", name)
            else:
                assert now is not None


@settings(max_examples=50)
@given(STEPS)
def test_whoever_waits_is_served_once_leases_end(steps: list[Step]) -> None:
    world = after(steps)
    for _ in range(40):
        for name in SIZES:
            for kind in ("loaded", "release", "gone"):
                world.do((kind, name, 0))
        moment = world.plan().look_again_at
        world.now = moment if world.waiting and moment else world.now
        world.replan()
    assert not world.waiting


@settings(max_examples=50)
@given(STEPS)
def test_whoever_waits_is_served_though_all_that_is_there_is_used_without_a_pause(steps: list[Step]) -> None:
    world = after(steps)
    waiting = set(world.waiting)
    for _ in range(60):
        for name, model in list(world.held.items()):
            if model.state == "resident":
                world.do(("ask", name, 0))  # the next one is there before the last one goes
            if model.leases:
                world.do(("release", name, 0))
            world.do(("loaded", name, 0))
            world.do(("gone", name, 0))
        waiting &= set(world.waiting)
        for name in SIZES:
            world.do(("ask", name, 0))
        world.do(("wait", "", 0.5))
    assert not waiting
