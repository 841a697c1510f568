"""A rating is the shrunk mean against the reference population, on the scale of 50 to 99."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.core.ratings import qualifying_plays, rank, rate
from tests.unit.aggregator.scores import POPULATION

COUNTS = st.integers(0, 1000)
MEANS = st.floats(0, 1)


def rated(plays: int, mean: float, **changed: float) -> tuple[float, float, float]:
    population = POPULATION.model_copy(update=changed)
    ratings = rate(np.array([plays]), np.array([plays * mean]), population)
    return float(ratings.rating[0]), float(ratings.low[0]), float(ratings.high[0])


def test_by_hand() -> None:
    # (300 * 0.52 + 100 * 0.5) / 400 = 0.515, three quarters of a standard deviation above the mean: 84 + 7 * 0.75.
    # The posterior's standard deviation is 0.3 / sqrt(400) = 0.015, of which 1.645 make 0.0247 or 8.64 points.
    rating, low, high = rated(300, 0.52)
    assert rating == pytest.approx(89.25)
    assert (low, high) == (pytest.approx(89.25 - 8.636, abs=1e-3), pytest.approx(min(99, 89.25 + 8.636), abs=1e-3))


def test_the_interval_of_nobody_is_that_of_the_population_of_true_means() -> None:
    # tau^2 = s^2 / k: the spread of true means that the shrinkage stands for.
    rating, low, high = rated(0, 0.0, standard_deviation=0.1)
    assert rating == 84.0
    tau = POPULATION.play_standard_deviation / math.sqrt(POPULATION.shrinkage_plays)
    assert 84 - low == pytest.approx(7 * 1.6448536 * tau / 0.1)
    assert high == pytest.approx(84 + (84 - low))


def test_without_shrinkage_and_without_plays_anything_is_possible() -> None:
    assert rated(0, 0.0, shrinkage_plays=0) == (84.0, 50.0, 99.0)


@given(COUNTS, MEANS)
def test_ratings_stay_on_the_scale_and_within_their_interval(plays: int, mean: float) -> None:
    rating, low, high = rated(plays, mean)
    assert 50 <= low <= rating <= high <= 99


@given(COUNTS, MEANS, MEANS)
def test_the_better_mean_never_has_the_lower_rating(plays: int, one: float, other: float) -> None:
    worse, better = sorted((one, other))
    assert rated(plays, worse)[0] <= rated(plays, better)[0]


@given(st.integers(0, 500), st.integers(1, 500), st.floats(0.5, 0.53))
def test_more_plays_of_the_same_mean_go_farther_from_84_and_are_surer(plays: int, more: int, mean: float) -> None:
    few, many = rated(plays, mean), rated(plays + more, mean)
    assert many[0] >= few[0] - 1e-9
    assert many[0] - many[1] <= few[0] - few[1] + 1e-9


@given(st.lists(st.tuples(st.sampled_from([50.0, 80.5, 99.0]) | st.floats(50, 99), st.booleans()), min_size=1))
def test_a_rank_is_one_more_than_the_qualified_with_a_higher_rating(peers: list[tuple[float, bool]]) -> None:
    ratings, qualified = np.array([rating for rating, _ in peers]), np.array([good for _, good in peers])
    expected = [1 + sum(q and r > rating for r, q in peers) if good else 0 for rating, good in peers]
    assert rank(ratings, qualified).tolist() == expected


def test_a_split_qualifies_in_its_proportion_of_a_season() -> None:
    assert qualifying_plays(POPULATION, 18_000, 18_000) == 200
    assert qualifying_plays(POPULATION, 4_500, 18_000) == 50
    assert qualifying_plays(POPULATION, 91, 18_000) == 2
    assert qualifying_plays(POPULATION, 1, 18_000) == 1
    assert qualifying_plays(POPULATION, 0, 18_000) == 1
    assert qualifying_plays(POPULATION, 0, 0) == 200
