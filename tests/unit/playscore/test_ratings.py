"""A rating is the shrunk mean against the reference population, on the scale of 50 to 99."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from playscore.ratings import HIGHEST, LOWEST, rate
from playscore.release import ReferencePopulation

POPULATION = ReferencePopulation(
    description="made up",
    subjects=31,
    min_plays=200,
    mean=0.5,
    standard_deviation=0.02,
    play_standard_deviation=0.3,
    shrinkage_plays=100,
)

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
    assert (low, high) == pytest.approx((89.25 - 8.636, min(99, 89.25 + 8.636)), abs=1e-3)


def test_without_plays_the_interval_is_that_of_the_population_of_true_means() -> None:
    # tau^2 = s^2 / k: the spread of true means that the shrinkage stands for.
    rating, low, high = rated(0, 0.0, standard_deviation=0.1)
    assert rating == 84.0
    tau = POPULATION.play_standard_deviation / math.sqrt(POPULATION.shrinkage_plays)
    assert 84 - low == pytest.approx(7 * 1.6448536 * tau / 0.1)
    assert high == pytest.approx(84 + (84 - low))


def test_without_shrinkage_and_without_plays_anything_is_possible() -> None:
    assert rated(0, 0.0, shrinkage_plays=0) == (84.0, LOWEST, HIGHEST)


@given(COUNTS, MEANS)
def test_ratings_stay_on_the_scale_and_within_their_interval(plays: int, mean: float) -> None:
    rating, low, high = rated(plays, mean)
    assert LOWEST <= low <= rating <= high <= HIGHEST


@given(COUNTS, MEANS, MEANS)
def test_the_better_mean_never_has_the_lower_rating(plays: int, one: float, other: float) -> None:
    worse, better = sorted((one, other))
    assert rated(plays, worse)[0] <= rated(plays, better)[0]


@given(st.integers(0, 500), st.integers(1, 500), st.floats(0.5, 0.53))
def test_more_plays_of_the_same_mean_go_farther_from_84_and_are_surer(plays: int, more: int, mean: float) -> None:
    few, many = rated(plays, mean), rated(plays + more, mean)
    assert many[0] >= few[0] - 1e-9
    assert many[0] - many[1] <= few[0] - few[1] + 1e-9
