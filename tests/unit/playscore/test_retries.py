"""Retries stop where they would only add to the load."""

from __future__ import annotations

from playscore.client import RetryBudget


def fails(budget: RetryBudget) -> bool:
    """A call fails; whether it may be repeated."""
    budget.failed()
    return budget.allows_retry()


def test_a_failure_among_successes_may_be_repeated() -> None:
    budget = RetryBudget()
    for _ in range(100):
        for _ in range(20):
            budget.succeeded()
        assert fails(budget)


def test_a_server_that_stays_down_is_soon_asked_no_more_than_once_a_request() -> None:
    budget = RetryBudget(capacity=10.0, tokens=10.0)
    assert sum(fails(budget) for _ in range(1000)) == 4


def test_a_server_that_came_back_earns_retries_again() -> None:
    budget = RetryBudget(capacity=10.0, tokens=10.0, earned_by_success=0.1)
    for _ in range(100):
        budget.failed()
    for _ in range(70):
        budget.succeeded()
    assert fails(budget)
