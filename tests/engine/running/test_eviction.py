"""What is loaded, what leaves for it, what is refused: each rule on a case that it decides."""

from __future__ import annotations

from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from tamis_engine.running.eviction import Held, Parked, Plan, Policy, Wanted, parking, plan

NOW = 1000.0
POLICY = Policy(budget_bytes=10)


def resident(
    name: str, size: int, used: float = NOW - 100, *, leases: int = 0, pinned: bool = False, loaded: float = NOW - 200
) -> Held:
    return Held(name, "resident", size, leases, pinned, loaded, used)


def draining(name: str, size: int, leases: int = 1) -> Held:
    return Held(name, "draining", size, leases, False, NOW - 200, NOW)


def wanted(name: str, size: int, waited: float = 0.0, *, pinned: bool = False) -> Wanted:
    return Wanted(name, size, NOW - waited, pinned)


def planned(*models: Held | Wanted, policy: Policy = POLICY, now: float = NOW) -> Plan:
    held = [model for model in models if isinstance(model, Held)]
    return plan(held, [model for model in models if isinstance(model, Wanted)], policy, now)


def test_what_fits_is_loaded_at_once_and_nothing_leaves() -> None:
    assert planned(resident("a", 4, NOW), wanted("b", 6)) == Plan(load=("b",), look_again_at=NOW + 300)


def test_nothing_is_done_where_nobody_waits() -> None:
    assert planned() == Plan()


def test_what_can_never_fit_is_refused_with_the_numbers_and_nothing_leaves_for_it() -> None:
    policy = Policy(2_000_000_000)
    made = planned(
        resident("a", 1_500_000_000, pinned=True), resident("b", 100), wanted("c", 900_000_000), policy=policy
    )
    assert made.drain == made.load == ()
    assert made.refuse == (
        (
            "c",
            "Model 'c' needs 900 MB, but the budget for models is 2 GB, of which 1.5 GB are pinned. "
            "Raise it with TAMIS_ENGINE_MEMORY, or unpin a model.",
        ),
    )


def test_a_model_over_the_whole_budget_is_not_told_to_unpin_others() -> None:
    ((_, reason),) = planned(resident("a", 4), wanted("c", 11)).refuse
    assert reason == "Model 'c' needs 11 B, but the budget for models is 10 B. Raise it with TAMIS_ENGINE_MEMORY."


def test_a_pinned_model_on_its_way_out_is_no_reason_to_refuse() -> None:
    leaving = Held("a", "draining", 8, 1, True, 0, 0)
    assert planned(leaving, wanted("b", 9)) == Plan()


def test_an_older_waiter_that_will_be_pinned_counts_as_pinned_for_those_behind_it() -> None:
    made = planned(wanted("a", 8, 2, pinned=True), wanted("b", 3, 1))
    assert made.load == ("a",)
    assert [name for name, _ in made.refuse] == ["b"]


def test_the_least_recently_used_leaves() -> None:
    made = planned(resident("a", 5, NOW - 1), resident("b", 5, NOW - 2), wanted("c", 5))
    assert made.drain == ("b",)
    assert made.load == ()


def test_one_leaves_rather_than_three() -> None:
    made = planned(
        resident("a", 2, NOW - 9),
        resident("b", 2, NOW - 8),
        resident("c", 2, NOW - 7),
        resident("d", 4),
        wanted("e", 4),
    )
    assert made.drain == ("d",)


def test_bytes_are_free_only_once_the_model_is_gone() -> None:
    assert planned(draining("a", 6, leases=0), wanted("b", 5)) == Plan()
    assert planned(wanted("b", 5)).load == ("b",)


def test_room_that_is_coming_is_counted_so_nobody_else_leaves_for_the_same_need() -> None:
    assert planned(draining("a", 6), resident("b", 4, NOW), wanted("c", 6)).drain == ()


def test_a_model_in_use_stays_until_the_waiter_has_waited_long_enough() -> None:
    busy = resident("a", 8, leases=3)
    assert planned(busy, wanted("b", 8, waited=1.5)) == Plan(look_again_at=NOW + 0.5)
    assert planned(busy, wanted("b", 8, waited=2)).drain == ("a",)


def test_a_model_in_use_stays_where_idle_ones_are_enough() -> None:
    made = planned(resident("a", 5, NOW - 200, leases=1), resident("b", 5), wanted("c", 5, waited=99))
    assert made.drain == ("b",)


def test_idle_ones_stay_while_they_are_not_enough() -> None:
    assert planned(resident("a", 2), resident("b", 8, leases=1), wanted("c", 9, waited=1)).drain == ()


def test_no_more_in_use_leave_than_must() -> None:
    made = planned(resident("a", 3), resident("b", 2, leases=1), resident("c", 5, leases=1), wanted("d", 5, waited=9))
    assert set(made.drain) == {"a", "b"}


def test_a_model_that_has_just_come_stays_a_moment() -> None:
    young = resident("a", 8, loaded=NOW - 0.25)
    assert planned(young, wanted("b", 8, waited=99)) == Plan(look_again_at=NOW + 0.75)
    assert planned(young, wanted("b", 8), now=NOW + 0.75).drain == ("a",)


