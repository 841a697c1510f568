"""The probability of an interval: what is between its ends, to the last digits wherever it lies."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from playscore.distributions import SplicedBinnedPareto
from tests.unit.distributions.examples import breaks, distributions, exponential, field_distributions, integral

pytestmark = pytest.mark.filterwarnings("error")


@given(distributions(), st.floats(-60, 60), st.floats(0, 60))
@settings(max_examples=50)
def test_probability_is_the_integral_of_the_density(dist: SplicedBinnedPareto, low: float, width: float) -> None:
    high, points = low + width, breaks(dist)
    inner = points[(points > low) & (points < high)]
    expected = integral(lambda x: np.exp(dist.log_prob(x)), np.unique(np.concatenate([[low, high], inner])))
    assert float(dist.prob(low, high)) == pytest.approx(expected, abs=1e-7)


@given(distributions(), st.floats(-60, 60), st.floats(0, 60))
@settings(max_examples=50)
def test_probability_is_the_difference_of_distribution_functions(
    dist: SplicedBinnedPareto, low: float, width: float
) -> None:
    found = float(dist.prob(low, low + width))
    assert found == pytest.approx(float(dist.cdf(low + width) - dist.cdf(low)), abs=1e-10)
    assert found == pytest.approx(float(dist.sf(low) - dist.sf(low + width)), abs=1e-10)
    assert 0 <= found <= 1


@given(distributions(), st.floats(-60, 60))
@settings(max_examples=50)
def test_rays_have_the_probability_of_their_tails(dist: SplicedBinnedPareto, x: float) -> None:
    for found, expected, in_tail in (
        (dist.prob(-np.inf, x), dist.cdf(x), x < dist.lower_threshold),
        (dist.prob(x, np.inf), dist.sf(x), x > dist.upper_threshold),
    ):
        # In the body, the rounding of a threshold counts as much as the bin around it is dense.
        assert float(found) == pytest.approx(float(expected), rel=1e-14 if in_tail else 1e-10, abs=1e-300)
    assert float(dist.prob(-np.inf, np.inf)) == pytest.approx(1, abs=1e-10)


@given(distributions(), st.lists(st.floats(-60, 60), min_size=3, max_size=12))
@settings(max_examples=50)
def test_adjacent_intervals_add_up(dist: SplicedBinnedPareto, some: list[float]) -> None:
    ends = np.sort(some)
    parts = dist.prob(ends[:-1], ends[1:])
    assert float(parts.sum()) == pytest.approx(float(dist.prob(ends[0], ends[-1])), rel=1e-12, abs=1e-300)


@given(distributions(), st.floats(-60, 60), st.integers(20, 40))
@settings(max_examples=100)
def test_a_narrow_interval_has_its_width_times_the_density(dist: SplicedBinnedPareto, x: float, bits: int) -> None:
    x = round(x * 1024) / 1024  # So that x + width is exact.
    width = 2.0**-bits
    seams = [*dist.edges, dist.lower_threshold, dist.upper_threshold, dist.icdf(0.0), dist.icdf(1.0)]
    if min(abs(x - seam) for seam in seams) > 1e-3:
        expected = width * np.exp(dist.log_prob(x))
        assert float(dist.prob(x, x + width)) == pytest.approx(float(expected), rel=2e-3 if bits < 30 else 1e-5)


def test_far_up_a_tail_and_far_between_bins_nothing_is_lost() -> None:
    dist = exponential()
    assert float(dist.cdf(90.0) - dist.cdf(89.0)) == 0
    expected = 0.05 * (np.exp(-(89.0 - 2.85)) - np.exp(-(90.0 - 2.85)))
    assert float(dist.prob(89.0, 90.0)) == pytest.approx(expected, rel=1e-12)
    gap = SplicedBinnedPareto(np.arange(4.0), [0.0, -60.0, 0.0], 0.0, 1.0, 0.0, 1.0)
    assert float(gap.prob(1.0, 2.0)) == pytest.approx(np.exp(-60) / 2, rel=1e-12)


def test_ends_may_be_infinite_or_in_any_order() -> None:
    dist = exponential(lower_shape=-0.5, upper_shape=0.9)
    low = [-np.inf, np.inf, -np.inf, np.inf, 2.0, 2.0, -1e308]
    high = [-np.inf, np.inf, np.inf, -np.inf, 2.0, 1.0, -1e300]
    assert dist.prob(low, high).tolist() == pytest.approx([0, 0, 1, 0, 0, 0, 0], abs=1e-15)


@pytest.mark.parametrize("shape", [-2.0, -1e-300, 0.0, 1e-300, 0.5, 1.0, 3.0])
def test_no_interval_is_too_far_out(shape: float) -> None:
    dist = exponential(lower_shape=shape, upper_shape=shape, upper_scale=1e-12)
    ends = [-1e308, -1e30, -1.0, 0.0, 2.9, 1e10, 1e30, 1e299, 1e308]
    for low in ends:
        for high in ends:
            answers = [float(method(low, high)) for method in (dist.prob, dist.var, dist.std)]
            assert all(answer >= 0 for answer in answers)


@pytest.mark.parametrize("module", [np, torch])
def test_whole_yards_share_out_everything(module: Any) -> None:
    dist = field_distributions(20, module=module)
    yards = module.arange(-150, 200)[:, None]
    masses = np.asarray(dist.prob(yards - 0.5, yards + 0.5))
    rest = np.asarray(dist.cdf(-150.5) + dist.sf(199.5))
    np.testing.assert_allclose(masses.sum(axis=0) + rest, 1, rtol=1e-13)
    between = (yards - 0.5 > dist.lower_threshold) & (yards + 0.5 < dist.upper_threshold)
    edges = yards[20 + 110 : 120 + 110]
    assert int(edges[0, 0]) == -20
    inside = np.asarray(between)[130:230].T
    np.testing.assert_allclose(masses[130:230].T[inside], np.asarray(dist.probabilities)[inside], rtol=1e-13)
