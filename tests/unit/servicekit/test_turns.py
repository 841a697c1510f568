"""Callers take turns, whatever each of them has waiting."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from servicekit.turns import Turns


def filled(*items: tuple[str, int, float]) -> Turns[tuple[str, int]]:
    turns: Turns[tuple[str, int]] = Turns()
    for caller, number, cost in items:
        turns.put(caller, (caller, number), cost)
    return turns


def test_one_from_each_in_every_round_first_come_first_served_within_one() -> None:
    turns = filled(("a", 1, 1), ("a", 2, 1), ("a", 3, 1), ("b", 1, 1), ("c", 1, 1), ("c", 2, 1))
    taken = [turns.take() for _ in range(len(turns))]
    assert taken == [("a", 1), ("b", 1), ("c", 1), ("a", 2), ("c", 2), ("a", 3)]
    assert turns.take() is None


def test_who_comes_new_waits_for_one_turn_of_the_others() -> None:
    turns = filled(*(("greedy", number, 1.0) for number in range(1000)))
    for _ in range(500):
        turns.take()
    turns.put("modest", ("modest", 1))
    assert ("modest", 1) in [turns.take(), turns.take()]


@given(st.lists(st.sampled_from([1.0, 2.0, 8.0]), min_size=2, max_size=6))
def test_callers_are_served_the_same_whatever_their_calls_cost(costs: list[float]) -> None:
    turns = filled(*((str(place), number, cost) for place, cost in enumerate(costs) for number in range(200)))
    served: Counter[str] = Counter()
    for _ in range(150):
        taken = turns.take()
        assert taken is not None
        served[taken[0]] += int(costs[int(taken[0])])
    assert max(served.values()) - min(served.values()) <= 2 * max(costs)


def test_who_may_not_have_their_turn_is_passed_over() -> None:
    turns = filled(("a", 1, 1), ("b", 1, 1), ("a", 2, 1))
    assert turns.take(lambda item: item[0] != "a") == ("b", 1)
    assert turns.take(lambda item: item[0] != "a") is None
    assert [turns.take(), turns.take()] == [("a", 1), ("a", 2)]


def test_what_is_taken_out_has_no_turn() -> None:
    turns = filled(("a", 1, 1), ("b", 1, 2))
    kept, other = list(turns)
    assert turns.remove("b", other)
    assert not turns.remove("b", other)
    assert (len(turns), turns.cost) == (1, 1)
    assert turns.take() is kept


def test_what_is_ahead_of_a_caller_is_no_more_of_each_other_than_of_themselves() -> None:
    turns = filled(*(("greedy", number, 1.0) for number in range(1000)), ("b", 1, 1.0))
    assert turns.ahead_of("greedy", 1.0) == 1002
    assert turns.ahead_of("b", 1.0) == 4
    assert turns.ahead_of("new", 1.0) == 3
