"""The distributions of the simulator, and the situation that they depend on."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.distribution import YardsDistribution
from simulator.situation import FIELD_WIDTH, measure

weights = st.lists(st.floats(0, 1), min_size=2, max_size=115).filter(lambda values: sum(values) > 0.01)
skills = st.floats(-0.9, 0.9)


def distribution_of(values: list[float]) -> YardsDistribution:
    return YardsDistribution(np.arange(-15, -15 + len(values)), np.array(values) / sum(values))


@given(weights, skills)
def test_a_tilted_distribution_is_a_distribution(values: list[float], skill: float) -> None:
    tilted = distribution_of(values).tilted(skill)
    assert tilted.probabilities.min() >= 0
    assert tilted.probabilities.sum() == pytest.approx(1)


@given(weights, skills)
def test_passers_of_opposite_skill_average_to_the_league(values: list[float], skill: float) -> None:
    distribution = distribution_of(values)
    mixture = (distribution.tilted(skill).probabilities + distribution.tilted(-skill).probabilities) / 2
    np.testing.assert_allclose(mixture, distribution.probabilities, atol=1e-12)


@given(weights, st.floats(0, 0.9))
def test_the_better_passer_gets_more_at_every_quantile(values: list[float], skill: float) -> None:
    distribution = distribution_of(values)
    levels = np.linspace(0.01, 0.99, 25)
    assert np.all(
        distribution.tilted(skill).cdf(distribution.support.astype(float))
        <= distribution.cdf(distribution.support.astype(float)) + 1e-12
    )
    assert np.all(distribution.tilted(skill).quantile(levels) >= distribution.tilted(-skill).quantile(levels))


@given(weights)
def test_the_cdf_and_the_quantile_are_inverse(values: list[float]) -> None:
    distribution = distribution_of(values)
    levels = np.linspace(0.001, 0.999, 50)
    reached = distribution.quantile(levels).astype(float)
    assert np.all(distribution.cdf(reached) >= levels - 1e-12)
    assert np.all(distribution.cdf(reached - 1) < levels + 1e-12)


def test_the_cdf_is_zero_below_the_support_and_one_above() -> None:
    distribution = distribution_of([1, 2, 1])
    np.testing.assert_array_equal(distribution.cdf(np.array([-16.0, -13.0, 200.0])), [0, 1, 1])


def test_the_situation_is_what_a_ruler_on_the_release_frame_says() -> None:
    positions = np.full((1, 22, 2), (-30.0, 2.0))
    positions[0, 0] = (-7, FIELD_WIDTH / 2)  # the passer
    positions[0, 6] = (10, FIELD_WIDTH / 2)  # the target
    positions[0, 11:] = (60, 2)
    positions[0, 11] = (-4, FIELD_WIDTH / 2)  # a rusher, 3 yards away, coming at 5 yards per second
    positions[0, 17] = (10, FIELD_WIDTH / 2 + 2)  # the cornerback, 2 yards away, falling behind at 1
    velocities = np.zeros((1, 22, 2))
    velocities[0, 11] = (-5, 0)
    velocities[0, 17] = (0, 1)
    at = measure(
        positions,
        velocities,
        np.array([6]),
        yards_to_end_zone=np.array([70.0]),
        down=np.array([1.0]),
        yards_to_go=np.array([10.0]),
    )
    assert at.separation[0] == pytest.approx(2)
    assert at.closing[0] == pytest.approx(-1)
    assert at.rusher_distance[0] == pytest.approx(3)
    assert at.rusher_closing[0] == pytest.approx(5)
    assert at.air_yards[0] == pytest.approx(10)
    assert at.throw_length[0] == pytest.approx(17)
    assert at.sideline_distance[0] == pytest.approx(FIELD_WIDTH / 2)
