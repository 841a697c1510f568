"""Means, variances and entropies, without bounds and clamped to an interval."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from playscore.distributions import SplicedBinnedPareto
from tests.unit.distributions.examples import (
    Array,
    breaks,
    distributions,
    exponential,
    integral,
)

pytestmark = pytest.mark.filterwarnings("error")


@given(distributions(heaviest=0.7))
@settings(max_examples=60)
def test_mean_and_entropy_equal_quadrature(dist: SplicedBinnedPareto) -> None:
    def density(x: Array) -> Array:
        return np.exp(np.asarray(dist.log_prob(x), dtype=np.float64))

    def surprise(x: Array) -> Array:
        log_density = dist.log_prob(x)
        return np.where(log_density > -np.inf, -np.maximum(log_density, -1e3) * np.exp(log_density), 0.0)

    points = breaks(dist)
    assert float(dist.mean()) == pytest.approx(integral(lambda x: x * density(x), points), rel=1e-6, abs=1e-5)
    assert float(dist.entropy()) == pytest.approx(integral(surprise, points), abs=1e-5)


@given(distributions(), st.floats(-60, 60), st.floats(0, 60))
@settings(max_examples=50)
def test_mean_on_the_field_equals_quadrature(dist: SplicedBinnedPareto, low: float, width: float) -> None:
    high = low + width
    points = breaks(dist)
    inner = points[(points > low) & (points < high)]
    expected = low + integral(dist.sf, np.unique(np.concatenate([[low, high], inner])))
    assert float(dist.mean(low, high)) == pytest.approx(expected, abs=1e-9)
    assert low - 1e-9 <= float(dist.mean(low, high)) <= high + 1e-9


def test_mean_clamped_on_one_side() -> None:
    dist = exponential(upper_shape=0.5)
    assert float(dist.mean(low=1.0)) == pytest.approx(float(dist.mean(1.0, 1e15)), abs=1e-6)
    assert float(dist.mean(high=1.0)) == pytest.approx(float(dist.mean(-1e15, 1.0)), abs=1e-12)
    assert float(dist.mean(1e6, -1e6)) == -1e6
    assert dist.mean([-9.0, 0.0], [[9.0], [1.0]]).shape == (2, 2)


def test_mean_is_infinite_where_a_tail_is_too_heavy_for_it() -> None:
    heavy = exponential(lower_shape=[0.2, 1.0, 1.3], upper_shape=[1.0, 0.2, 1.3])
    assert heavy.mean()[:2].tolist() == [np.inf, -np.inf]
    assert np.isnan(heavy.mean()[2])
    assert np.isfinite(heavy.mean(-10, 110)).all()


def squared_distance_from_the_mean(dist: SplicedBinnedPareto, low: float, high: float) -> float:
    """The variance of X clamped to [low, high], by quadrature of its distribution function."""
    mean, points = float(dist.mean(low, high)), breaks(dist)
    below = np.unique(np.concatenate([[low, mean], points[(points > low) & (points < mean)]]))
    above = np.unique(np.concatenate([[mean, high], points[(points > mean) & (points < high)]]))
    squares = integral(lambda t: (mean - t) * dist.cdf(t), below) + integral(lambda t: (t - mean) * dist.sf(t), above)
    return 2 * squares


@given(distributions(heaviest=0.35))
@settings(max_examples=60)
def test_variance_equals_quadrature(dist: SplicedBinnedPareto) -> None:
    points = breaks(dist)
    expected = squared_distance_from_the_mean(dist, points[0], points[-1])
    assert float(dist.var()) == pytest.approx(expected, rel=1e-7)


@given(distributions(), st.floats(-60, 60), st.floats(1e-3, 60))
@settings(max_examples=50)
def test_variance_on_the_field_equals_quadrature(dist: SplicedBinnedPareto, low: float, width: float) -> None:
    high = low + width
    variance = float(dist.var(low, high))
    assert variance == pytest.approx(squared_distance_from_the_mean(dist, low, high), rel=1e-6, abs=1e-10)
    assert 0 <= variance <= (high - low) ** 2 / 4 * (1 + 1e-12)


@given(distributions(heaviest=0.45), st.floats(-60, 60), st.floats(0, 60))
@settings(max_examples=50)
def test_std_is_the_root_of_the_variance(dist: SplicedBinnedPareto, low: float, width: float) -> None:
    assert float(dist.std()) ** 2 == pytest.approx(float(dist.var()), rel=1e-14)
    assert float(dist.std(low, low + width)) ** 2 == pytest.approx(float(dist.var(low, low + width)), rel=1e-14)


@given(distributions(), st.floats(-60, 60), st.floats(0, 60))
@settings(max_examples=50)
def test_a_mirror_image_has_the_same_variance(dist: SplicedBinnedPareto, low: float, width: float) -> None:
    high = low + width
    mirrored = SplicedBinnedPareto.from_probabilities(
        -dist.edges[::-1],
        dist.probabilities[::-1],
        dist.upper_shape,
        dist.upper_scale,
        dist.lower_shape,
        dist.lower_scale,
        dist.upper_tail,
        dist.lower_tail,
    )
    assert float(mirrored.var(-high, -low)) == pytest.approx(float(dist.var(low, high)), rel=1e-9, abs=1e-13)
    assert float(mirrored.prob(-high, -low)) == pytest.approx(float(dist.prob(low, high)), rel=1e-9, abs=1e-14)


def test_variance_does_not_lose_digits_to_the_location() -> None:
    here, far = (
        SplicedBinnedPareto(np.arange(8.0) + location, np.arange(7.0), 0.2, 1.0, 0.3, 2.0) for location in (0, 2**30)
    )
    assert float(far.var()) == pytest.approx(float(here.var()), rel=1e-6)  # The thresholds are rounded to 1e-7.
    assert float(far.var(2**30, 2**30 + 3)) == pytest.approx(float(here.var(0, 3)), rel=1e-6)


def test_variance_is_infinite_where_a_tail_is_too_heavy_for_it() -> None:
    shapes = [0.2, 0.499, 0.5, 0.9, 1.0, 1.3]
    assert np.isfinite(exponential(upper_shape=shapes).var()).tolist() == [True, True, False, False, False, False]
    for heavy in (exponential(upper_shape=shapes), exponential(lower_shape=shapes)):
        assert (heavy.var()[2:] == np.inf).all()
        assert (heavy.std()[2:] == np.inf).all()
        assert np.isfinite(heavy.var(-10, 110)).all()
    # Infinite even where the mean does not exist.
    assert float(exponential(lower_shape=1.5, upper_shape=1.5).var()) == np.inf
    # A bound on the heavy side makes it finite; one on the other side does not.
    assert np.isfinite(exponential(upper_shape=shapes).var(high=110)).all()
    assert np.isinf(exponential(upper_shape=shapes).var(low=-10)[2:]).all()


def test_a_variance_beyond_the_largest_number_is_infinite() -> None:
    heavy = exponential(upper_shape=3.0)
    assert float(heavy.var(-1.0, 1e308)) == np.inf
    assert float(heavy.var(1e300, 1e308)) == np.inf


def test_what_is_clamped_to_a_point_does_not_vary() -> None:
    dist = exponential(upper_shape=0.9)
    low = [3.0, 5.0, -np.inf, np.inf, np.inf]
    high = [3.0, 4.0, -np.inf, np.inf, -np.inf]
    assert dist.var(low, high).tolist() == dist.std(low, high).tolist() == [0.0] * 5


def test_variance_of_draws() -> None:
    dist = SplicedBinnedPareto(np.arange(8.0), np.arange(7.0), 0.05, 1.0, 0.1, 2.0)
    draws = dist.sample(200_000, np.random.default_rng(0))
    assert float(draws.std()) == pytest.approx(float(dist.std()), rel=0.02)
    assert float(np.clip(draws, 2, 9).std()) == pytest.approx(float(dist.std(2, 9)), rel=0.02)
