"""What a spliced binned Pareto distribution promises, checked against quadrature and against scipy's tails."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from playscore.distributions import SplicedBinnedPareto
from tests.unit.distributions.examples import (
    SHAPES,
    Array,
    breaks,
    distributions,
    exponential,
    field_distributions,
    integral,
)

pytestmark = pytest.mark.filterwarnings("error")


@given(distributions())
@settings(max_examples=80)
def test_density_integrates_to_one_and_to_the_distribution_function(dist: SplicedBinnedPareto) -> None:
    def density(x: Array) -> Array:
        return np.exp(np.asarray(dist.log_prob(x), dtype=np.float64))

    points = breaks(dist)
    assert integral(density, points) == pytest.approx(1, abs=1e-7)
    for upto in dist.edges:
        below = np.unique(np.append(points[points < upto], upto))
        assert integral(density, below) == pytest.approx(float(dist.cdf(upto)), abs=1e-7)


@given(distributions(), st.lists(st.floats(-300, 300), min_size=2, max_size=20))
@settings(max_examples=75)
def test_cdf_and_sf_are_complementary_and_monotonic(dist: SplicedBinnedPareto, some: list[float]) -> None:
    x = np.sort(np.concatenate([some, dist.edges, [dist.lower_threshold, dist.upper_threshold, -np.inf, np.inf]]))
    cdf, sf = dist.cdf(x), dist.sf(x)
    np.testing.assert_allclose(cdf + sf, 1, atol=2e-16)
    rounding = 4 * np.spacing(1.0)
    assert (np.diff(cdf) >= -rounding).all()
    assert (np.diff(sf) <= rounding).all()
    assert cdf[[0, -1]].tolist() == [0, 1]
    assert sf[[0, -1]].tolist() == [1, 0]


@pytest.mark.parametrize("shape", SHAPES)
def test_tails_are_generalized_pareto_however_far_out(shape: float) -> None:
    dist = exponential(lower_shape=shape, lower_scale=0.7, upper_shape=shape, upper_scale=1.3, upper_tail=0.1)
    tail = stats.genpareto(shape)
    z = np.array([0.0, 1e-9, 0.1, 1.1, 10.0, 300.0, 680.0, 9e3, 1e100])
    below, above = dist.lower_threshold - 0.7 * z, dist.upper_threshold + 1.3 * z
    np.testing.assert_allclose(dist.cdf(below), 0.05 * tail.sf(z), rtol=1e-12)
    np.testing.assert_allclose(dist.sf(above), 0.1 * tail.sf(z), rtol=1e-12)
    np.testing.assert_allclose(dist.log_prob(below), np.log(0.05 / 0.7) + tail.logpdf(z), rtol=1e-13)
    np.testing.assert_allclose(dist.log_prob(above), np.log(0.1 / 1.3) + tail.logpdf(z), rtol=1e-13)


def test_tails_begin_at_exactly_their_probabilities() -> None:
    dist = field_distributions(300)
    assert (dist.cdf(dist.lower_threshold) == 0.05).all()
    assert (dist.sf(dist.upper_threshold) == 0.05).all()
    np.testing.assert_array_equal(dist.icdf(0.05), dist.lower_threshold)
    np.testing.assert_array_equal(dist.isf(0.05), dist.upper_threshold)


@pytest.mark.parametrize("bins", [3, 20, 57, 200])
def test_thresholds_may_lie_on_edges_beside_empty_bins(bins: int) -> None:
    shares = np.zeros(bins + 3)
    shares[0], shares[2:-2], shares[-1] = 0.05, 0.9 / (bins - 1), 0.05
    dist = SplicedBinnedPareto.from_probabilities(np.arange(bins + 4.0), shares, 0.3, 1.0, 0.2, 2.0)
    # In the empty bin or at its ends, depending on how the sums are rounded.
    assert 1 - 1e-12 < dist.lower_threshold < 2 + 1e-12
    assert bins + 1 - 1e-12 < dist.upper_threshold < bins + 2 + 1e-12
    assert dist.log_prob([dist.lower_threshold, dist.upper_threshold]) == pytest.approx(np.log([0.05, 0.025]))
    points = breaks(dist)
    assert integral(lambda x: np.exp(dist.log_prob(x)), points) == pytest.approx(1, abs=1e-12)


@given(distributions(), st.floats(1e-9, 1 - 1e-9))
@settings(max_examples=75)
def test_quantiles_are_reached(dist: SplicedBinnedPareto, q: float) -> None:
    x = float(dist.icdf(q))
    step = 1e-9 * max(1.0, abs(x))
    assert float(dist.cdf(x - step)) <= q * (1 + 1e-12)
    assert float(dist.cdf(x + step)) >= q * (1 - 1e-12)


def test_icdf_inverts_cdf_where_doubles_can_tell_neighbors_apart() -> None:
    dist = field_distributions(500)
    x = dist.icdf(np.linspace(1e-6, 1 - 1e-6, 301)[:, None])
    dense = np.exp(dist.log_prob(x)) > 1e-6
    assert dense.mean() > 0.98
    np.testing.assert_allclose(dist.icdf(dist.cdf(x))[dense], x[dense], atol=1e-9, rtol=0)


@pytest.mark.parametrize("shape", SHAPES)
def test_quantiles_invert_both_tails_to_the_last_digits(shape: float) -> None:
    dist = exponential(lower_shape=shape, upper_shape=shape)
    levels = np.array([0.04, 1e-4, 1e-10, 1e-50, 1e-90])
    x = dist.icdf(levels)
    np.testing.assert_allclose(dist.icdf(dist.cdf(x)), x, rtol=2e-13)
    x = dist.isf(levels)
    np.testing.assert_allclose(dist.isf(dist.sf(x)), x, rtol=2e-13)
    if shape > -0.5:  # Otherwise, doubles near the end of the support cannot tell such levels apart.
        np.testing.assert_allclose(dist.sf(x)[:3], levels[:3], rtol=1e-4 if shape < 0 else 1e-12)


@pytest.mark.parametrize("shape", [1e-3, 1.3e-4, 1.2e-4, 1e-4, 1e-6, 1e-12])
@pytest.mark.parametrize("sign", [-1, 1])
def test_quantiles_run_smoothly_into_those_of_an_exponential_tail(shape: float, sign: int) -> None:
    dist = exponential(upper_shape=sign * shape)
    one_scale_up = float(dist.isf(0.05 / np.e) - dist.upper_threshold)
    assert one_scale_up == pytest.approx(np.expm1(sign * shape) / (sign * shape), abs=5e-15)


@given(distributions(), st.floats(0, 1))
@settings(max_examples=50)
def test_isf_is_icdf_from_the_other_side(dist: SplicedBinnedPareto, p: float) -> None:
    q = 1 - p
    assert float(dist.isf(1 - q)) == float(dist.icdf(q))


def test_nothing_lies_beyond_a_bounded_support() -> None:
    dist = exponential(lower_shape=-0.5, upper_shape=-0.25)
    low, high = float(dist.lower_threshold) - 2, float(dist.upper_threshold) + 4
    beyond = np.asarray([low - 1e-9, low - 1e9, -1e308, -np.inf, high + 1e-9, high + 1e9, 1e308, np.inf])
    assert (dist.log_prob(beyond) == -np.inf).all()
    assert dist.cdf(beyond).tolist() == [0, 0, 0, 0, 1, 1, 1, 1]
    assert dist.sf(beyond).tolist() == [1, 1, 1, 1, 0, 0, 0, 0]
    assert dist.icdf([0.0, 1.0]).tolist() == pytest.approx([low, high])
    assert dist.isf([1.0, 0.0]).tolist() == pytest.approx([low, high])


def test_unbounded_supports_end_at_infinity() -> None:
    dist = exponential(upper_shape=0.5)
    assert dist.icdf([0.0, 1.0]).tolist() == dist.isf([1.0, 0.0]).tolist() == [-np.inf, np.inf]
    assert dist.cdf([-np.inf, np.inf]).tolist() == [0, 1]
    assert dist.log_prob([-np.inf, np.inf]).tolist() == [-np.inf, -np.inf]
    assert dist.crps([-np.inf, np.inf]).tolist() == [np.inf, np.inf]


@pytest.mark.parametrize("shape", [*SHAPES, 1e-308, -1e-308])
def test_no_number_is_too_large_or_too_small(shape: float) -> None:
    dist = exponential(lower_shape=shape, upper_shape=shape, upper_scale=1e-12)
    x = np.array([-1e308, -1e30, 1e30, 1e308])
    for answer in (
        dist.log_prob(x),
        dist.cdf(x),
        dist.sf(x),
        dist.crps(x),
        dist.icdf([5e-324, 1 - 1e-16]),
        dist.isf(5e-324),
    ):
        assert not np.isnan(answer).any()
    assert not np.isnan([dist.mean(-1e308, 1e308), dist.mean(-1e308), dist.mean(high=1e308)]).any()


def test_probabilities_outside_0_to_1_have_no_quantile() -> None:
    dist = exponential()
    none = [-0.1, -5e-324, 1.1, np.inf, -np.inf, np.nan]
    assert np.isnan(dist.icdf(none)).all()
    assert np.isnan(dist.isf(none)).all()


@given(distributions(heaviest=1.5), st.floats(-60, 60))
@settings(max_examples=50)
def test_crps_equals_quadrature(dist: SplicedBinnedPareto, x: float) -> None:
    points = breaks(dist)
    ends = min(x, points[0]), max(x, points[-1])
    below = np.unique(np.concatenate([points[points < x], [ends[0], x]]))
    above = np.unique(np.concatenate([points[points > x], [x, ends[1]]]))
    expected = integral(lambda t: dist.cdf(t) ** 2, below) + integral(lambda t: dist.sf(t) ** 2, above)
    assert float(dist.crps(x)) == pytest.approx(expected, rel=1e-8, abs=1e-8)


def test_crps_is_infinite_where_a_tail_is_too_heavy_for_it() -> None:
    assert exponential(upper_shape=[1.999, 2.0, 3.0]).crps(1.0).tolist()[1:] == [np.inf, np.inf]
    assert np.isfinite(exponential(upper_shape=1.999).crps(1.0))


def test_samples_follow_the_distribution() -> None:
    dist = field_distributions(3)
    draws = dist.sample(20_000, np.random.default_rng(5))
    assert draws.shape == (20_000, 3)
    for rank in np.sort(dist.cdf(draws), axis=0).T:
        assert np.abs(rank - (np.arange(20_000) + 0.5) / 20_000).max() < 1.95 / np.sqrt(20_000)
    same = dist.sample(20_000, np.random.default_rng(5))
    assert (same == draws).all()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("uniform", [0.0, 1 - 2.0**-53])
def test_no_draw_is_infinite(uniform: float, dtype: str) -> None:
    class Stuck(np.random.Generator):
        def random(self, size: Any) -> Array:  # type: ignore[override]
            return np.full(size, uniform)

    assert np.isfinite(field_distributions(50, dtype=dtype).sample(2, Stuck(np.random.PCG64()))).all()


def test_single_precision_answers_what_double_precision_answers() -> None:
    double, single = field_distributions(200), field_distributions(200, dtype="float32")
    x = np.linspace(-60, 140, 41)[:, None]
    for name, tolerance in (("cdf", 1e-5), ("sf", 1e-5), ("crps", 1e-4)):
        answer = getattr(single, name)(x.astype(np.float32))
        assert answer.dtype == np.float32
        np.testing.assert_allclose(answer, getattr(double, name)(x), atol=tolerance)
    np.testing.assert_allclose(single.mean(-10, 40), double.mean(-10, 40), atol=1e-4)
    np.testing.assert_allclose(single.std(-10, 40), double.std(-10, 40), rtol=1e-5)
    np.testing.assert_allclose(single.prob(x, x + 1), double.prob(x, x + 1), atol=1e-5)


def test_torch_computes_what_numpy_computes() -> None:
    ours, theirs = field_distributions(50), field_distributions(50, module=torch)
    x, q = np.linspace(-60, 140, 41)[:, None], np.linspace(0, 1, 41)[:, None]
    for name in ("log_prob", "cdf", "sf", "crps"):
        expected = getattr(ours, name)(x)
        np.testing.assert_allclose(getattr(theirs, name)(torch.asarray(x)).numpy(), expected, rtol=1e-11, atol=1e-13)
    for name in ("icdf", "isf"):
        np.testing.assert_allclose(getattr(theirs, name)(torch.asarray(q)).numpy(), getattr(ours, name)(q), rtol=1e-10)
    np.testing.assert_allclose(theirs.prob(x, x + 1), ours.prob(x, x + 1), rtol=1e-11)
    for name in ("mean", "var", "std", "entropy", "median"):
        np.testing.assert_allclose(getattr(theirs, name)().numpy(), getattr(ours, name)(), rtol=1e-11)


def test_torch_draws_with_its_own_generator_or_numpys() -> None:
    dist = field_distributions(50, module=torch)
    draws, again = (dist.sample(7, torch.Generator().manual_seed(1)) for _ in range(2))
    assert draws.shape == (7, 50)
    assert draws.dtype == torch.float64
    assert (draws == again).all()
    same = field_distributions(50).sample(7, np.random.default_rng(1))
    np.testing.assert_allclose(dist.sample(7, np.random.default_rng(1)).numpy(), same, rtol=1e-10)
