"""The model of capacity: costs come out of load tests as they went in, and needs follow from them."""

from __future__ import annotations

import pytest

from loadtest.capacity import FILL, Cost, busy, fit, most, needs
from loadtest.histograms import Latencies
from loadtest.recording import Part, Recording

COSTS = {
    "featurizer": Cost(idle=0.02, message=800e-6, play=1.5e-3),
    "worker": Cost(idle=0.0, message=900e-6, play=2e-3),
    "scorer": Cost(idle=0.01, message=0.0, play=1e-3),
}


def played(seconds: float, messages: int, plays: int, workers: int = 1) -> Recording:
    """A load test whose processes took what `COSTS` say."""
    took = {kind: cost.idle * seconds + cost.message * messages + cost.play * plays for kind, cost in COSTS.items()}
    shared = took.pop("worker") / workers
    parts = {**took, **{f"worker-{number + 1}": shared for number in range(workers)}}
    return Recording(
        scenario="sunday",
        scale=1,
        target="a test",
        games=14,
        seconds=seconds,
        messages=messages,
        plays_told=plays,
        plays_recorded=plays,
        plays_scored=plays,
        flat_out=False,
        lag=Latencies(),
        readable=Latencies(),
        parts={name: Part(cpu, 10**8) for name, cpu in parts.items()},
    )


def test_costs_are_found_in_tests_that_differ_in_what_they_ask() -> None:
    tests = [
        played(60, 8_000, 200),
        played(60, 32_000, 800, workers=4),
        played(20, 120, 4_000),
        played(60, 20_000, 100),
    ]
    found = fit(tests)
    assert set(found) == set(COSTS)
    for kind, cost in COSTS.items():
        assert found[kind].idle == pytest.approx(cost.idle, abs=1e-6)
        assert found[kind].message == pytest.approx(cost.message, abs=1e-9)
        assert found[kind].play == pytest.approx(cost.play, abs=1e-7)


def test_the_most_games_are_those_that_keep_all_cores_busy() -> None:
    games = most(COSTS, 2, messages_a_game=10, plays_a_game=0.2)
    assert busy(COSTS, 10 * games, 0.2 * games) == pytest.approx(2)


def test_more_games_never_need_less_and_no_pod_is_filled_above_what_is_planned() -> None:
    before = needs(COSTS, 1)
    for games in (10, 100, 1000):
        now = needs(COSTS, games)
        for kind, need in now.items():
            assert need.pods >= before[kind].pods
            games_cores = need.cores - COSTS[kind].idle
            assert games_cores / need.pods + COSTS[kind].idle <= FILL + 1e-9 or need.pods == 1
        before = now
