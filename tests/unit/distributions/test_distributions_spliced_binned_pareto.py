"""What a spliced binned Pareto law promises, checked against quadrature, differences and torch's autograd."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate

from playscore.distributions import SplicedBinnedPareto
from playscore.errors import PlayscoreError, Reason

SHAPES = (-1.5, -1.0, -0.4, -1e-9, 0.0, 1e-9, 1e-5, 0.3, 0.9)


ANY_SHAPE = st.one_of(st.floats(-0.9, 0.7, allow_subnormal=False), st.sampled_from(SHAPES))


@st.composite
def laws(draw: st.DrawFn, shapes: st.SearchStrategy[float] = ANY_SHAPE) -> SplicedBinnedPareto:
    """One law: 3 to 12 bins of any widths, some perhaps empty, any tails."""
    bins = draw(st.integers(3, 12))
    widths = draw(st.lists(st.floats(0.05, 7.0), min_size=bins, max_size=bins))
    logits = draw(st.lists(st.one_of(st.floats(-4, 4), st.just(-np.inf)), min_size=bins, max_size=bins))
    logits[draw(st.integers(0, bins - 1))] = 0.0
    scales = st.floats(0.2, 5.0)
    return SplicedBinnedPareto(
        np.concatenate([[-10.0], -10.0 + np.cumsum(widths)]),
        np.asarray(logits),
        draw(shapes),
        draw(scales),
        draw(shapes),
        draw(scales),
        draw(st.sampled_from([0.01, 0.05, 0.2])),
        draw(st.sampled_from([0.01, 0.05, 0.3])),
    )


def breaks(law: SplicedBinnedPareto) -> list[float]:
    """The points between which the density is smooth, from the 1e-7 to the 1 - 1e-7 quantile."""
    ends = [float(law.icdf(1e-7)), float(law.icdf(1 - 1e-7))]
    inner = [float(law.lower_threshold), float(law.upper_threshold), *map(float, law.edges)]
    return sorted({*ends, *(point for point in inner if ends[0] < point < ends[1])})


def quadrature(law: SplicedBinnedPareto, function: Any) -> float:
    points = breaks(law)
    return sum(integrate.quad(function, a, b, epsabs=1e-11, limit=200)[0] for a, b in itertools.pairwise(points))


def field_laws(count: int, seed: int = 0, module: Any = np) -> SplicedBinnedPareto:
    rng = np.random.default_rng(seed)
    edges = np.arange(-20.5, 80.5)
    numbers = (
        rng.normal(size=(count, 100)) * 2,
        rng.uniform(-0.5, 0.5, count),
        rng.uniform(0.5, 5, count),
        rng.uniform(-0.5, 0.5, count),
        rng.uniform(0.5, 9, count),
    )
    return SplicedBinnedPareto(module.asarray(edges), *map(module.asarray, numbers))


@given(laws())
@settings(max_examples=60, deadline=None)
def test_is_a_density(law: SplicedBinnedPareto) -> None:
    def density(x: float) -> float:
        return float(np.exp(law.log_prob(x)))

    points = breaks(law)
    inside = sum(integrate.quad(density, a, b, epsabs=1e-11, limit=200)[0] for a, b in itertools.pairwise(points))
    assert inside == pytest.approx(1 - 2e-7, abs=1e-6)
    # ... and of the very law whose distribution function it has.
    middle = points[len(points) // 2]
    below = sum(
        integrate.quad(density, a, b, epsabs=1e-11, limit=200)[0]
        for a, b in itertools.pairwise([point for point in points if point <= middle])
    )
    assert below == pytest.approx(float(law.cdf(middle)) - 1e-7, abs=1e-6)


@given(laws(), st.floats(-300, 300))
@settings(max_examples=200, deadline=None)
def test_cdf_and_sf_are_complementary_and_rise(law: SplicedBinnedPareto, x: float) -> None:
    assert float(law.cdf(x)) + float(law.sf(x)) == pytest.approx(1, abs=1e-14)
    assert 0 <= float(law.cdf(x)) <= float(law.cdf(x + 0.1)) <= 1


@given(laws(), st.floats(1e-9, 1 - 1e-9))
@settings(max_examples=200, deadline=None)
def test_quantiles_are_reached(law: SplicedBinnedPareto, q: float) -> None:
    x = float(law.icdf(q))
    assert float(law.cdf(x - 1e-9)) <= q * (1 + 1e-12)
    assert float(law.cdf(x + 1e-9)) >= q * (1 - 1e-12)


def test_icdf_undoes_cdf() -> None:
    law = field_laws(500)
    x = law.icdf(np.linspace(1e-6, 1 - 1e-6, 301)[:, None])
    density = np.exp(law.log_prob(x))
    steep = density > 1e-5  # Where the density is nearly nothing, cdf(x) cannot tell neighbours apart.
    assert steep.mean() > 0.97
    np.testing.assert_allclose(law.icdf(law.cdf(x))[steep], x[steep], atol=1e-9, rtol=0)


def test_far_tails_keep_their_digits() -> None:
    law = SplicedBinnedPareto(np.arange(4.0), np.zeros(3), 0.0, 1.0, 0.0, 1.0)
    upper = float(law.upper_threshold)
    assert float(law.sf(upper + 300)) == pytest.approx(0.05 * np.exp(-300), rel=1e-12)
    assert float(law.cdf(float(law.lower_threshold) - 300)) == pytest.approx(0.05 * np.exp(-300), rel=1e-12)
    assert float(law.log_prob(upper + 5000)) == pytest.approx(np.log(0.05) - 5000, rel=1e-13)


@pytest.mark.parametrize("shape", [1e-16, 1e-12, 1e-8, 1e-5, 1e-4, 1e-3])
def test_small_shapes_run_into_the_exponential_tail(shape: float) -> None:
    laws = [SplicedBinnedPareto(np.arange(4.0), np.zeros(3), s, 1.0, s, 1.0) for s in (-shape, 0.0, shape)]
    for x in (-3.0, 0.1, 5.0):
        values = [float(law.log_prob(x)) for law in laws]
        assert values[1] == pytest.approx((values[0] + values[2]) / 2, abs=40 * shape**2 + 1e-14)


def test_nothing_lies_beyond_a_finite_support() -> None:
    law = SplicedBinnedPareto(np.arange(4.0), np.zeros(3), -0.5, 1.0, -0.25, 1.0)
    low, high = float(law.lower_threshold) - 2, float(law.upper_threshold) + 4
    beyond = np.asarray([low - 1e-9, low - 1e9, -np.inf, high + 1e-9, high + 1e9, np.inf])
    assert (law.log_prob(beyond) == -np.inf).all()
    assert law.cdf(beyond).tolist() == [0, 0, 0, 1, 1, 1]
    assert law.sf(beyond).tolist() == [1, 1, 1, 0, 0, 0]
    assert law.icdf([0.0, 1.0]).tolist() == pytest.approx([low, high])
    assert np.isnan(law.icdf([-0.1, 1.1])).all()


def test_endless_supports_end_at_infinity() -> None:
    law = SplicedBinnedPareto(np.arange(4.0), np.zeros(3), 0.0, 1.0, 0.5, 1.0)
    assert law.icdf([0.0, 1.0]).tolist() == [-np.inf, np.inf]
    assert law.cdf([-np.inf, np.inf]).tolist() == [0, 1]
    assert law.log_prob([-np.inf, np.inf]).tolist() == [-np.inf, -np.inf]


@given(laws(st.one_of(st.floats(-0.9, 0.3, allow_subnormal=False), st.sampled_from([0.0, 1e-9]))))
@settings(max_examples=60, deadline=None)
def test_mean_and_entropy_equal_quadrature(law: SplicedBinnedPareto) -> None:
    def surprise(x: float) -> float:
        log_density = float(law.log_prob(x))
        return -log_density * np.exp(log_density) if log_density > -np.inf else 0.0

    assert float(law.mean()) == pytest.approx(quadrature(law, lambda x: x * np.exp(law.log_prob(x))), abs=3e-3)
    assert float(law.entropy()) == pytest.approx(quadrature(law, surprise), abs=1e-4)


@given(laws(), st.floats(-60, 60), st.floats(0, 60))
@settings(max_examples=100, deadline=None)
def test_clipped_mean_equals_quadrature(law: SplicedBinnedPareto, low: float, width: float) -> None:
    high = low + width
    points = sorted({low, high, *(p for p in breaks(law) if low < p < high)})
    expected = low + sum(
        integrate.quad(lambda x: float(law.sf(x)), a, b, epsabs=1e-11, limit=200)[0]
        for a, b in itertools.pairwise(points)
    )
    assert float(law.mean(low, high)) == pytest.approx(expected, abs=1e-7)
    assert low - 1e-9 <= float(law.mean(low, high)) <= high + 1e-9


def test_mean_is_infinite_where_a_tail_has_none() -> None:
    heavy = SplicedBinnedPareto(np.arange(4.0), np.zeros(3), [0.2, 1.0, 1.3], 1.0, [1.0, 0.2, 1.3], 1.0)
    assert heavy.mean()[:2].tolist() == [np.inf, -np.inf]
    assert np.isnan(heavy.mean()[2])
    assert np.isfinite(heavy.mean(-10, 110)).all()


@given(laws(), st.floats(-60, 60))
@settings(max_examples=100, deadline=None)
def test_crps_equals_quadrature(law: SplicedBinnedPareto, x: float) -> None:
    ends = float(law.icdf(1e-12)), float(law.icdf(1 - 1e-12))
    points = sorted({*ends, x, *breaks(law)})
    expected = sum(
        integrate.quad(lambda t: float(law.cdf(t)) ** 2, a, b, limit=400, epsabs=1e-11)[0]
        if b <= x
        else integrate.quad(lambda t: float(law.sf(t)) ** 2, a, b, limit=400, epsabs=1e-11)[0]
        for a, b in itertools.pairwise(points)
    )
    assert float(law.crps(x)) == pytest.approx(expected, rel=1e-6, abs=1e-6)


def test_samples_follow_the_law() -> None:
    law = field_laws(3)
    draws = law.sample(20_000, np.random.default_rng(5))
    assert draws.shape == (20_000, 3)
    for rank in np.sort(law.cdf(draws), axis=0).T:
        assert np.abs(rank - (np.arange(20_000) + 0.5) / 20_000).max() < 1.95 / np.sqrt(20_000)
    same = law.sample(20_000, np.random.default_rng(5))
    assert (same == draws).all()


def test_arguments_broadcast_against_the_batch() -> None:
    law = field_laws(6)
    x = np.linspace(-30, 90, 7)[:, None]
    for method in (law.log_prob, law.cdf, law.sf, law.crps):
        wide = method(x)
        assert wide.shape == (7, 6)
        single = field_laws(6)
        np.testing.assert_array_equal(wide[3], getattr(single, method.__name__)(np.full(6, x[3, 0])))
    shared = SplicedBinnedPareto(np.arange(4.0), np.zeros(3), np.zeros(5), 1.0, 0.0, np.ones((2, 1)))
    assert shared.median().shape == shared.mean().shape == shared.log_prob(1.0).shape == (2, 5)
    assert shared.sample(3, np.random.default_rng(0)).shape == (3, 2, 5)


def test_probabilities_make_the_law_they_came_from() -> None:
    law = field_laws(4)
    parameters = law.lower_shape, law.lower_scale, law.upper_shape, law.upper_scale
    again = SplicedBinnedPareto.from_probabilities(law.edges, law.probabilities, *parameters)
    x = np.linspace(-40, 120, 50)[:, None]
    np.testing.assert_allclose(again.cdf(x), law.cdf(x), atol=1e-14)
    gap = SplicedBinnedPareto.from_probabilities(np.arange(4.0), [0.5, 0.0, 0.5], 0.0, 1.0, 0.0, 1.0)
    assert float(gap.log_prob(1.5)) == -np.inf


@pytest.mark.parametrize("parameter", range(5))
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_bad_law_answers_nan_and_leaves_its_neighbours_alone(parameter: int, bad: float) -> None:
    good = field_laws(3)
    numbers = [np.log(good.probabilities), good.lower_shape, good.lower_scale, good.upper_shape, good.upper_scale]
    numbers = [number.copy() for number in numbers]
    numbers[parameter][1] = bad
    with np.errstate(all="ignore"):
        law = SplicedBinnedPareto(good.edges, *numbers)
        x = np.asarray([-40.0, 3.0, 95.0])[:, None]
        answers = [law.log_prob(x), law.cdf(x), law.sf(x), law.crps(x), law.icdf(np.full((1, 3), 0.5))]
        answers += [np.atleast_2d(value) for value in (law.median(), law.mean(), law.mean(-9, 99), law.entropy())]
    for answer in answers:
        assert np.isnan(answer[:, 1]).all()
        assert np.isfinite(answer[:, [0, 2]]).all()
    x = np.asarray([1.0, np.nan, 2.0])
    for answer in (good.log_prob(x), good.cdf(x), good.sf(x), good.crps(x), good.icdf(np.asarray([0.1, np.nan, 0.99]))):
        assert np.isnan(answer).tolist() == [False, True, False]


@pytest.mark.parametrize(
    ("edges", "lower_tail", "upper_tail"),
    [([0, 1, 1, 2], 0.05, 0.05), ([0, 1, 2], 0.05, 0.05), ([0, 1, 2, np.inf], 0.05, 0.05), ([0, 1, 2, 3], 0.5, 0.5)],
)
def test_edges_and_tails_that_make_no_law_are_refused(edges: list[float], lower_tail: float, upper_tail: float) -> None:
    with pytest.raises(PlayscoreError) as refused:
        SplicedBinnedPareto(np.asarray(edges), np.zeros(3), 0.0, 1.0, 0.0, 1.0, lower_tail, upper_tail)
    assert refused.value.reason is Reason.LAW_INVALID


def test_torch_computes_what_numpy_computes() -> None:
    ours, theirs = field_laws(50), field_laws(50, module=torch)
    x, q = np.linspace(-60, 140, 41)[:, None], np.linspace(0, 1, 41)[:, None]
    for name in ("log_prob", "cdf", "sf", "crps"):
        expected = getattr(ours, name)(x)
        np.testing.assert_allclose(getattr(theirs, name)(torch.asarray(x)).numpy(), expected, rtol=1e-11, atol=1e-13)
    np.testing.assert_allclose(theirs.icdf(torch.asarray(q)).numpy(), ours.icdf(q), rtol=1e-10)
    for name in ("mean", "entropy", "median"):
        np.testing.assert_allclose(getattr(theirs, name)().numpy(), getattr(ours, name)(), rtol=1e-11)
    draws = theirs.sample(7, torch.Generator().manual_seed(1))
    assert draws.shape == (7, 50)
    assert draws.dtype == torch.float64


@pytest.mark.parametrize("shape", [-0.4, 0.0, 1e-5, 0.3])
@pytest.mark.parametrize("method", ["log_prob", "cdf", "sf", "crps", "icdf", "mean", "entropy", "median"])
def test_gradients_equal_differences(method: str, shape: float) -> None:
    generator = torch.Generator().manual_seed(3)
    logits = torch.randn(2, 6, dtype=torch.float64, generator=generator)
    positions = {"icdf": [0.01, 0.3, 0.985]}.get(method, [-4.0, 2.3, 7.9])
    arguments = torch.tensor([positions, positions], dtype=torch.float64)
    shapes = torch.full((2,), shape, dtype=torch.float64)
    scales = torch.tensor([3.5, 2.5], dtype=torch.float64)
    edges = torch.tensor([-3.0, -1.0, 0.5, 2.0, 3.0, 4.5, 7.0], dtype=torch.float64)

    def answer(*parameters: torch.Tensor) -> torch.Tensor:
        *law, x = parameters
        called = getattr(SplicedBinnedPareto(edges, *law), method)
        return called() if method in {"mean", "entropy", "median"} else called(x.T.contiguous())

    inputs = (logits, shapes, scales, shapes + 0.0, scales * 1.3, arguments)
    inputs = tuple(value.clone().requires_grad_() for value in inputs)
    assert torch.autograd.gradcheck(answer, inputs, eps=1e-7, atol=1e-5)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_gradients_are_finite_everywhere(dtype: torch.dtype) -> None:
    shapes = torch.tensor([-2.0, -1.0, -0.5, -1e-7, 0.0, 1e-7, 0.5, 1.0, 2.0], dtype=dtype)
    logits = torch.zeros(9, 5, dtype=dtype)
    logits[:, 1] = -torch.inf
    edges = torch.tensor([-1.0, 0.0, 1.0, 2.5, 3.0, 6.0], dtype=dtype)
    scales = torch.full((9,), 0.7, dtype=dtype)
    for method in ("log_prob", "cdf", "sf", "crps"):
        inputs = [value.clone().requires_grad_() for value in (logits, shapes, scales, shapes, scales)]
        law = SplicedBinnedPareto(edges, *inputs)
        seams = torch.stack([law.lower_threshold, law.upper_threshold]).detach()
        points = torch.tensor([-torch.inf, -1e6, -40.0, -1.0, 0.5, 1.0, 6.0, 40.0, 1e6, torch.inf], dtype=dtype)
        x = torch.cat([seams, points[:, None].expand(-1, 9)])
        x.requires_grad_()
        value = getattr(law, method)(x)
        assert not value.isnan().any()
        value[value.isfinite()].sum().backward()
        assert all(given.grad is not None and given.grad.isfinite().all() for given in (*inputs, x))
