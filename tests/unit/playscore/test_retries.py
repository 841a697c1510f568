"""Retries stop where they would only add to the load."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from playscore.client import RetryBudget, pause_after
from playscore.client.retries import RETRIED_ANYWAY, RETRIED_PART
from playscore.errors import PlayscoreError, Reason


class Clock:
    """A clock that is set."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


def retries(budget: RetryBudget, calls: int) -> int:
    """How often calls that all fail are made again, each as often as the budget has it."""
    made = 0
    for _ in range(calls):
        budget.called()
        while budget.take():
            made += 1
    return made


def test_a_few_calls_may_be_repeated_however_few_there_were() -> None:
    assert retries(RetryBudget(Clock()), 1) == RETRIED_ANYWAY


@given(st.integers(50, 2000))
def test_a_fresh_budget_repeats_a_tenth_of_what_fails_at_most(calls: int) -> None:
    assert retries(RetryBudget(Clock()), calls) <= RETRIED_PART * calls


def test_calls_that_succeeded_allow_no_storm_afterwards() -> None:
    clock = Clock()
    budget = RetryBudget(clock)
    for _ in range(100_000):
        clock.seconds += 0.01
        budget.called()
    assert retries(budget, 1) <= RETRIED_PART * 60.0 / 0.01 + 1


def test_what_was_long_ago_counts_no_more() -> None:
    clock = Clock()
    budget = RetryBudget(clock)
    assert retries(budget, 1) == RETRIED_ANYWAY
    clock.seconds += 600.0
    assert retries(budget, 1) >= RETRIED_ANYWAY - 1


def test_nobody_comes_back_sooner_than_they_were_asked_to_nor_all_at_once() -> None:
    asked = PlayscoreError(Reason.OVERLOADED, "full", retry_after_seconds=2.0)
    pauses = {pause_after(asked, 0.05) for _ in range(50)}
    assert all(2.0 <= pause <= 3.0 for pause in pauses)
    assert len(pauses) > 10
    assert pause_after(asked, 10.0) == 10.0
    assert pause_after(ConnectionError("refused"), 0.05) == 0.05
