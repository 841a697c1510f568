"""k6 judges by the budgets that everything else is judged by."""

from __future__ import annotations

import json

from loadtest.k6 import THRESHOLDS, as_json, thresholds
from servicekit.budgets import budgets


def test_the_thresholds_are_those_of_the_budgets() -> None:
    assert THRESHOLDS.read_text() == as_json(thresholds(budgets())), "run make generate"


def test_a_call_has_a_budget_of_time_and_one_of_answers_and_none_may_be_dropped() -> None:
    assert json.loads(THRESHOLDS.read_text()) == {
        "checks": ["rate>=0.999"],
        "dropped_iterations": ["count==0"],
        "grpc_req_duration": ["p(99)<=50"],
    }
