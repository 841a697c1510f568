"""A rating is the shrunk mean against the reference population, on the scale of 50 to 99."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from playscore.ratings import HIGHEST, LOWEST, above_expected, rate
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


# --- Above expected ---

CHANCES = st.lists(st.floats(0.0, 1.0), min_size=1, max_size=60)


def above(chances: list[float], came_off: int) -> tuple[float, float, float]:
    """Low, value and high."""
    p = np.array(chances)
    sums = (float(came_off), p.sum(), (p * (1 - p)).sum(), (p * (1 - p) * (1 - 2 * p)).sum())
    found = above_expected(np.array([len(chances)]), *(np.array([each]) for each in sums))
    return float(found.low[0]), float(found.value[0]), float(found.high[0])


def test_above_expected_by_hand() -> None:
    # 100 chances of 0.1: E = 10, V = 9, T = 7.2, a slope of 0.8. G = 14: (14 - M)^2 = 1.645^2 (9 + 0.8 (M - 10)).
    low, value, high = above([0.1] * 100, 14)
    assert value == pytest.approx(4.0)
    for end in (low, high):
        mean = 10.0 + end
        assert (14 - mean) ** 2 == pytest.approx(1.6448536**2 * (9 + 0.8 * (mean - 10)))
    assert low < value < high


def test_of_even_chances_the_interval_is_that_of_a_normal_distribution() -> None:
    low, value, high = above([0.5] * 400, 220)
    assert (low, value, high) == pytest.approx((20 - 16.448536, 20, 20 + 16.448536))


@given(CHANCES, st.data())
def test_the_interval_holds_what_came_off_and_nothing_impossible(chances: list[float], data: st.DataObject) -> None:
    low, value, high = above(chances, data.draw(st.integers(0, len(chances))))
    assert -sum(chances) - 1e-9 <= low <= value <= high <= len(chances) - sum(chances) + 1e-9


@given(CHANCES, st.data())
def test_more_that_came_off_is_never_worth_less(chances: list[float], data: st.DataObject) -> None:
    more = data.draw(st.integers(1, len(chances)))
    for fewer, better in zip(above(chances, more - 1), above(chances, more), strict=True):
        assert fewer <= better + 1e-9


def test_certain_plays_and_no_plays_leave_no_doubt() -> None:
    assert above([1.0, 1.0, 0.0], 2) == (0.0, 0.0, 0.0)
    nothing = np.zeros(1)
    found = above_expected(np.zeros(1, np.intp), nothing, nothing, nothing, nothing)
    assert (found.low[0], found.value[0], found.high[0]) == (0.0, 0.0, 0.0)


def test_those_who_prevent_it_see_it_the_other_way() -> None:
    found = above_expected(np.array([50]), np.array([3.0]), np.array([5.0]), np.array([4.0]), np.array([3.0]))
    saved = -found
    assert (saved.value, saved.low, saved.high) == (-found.value, -found.high, -found.low)
    assert saved.low[0] < saved.value[0] == 2.0 < saved.high[0]


@pytest.mark.parametrize("odds_ratio", [0.7, 1.0, 1.4])
@pytest.mark.parametrize(("count", "empty_nets"), [(50, 0), (100, 2), (400, 0), (400, 10)])
def test_ninety_percent_intervals_hold_the_true_mean_nine_times_in_ten(
    odds_ratio: float, count: int, empty_nets: int
) -> None:
    random = np.random.default_rng(count + empty_nets)
    covered = [
        coverage(np.append(chances, np.full(empty_nets, 0.7)), odds_ratio)
        for chances in 1.0 / (1.0 + np.exp(-random.normal(-3.05, 1.05, (40, count - empty_nets))))
    ]
    assert 0.88 <= np.mean(covered) <= 0.93


def coverage(chances: NDArray[np.float64], odds_ratio: float) -> float:
    """How probable it is that the interval holds the mean, were all odds greater by a ratio; by the exact distribution
    of how many come off.
    """
    true = odds_ratio * chances / (1.0 - chances + odds_ratio * chances)
    probability = np.ones(1)
    for each in true:
        probability = np.append(probability * (1 - each), 0.0) + np.append(0.0, probability * each)
    came_off = np.arange(len(chances) + 1.0)
    held = []
    for count in came_off[probability > 1e-9]:
        low, _, high = above(chances.tolist(), int(count))
        held.append(low <= true.sum() - chances.sum() <= high)
    return float(probability[probability > 1e-9][held].sum())
