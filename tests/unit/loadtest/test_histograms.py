"""Histograms keep what a verdict needs: counts at a budget, exactly; quantiles, to three digits."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loadtest.histograms import Latencies, together
from loadtest.scraping import parse

SECONDS = st.floats(1e-5, 100.0)


@settings(max_examples=25, deadline=None)
@given(st.lists(SECONDS, min_size=1, max_size=200), st.sampled_from([0.5, 0.9, 0.99]))
def test_quantiles_are_true_to_three_digits(seconds: list[float], share: float) -> None:
    exact = float(np.quantile(seconds, share, method="inverted_cdf"))
    assert Latencies(seconds).quantile(share) == pytest.approx(exact, rel=2e-3, abs=2e-6)


@settings(max_examples=25, deadline=None)
@given(st.lists(SECONDS, max_size=100), st.floats(1e-3, 10.0))
def test_what_is_clearly_above_a_budget_is_counted_and_nothing_that_is_clearly_below(
    seconds: list[float], budget: float
) -> None:
    above = Latencies(seconds).above(budget)
    assert sum(each > 1.003 * budget for each in seconds) <= above <= sum(each > 0.998 * budget for each in seconds)


def test_latencies_come_back_from_json() -> None:
    latencies = Latencies([0.001, 0.02, 0.3, 4.0])
    again = Latencies.from_json(latencies.as_json())
    assert (again.count, again.quantile(0.5), again.longest) == (4, latencies.quantile(0.5), latencies.longest)
    assert math.isnan(Latencies().quantile(0.5))


METRICS = """\
# HELP taken_seconds Time.
# TYPE taken_seconds histogram
taken_seconds_bucket{le="0.01",method="A"} 3
taken_seconds_bucket{le="0.05",method="A"} 5
taken_seconds_bucket{le="+Inf",method="A"} 6
taken_seconds_count{method="A"} 6
taken_seconds_sum{method="A"} 0.5
taken_seconds_bucket{le="0.01",method="B"} 1
taken_seconds_bucket{le="0.05",method="B"} 1
taken_seconds_bucket{le="+Inf",method="B"} 1
taken_seconds_count{method="B"} 1
taken_seconds_sum{method="B"} 0.001
# TYPE other_total counter
other_total 3
"""


def test_a_services_histograms_are_read_by_series() -> None:
    a, b = parse(METRICS, frozenset({"taken_seconds"}))
    assert (a.labels, a.count, a.within(0.05), a.at_most(0.5), a.at_most(0.99)) == (
        {"method": "A"},
        6,
        5,
        0.01,
        math.inf,
    )
    (both,) = together([a, b], ()).values()
    assert (both.count, both.within(0.05)) == (7, 6)


def test_what_was_observed_before_is_taken_off_unless_the_process_began_anew() -> None:
    before, _ = parse(METRICS, frozenset({"taken_seconds"}))
    more, _ = parse(METRICS.replace("} 6", "} 9"), frozenset({"taken_seconds"}))
    assert more.since(before).counts == {0.01: 0, 0.05: 0, math.inf: 3}
    assert before.since(more).count == 6