def test_a_pinned_model_never_leaves() -> None:
    made = planned(resident("a", 5, 0, pinned=True), resident("b", 5, NOW), wanted("c", 5))
    assert made.drain == ("b",)


def test_the_oldest_waiter_is_served_first() -> None:
    made = planned(wanted("young", 6, 1), wanted("old", 6, 2))
    assert made.load == ("old",)


def test_nobody_takes_the_room_that_an_older_waiter_needs() -> None:
    made = planned(draining("a", 3), draining("b", 3), wanted("old", 6, 2), wanted("young", 4, 1))
    assert made.load == ()


def test_nobody_overtakes_while_nothing_can_be_chosen_for_an_older_waiter() -> None:
    made = planned(resident("a", 8, leases=1), resident("b", 1), wanted("old", 9, 1), wanted("young", 1))
    assert made == Plan(look_again_at=NOW + 1)


def test_a_small_one_overtakes_where_that_costs_the_older_nothing() -> None:
    """The older one waits for all of `a` anyway, and leaves some of it."""
    made = planned(draining("a", 8), wanted("old", 7, 2), wanted("small", 2, 1))
    assert made.load == ("small",)


def test_a_later_waiter_gets_victims_of_its_own() -> None:
    made = planned(resident("a", 5), resident("b", 5), wanted("c", 5, 2), wanted("d", 5, 1))
    assert set(made.drain) == {"a", "b"}


def test_who_wants_a_model_that_is_leaving_waits_until_it_is_gone() -> None:
    leaving = draining("a", 2)
    assert planned(leaving, wanted("a", 2)) == Plan()
    assert planned(leaving, wanted("a", 2, 1), wanted("b", 6)).load == ("b",)


def test_a_model_that_is_there_is_not_loaded_again() -> None:
    assert planned(resident("a", 2, NOW), wanted("a", 2)).load == ()


def test_an_idle_model_leaves_when_its_keep_alive_ends_and_a_busy_or_pinned_one_does_not() -> None:
    models = (resident("a", 1, NOW - 300), resident("b", 1, 0, leases=1), resident("c", 1, 0, pinned=True))
    assert planned(*models) == Plan(drain=("a",))


def test_a_keep_alive_of_its_own_wins() -> None:
    brief = Held("a", "resident", 1, 0, False, 0, NOW - 5, keep_seconds=5)
    forever = Held("b", "resident", 1, 0, False, 0, 0, keep_seconds=float("inf"))
    assert planned(brief, forever) == Plan(drain=("a",))


def test_what_no_one_knows_the_size_of_gets_a_quarter_of_the_budget() -> None:
    assert planned(resident("a", 9, leases=1), wanted("b", 0)).load == ()
    assert planned(resident("a", 7, leases=1), wanted("b", 0), policy=Policy(9)).load == ("b",)
    assert planned(Held("a", "loading", 0, 0, False, 0, 0), wanted("b", 7), policy=Policy(8)).load == ()


def test_what_no_one_knows_the_size_of_makes_do_with_what_pins_leave() -> None:
    assert planned(resident("a", 9, pinned=True), wanted("b", 0), policy=POLICY).load == ("b",)
    ((_, reason),) = planned(resident("a", 10, pinned=True), wanted("b", 0)).refuse
    assert reason.startswith("Model 'b' needs some memory, but")


def test_where_a_model_took_more_than_expected_others_leave_even_in_use() -> None:
    assert planned(resident("a", 7, NOW, loaded=NOW, leases=1), resident("b", 5, NOW, loaded=NOW)).drain == ("b",)
    assert planned(resident("a", 12, NOW, loaded=NOW, leases=1)).drain == ("a",)


@given(st.lists(st.tuples(st.integers(1, 9), st.integers(0, 5)), max_size=6), st.integers(1, 30))
def test_as_few_as_will_do_leave_and_of_those_the_least_recently_used(models: list[tuple[int, int]], need: int) -> None:
    held = [resident(f"m{number}", size, used) for number, (size, used) in enumerate(models)]
    total = sum(model.footprint_bytes for model in held)
    policy = Policy(max(total, need), keep_alive_seconds=float("inf"))
    made = plan(held, [wanted("new", need)], policy, NOW)

    lacking = total + need - policy.budget_bytes
    enough = [
        sorted((model.used_at, model.name) for model in chosen)
        for count in range(len(held) + 1)
        for chosen in combinations(held, count)
        if sum(model.footprint_bytes for model in chosen) >= lacking
    ]
    assert sorted((model.used_at, model.name) for model in held if model.name in made.drain) == min(
        enough, key=lambda chosen: (len(chosen), chosen)
    )


def test_the_longest_parked_are_dropped_for_one_more() -> None:
    parked = [Parked("new", 3, 2), Parked("old", 3, 1)]
    assert parking(4, parked, 10) == ()
    assert parking(5, parked, 10) == ("old",)
    assert parking(10, parked, 10) == ("old", "new")


def test_what_is_larger_than_the_room_for_parked_models_is_dropped_alone() -> None:
    assert parking(11, [Parked("a", 3, 1)], 10) is None
