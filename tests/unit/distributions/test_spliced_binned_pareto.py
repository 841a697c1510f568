"""What a spliced binned Pareto law promises, checked against quadrature and against scipy's tails."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from playscore.distributions import SplicedBinnedPareto
from playscore.errors import PlayscoreError, Reason

pytestmark = pytest.mark.filterwarnings("error")

Array = NDArray[np.float64]
SHAPES = (-2.0, -1.0, -0.5, -1e-4, -1e-12, 0.0, 1e-12, 1e-4, 0.3, 0.9, 1.0, 1.5, 3.0)
NODES, WEIGHTS = np.polynomial.legendre.leggauss(24)
DEPTH = 40
"""Quadrature ends where a tail's survival is 1e-40."""


@st.composite
def laws(draw: st.DrawFn, heaviest: float = 3.0) -> SplicedBinnedPareto:
    """One law: 1 to 12 bins of any widths, some perhaps empty, any tails of at most this shape."""
    bins = draw(st.integers(1, 12))
    width = st.one_of(st.floats(0.05, 7.0), st.sampled_from([1e-3, 50.0]))
    logit = st.one_of(st.floats(-4, 4), st.sampled_from([-np.inf, -1e4]))
    widths = draw(st.lists(width, min_size=bins, max_size=bins))
    logits = draw(st.lists(logit, min_size=bins, max_size=bins))
    logits[draw(st.integers(0, bins - 1))] = 0.0
    among = [shape for shape in SHAPES if shape <= heaviest]
    shapes = st.one_of(st.floats(-2.0, heaviest, allow_subnormal=False), st.sampled_from(among))
    scales = st.floats(0.2, 5.0)
    return SplicedBinnedPareto(
        np.concatenate([[-10.0], -10.0 + np.cumsum(widths)]),
        logits,
        draw(shapes),
        draw(scales),
        draw(shapes),
        draw(scales),
        draw(st.sampled_from([0.01, 0.05, 0.2])),
        draw(st.sampled_from([0.01, 0.05, 0.3])),
    )


def breaks(law: SplicedBinnedPareto) -> Array:
    """Points between which all functions of the law are smooth and the tails change by a quarter of a power of ten."""
    levels = 10.0 ** -np.arange(0, DEPTH, 0.25)
    tails = law.icdf(law.lower_tail * levels), law.isf(law.upper_tail * levels)
    inner = law.edges[(law.edges > law.lower_threshold) & (law.edges < law.upper_threshold)]
    return np.unique(np.concatenate([*tails, inner, [law.lower_threshold, law.upper_threshold]]))


def integral(function: Callable[[Array], Array], points: Array) -> float:
    left, right = points[:-1, None], points[1:, None]
    half = (right - left) / 2
    return float(np.sum(function((left + right) / 2 + half * NODES) * WEIGHTS * half))


def field_laws(count: int, module: Any = np, dtype: str = "float64") -> SplicedBinnedPareto:
    rng = np.random.default_rng(0)
    edges = np.arange(-20.5, 80.5)
    numbers = (
        rng.normal(size=(count, 100)) * 2,
        rng.uniform(-0.5, 0.5, count),
        rng.uniform(0.5, 5, count),
        rng.uniform(-0.5, 0.5, count),
        rng.uniform(0.5, 9, count),
    )
    return SplicedBinnedPareto(edges, *(module.asarray(number.astype(dtype)) for number in numbers))


def exponential(**parameters: Any) -> SplicedBinnedPareto:
    """Three even bins from 0 to 3 and exponential tails, but for these parameters."""
    unit = {"lower_shape": 0.0, "lower_scale": 1.0, "upper_shape": 0.0, "upper_scale": 1.0}
    return SplicedBinnedPareto(np.arange(4.0), np.zeros(3), **{**unit, **parameters})


@given(laws())
@settings(max_examples=80, deadline=None)
def test_density_integrates_to_one_and_to_the_distribution_function(law: SplicedBinnedPareto) -> None:
    def density(x: Array) -> Array:
        return np.exp(law.log_prob(x))

    points = breaks(law)
    assert integral(density, points) == pytest.approx(1, abs=1e-7)
    for upto in law.edges:
        below = np.unique(np.append(points[points < upto], upto))
        assert integral(density, below) == pytest.approx(float(law.cdf(upto)), abs=1e-7)


@given(laws(), st.lists(st.floats(-300, 300), min_size=2, max_size=20))
@settings(max_examples=150, deadline=None)
def test_cdf_and_sf_are_complementary_and_never_turn(law: SplicedBinnedPareto, some: list[float]) -> None:
    x = np.sort(np.concatenate([some, law.edges, [law.lower_threshold, law.upper_threshold, -np.inf, np.inf]]))
    cdf, sf = law.cdf(x), law.sf(x)
    np.testing.assert_allclose(cdf + sf, 1, atol=2e-16)
    rounding = 4 * np.spacing(1.0)
    assert (np.diff(cdf) >= -rounding).all()
    assert (np.diff(sf) <= rounding).all()
    assert cdf[[0, -1]].tolist() == [0, 1]
    assert sf[[0, -1]].tolist() == [1, 0]


@pytest.mark.parametrize("shape", SHAPES)
def test_tails_are_generalised_pareto_however_far_out(shape: float) -> None:
    law = exponential(lower_shape=shape, lower_scale=0.7, upper_shape=shape, upper_scale=1.3, upper_tail=0.1)
    tail = stats.genpareto(shape)
    z = np.array([0.0, 1e-9, 0.1, 1.1, 10.0, 300.0, 680.0, 9e3, 1e100])
    below, above = law.lower_threshold - 0.7 * z, law.upper_threshold + 1.3 * z
    np.testing.assert_allclose(law.cdf(below), 0.05 * tail.sf(z), rtol=1e-12)
    np.testing.assert_allclose(law.sf(above), 0.1 * tail.sf(z), rtol=1e-12)
    np.testing.assert_allclose(law.log_prob(below), np.log(0.05 / 0.7) + tail.logpdf(z), rtol=1e-13)
    np.testing.assert_allclose(law.log_prob(above), np.log(0.1 / 1.3) + tail.logpdf(z), rtol=1e-13)


def test_tails_begin_at_exactly_their_probabilities() -> None:
    law = field_laws(300)
    assert (law.cdf(law.lower_threshold) == 0.05).all()
    assert (law.sf(law.upper_threshold) == 0.05).all()
    np.testing.assert_array_equal(law.icdf(0.05), law.lower_threshold)
    np.testing.assert_array_equal(law.isf(0.05), law.upper_threshold)


@pytest.mark.parametrize("bins", [3, 20, 57, 200])
def test_thresholds_may_lie_on_edges_beside_empty_bins(bins: int) -> None:
    shares = np.zeros(bins + 3)
    shares[0], shares[2:-2], shares[-1] = 0.05, 0.9 / (bins - 1), 0.05
    law = SplicedBinnedPareto.from_probabilities(np.arange(bins + 4.0), shares, 0.3, 1.0, 0.2, 2.0)
    # Anywhere beside or in the empty bin, as the rounding of the sums has it.
    assert 1 - 1e-12 < law.lower_threshold < 2 + 1e-12
    assert bins + 1 - 1e-12 < law.upper_threshold < bins + 2 + 1e-12
    assert law.log_prob([law.lower_threshold, law.upper_threshold]) == pytest.approx(np.log([0.05, 0.025]))
    points = breaks(law)
    assert integral(lambda x: np.exp(law.log_prob(x)), points) == pytest.approx(1, abs=1e-12)


@given(laws(), st.floats(1e-9, 1 - 1e-9))
@settings(max_examples=150, deadline=None)
def test_quantiles_are_reached(law: SplicedBinnedPareto, q: float) -> None:
    x = float(law.icdf(q))
    step = 1e-9 * max(1.0, abs(x))
    assert float(law.cdf(x - step)) <= q * (1 + 1e-12)
    assert float(law.cdf(x + step)) >= q * (1 - 1e-12)


def test_icdf_undoes_cdf_where_doubles_can_tell_neighbours_apart() -> None:
    law = field_laws(500)
    x = law.icdf(np.linspace(1e-6, 1 - 1e-6, 301)[:, None])
    dense = np.exp(law.log_prob(x)) > 1e-6
    assert dense.mean() > 0.98
    np.testing.assert_allclose(law.icdf(law.cdf(x))[dense], x[dense], atol=1e-9, rtol=0)


@pytest.mark.parametrize("shape", SHAPES)
def test_quantiles_undo_both_tails_to_their_last_digits(shape: float) -> None:
    law = exponential(lower_shape=shape, upper_shape=shape)
    levels = np.array([0.04, 1e-4, 1e-10, 1e-50, 1e-90])
    x = law.icdf(levels)
    np.testing.assert_allclose(law.icdf(law.cdf(x)), x, rtol=2e-13)
    x = law.isf(levels)
    np.testing.assert_allclose(law.isf(law.sf(x)), x, rtol=2e-13)
    if shape > -0.5:  # Above, doubles near the end of the support cannot tell such levels apart.
        np.testing.assert_allclose(law.sf(x)[:3], levels[:3], rtol=1e-4 if shape < 0 else 1e-12)


@pytest.mark.parametrize("shape", [1e-3, 1.3e-4, 1.2e-4, 1e-4, 1e-6, 1e-12])
@pytest.mark.parametrize("sign", [-1, 1])
def test_quantiles_run_smoothly_into_those_of_an_exponential_tail(shape: float, sign: int) -> None:
    law = exponential(upper_shape=sign * shape)
    one_scale_up = float(law.isf(0.05 / np.e) - law.upper_threshold)
    assert one_scale_up == pytest.approx(np.expm1(sign * shape) / (sign * shape), abs=5e-15)


@given(laws(), st.floats(0, 1))
@settings(max_examples=100, deadline=None)
def test_isf_is_icdf_from_the_other_side(law: SplicedBinnedPareto, p: float) -> None:
    q = 1 - p
    assert float(law.isf(1 - q)) == float(law.icdf(q))


def test_nothing_lies_beyond_a_finite_support() -> None:
    law = exponential(lower_shape=-0.5, upper_shape=-0.25)
    low, high = float(law.lower_threshold) - 2, float(law.upper_threshold) + 4
    beyond = np.asarray([low - 1e-9, low - 1e9, -1e308, -np.inf, high + 1e-9, high + 1e9, 1e308, np.inf])
    assert (law.log_prob(beyond) == -np.inf).all()
    assert law.cdf(beyond).tolist() == [0, 0, 0, 0, 1, 1, 1, 1]
    assert law.sf(beyond).tolist() == [1, 1, 1, 1, 0, 0, 0, 0]
    assert law.icdf([0.0, 1.0]).tolist() == pytest.approx([low, high])
    assert law.isf([1.0, 0.0]).tolist() == pytest.approx([low, high])


def test_endless_supports_end_at_infinity() -> None:
    law = exponential(upper_shape=0.5)
    assert law.icdf([0.0, 1.0]).tolist() == law.isf([1.0, 0.0]).tolist() == [-np.inf, np.inf]
    assert law.cdf([-np.inf, np.inf]).tolist() == [0, 1]
    assert law.log_prob([-np.inf, np.inf]).tolist() == [-np.inf, -np.inf]
    assert law.crps([-np.inf, np.inf]).tolist() == [np.inf, np.inf]


@pytest.mark.parametrize("shape", [*SHAPES, 1e-308, -1e-308])
def test_no_number_is_too_large_or_too_small(shape: float) -> None:
    law = exponential(lower_shape=shape, upper_shape=shape, upper_scale=1e-12)
    x = np.array([-1e308, -1e30, 1e30, 1e308])
    for answer in (law.log_prob(x), law.cdf(x), law.sf(x), law.crps(x), law.icdf([5e-324, 1 - 1e-16]), law.isf(5e-324)):
        assert not np.isnan(answer).any()
    assert not np.isnan([law.mean(-1e308, 1e308), law.mean(-1e308), law.mean(high=1e308)]).any()


def test_probabilities_outside_0_to_1_have_no_quantile() -> None:
    law = exponential()
    none = [-0.1, -5e-324, 1.1, np.inf, -np.inf, np.nan]
    assert np.isnan(law.icdf(none)).all()
    assert np.isnan(law.isf(none)).all()


@given(laws(heaviest=0.7))
@settings(max_examples=60, deadline=None)
def test_mean_and_entropy_equal_quadrature(law: SplicedBinnedPareto) -> None:
    def density(x: Array) -> Array:
        return np.exp(law.log_prob(x))

    def surprise(x: Array) -> Array:
        log_density = law.log_prob(x)
        return np.where(log_density > -np.inf, -np.maximum(log_density, -1e3) * np.exp(log_density), 0.0)

    points = breaks(law)
    assert float(law.mean()) == pytest.approx(integral(lambda x: x * density(x), points), rel=1e-6, abs=1e-5)
    assert float(law.entropy()) == pytest.approx(integral(surprise, points), abs=1e-5)


@given(laws(), st.floats(-60, 60), st.floats(0, 60))
@settings(max_examples=100, deadline=None)
def test_mean_on_the_field_equals_quadrature(law: SplicedBinnedPareto, low: float, width: float) -> None:
    high = low + width
    points = breaks(law)
    inner = points[(points > low) & (points < high)]
    expected = low + integral(law.sf, np.unique(np.concatenate([[low, high], inner])))
    assert float(law.mean(low, high)) == pytest.approx(expected, abs=1e-9)
    assert low - 1e-9 <= float(law.mean(low, high)) <= high + 1e-9


def test_means_held_on_one_side() -> None:
    law = exponential(upper_shape=0.5)
    assert float(law.mean(low=1.0)) == pytest.approx(float(law.mean(1.0, 1e15)), abs=1e-6)
    assert float(law.mean(high=1.0)) == pytest.approx(float(law.mean(-1e15, 1.0)), abs=1e-12)
    assert float(law.mean(1e6, -1e6)) == -1e6
    assert law.mean([-9.0, 0.0], [[9.0], [1.0]]).shape == (2, 2)


def test_mean_is_infinite_where_a_tail_has_none() -> None:
    heavy = exponential(lower_shape=[0.2, 1.0, 1.3], upper_shape=[1.0, 0.2, 1.3])
    assert heavy.mean()[:2].tolist() == [np.inf, -np.inf]
    assert np.isnan(heavy.mean()[2])
    assert np.isfinite(heavy.mean(-10, 110)).all()


@given(laws(heaviest=1.5), st.floats(-60, 60))
@settings(max_examples=100, deadline=None)
def test_crps_equals_quadrature(law: SplicedBinnedPareto, x: float) -> None:
    points = breaks(law)
    ends = min(x, points[0]), max(x, points[-1])
    below = np.unique(np.concatenate([points[points < x], [ends[0], x]]))
    above = np.unique(np.concatenate([points[points > x], [x, ends[1]]]))
    expected = integral(lambda t: law.cdf(t) ** 2, below) + integral(lambda t: law.sf(t) ** 2, above)
    assert float(law.crps(x)) == pytest.approx(expected, rel=1e-8, abs=1e-8)


def test_crps_is_infinite_where_a_tail_is_too_heavy_for_it() -> None:
    assert exponential(upper_shape=[1.999, 2.0, 3.0]).crps(1.0).tolist()[1:] == [np.inf, np.inf]
    assert np.isfinite(exponential(upper_shape=1.999).crps(1.0))


def test_samples_follow_the_law() -> None:
    law = field_laws(3)
    draws = law.sample(20_000, np.random.default_rng(5))
    assert draws.shape == (20_000, 3)
    for rank in np.sort(law.cdf(draws), axis=0).T:
        assert np.abs(rank - (np.arange(20_000) + 0.5) / 20_000).max() < 1.95 / np.sqrt(20_000)
    same = law.sample(20_000, np.random.default_rng(5))
    assert (same == draws).all()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("uniform", [0.0, 1 - 2.0**-53])
def test_no_draw_is_infinite(uniform: float, dtype: str) -> None:
    class Stuck(np.random.Generator):
        def random(self, size: Any) -> Array:  # type: ignore[override]
            return np.full(size, uniform)

    assert np.isfinite(field_laws(50, dtype=dtype).sample(2, Stuck(np.random.PCG64()))).all()


@pytest.mark.parametrize("batch", [(), (0,), (1,), (5,), (2, 5)])
@pytest.mark.parametrize("points", [(), (5,), (3, 1, 1), (4, 2, 5)])
@pytest.mark.parametrize("module", [np, torch])
def test_arguments_broadcast_against_the_batch(batch: tuple[int, ...], points: tuple[int, ...], module: Any) -> None:
    if batch == (0,):
        points = points[:-1] + (1,) * bool(points)
    rng = np.random.default_rng(0)
    numbers = (
        rng.normal(size=(*batch, 3)),
        rng.normal(size=batch),
        np.ones(batch),
        rng.normal(size=batch),
        np.ones(batch),
    )
    law = SplicedBinnedPareto(np.arange(4.0), *(module.asarray(number) for number in numbers))
    x, expected = module.asarray(rng.uniform(size=points)), np.broadcast_shapes(batch, points)
    for method in (law.log_prob, law.cdf, law.sf, law.crps, law.icdf, law.isf):
        assert tuple(method(x).shape) == expected
    assert tuple(law.mean(x, x + 1).shape) == expected
    for answer in (law.median(), law.mean(), law.entropy()):
        assert tuple(answer.shape) == batch
    assert tuple(law.sample(3, rng).shape) == (3, *batch)


def test_every_law_of_a_batch_answers_as_if_alone() -> None:
    together = field_laws(6)
    x = np.linspace(-30, 90, 7)[:, None]
    tails = together.lower_shape, together.lower_scale, together.upper_shape, together.upper_scale
    for place in range(6):
        alone = SplicedBinnedPareto(
            together.edges, np.log(together.probabilities[place]), *(tail[place] for tail in tails)
        )
        for name in ("log_prob", "cdf", "sf", "crps"):
            answer = getattr(together, name)(x)[:, place]
            np.testing.assert_allclose(getattr(alone, name)(x[:, 0]), answer, rtol=1e-12, atol=1e-15)
    shared = SplicedBinnedPareto(np.arange(4.0), np.zeros(3), np.zeros(5), 1.0, 0.0, np.ones((2, 1)))
    assert shared.median().shape == shared.mean().shape == shared.log_prob(1.0).shape == (2, 5)
    assert shared.sample(3, np.random.default_rng(0)).shape == (3, 2, 5)


@pytest.mark.parametrize(
    "logits",
    [
        [1, 0, 2, 1],
        (1.0, 0.0, 2.0, 1.0),
        np.array([1, 0, 2, 1]),
        np.array([1, 0, 2, 1], np.float32),
        np.array([1, 0, 2, 1], np.float16),
        torch.tensor([1, 0, 2, 1]),
        torch.tensor([1.0, 0.0, 2.0, 1.0]),
        torch.tensor([1.0, 0.0, 2.0, 1.0], dtype=torch.bfloat16),
        torch.nn.Parameter(torch.tensor([1.0, 0.0, 2.0, 1.0], dtype=torch.float64)),
    ],
    ids=lambda logits: f"{type(logits).__name__} {getattr(logits, 'dtype', '')}",
)
@pytest.mark.parametrize("edges", [[-2, -1, 0, 3, 4], np.array([-2.0, -1, 0, 3, 4]), torch.tensor([-2, -1, 0, 3, 4])])
def test_any_kind_of_numbers_will_do(edges: Any, logits: Any) -> None:
    expected = SplicedBinnedPareto([-2.0, -1.0, 0.0, 3.0, 4.0], [1.0, 0.0, 2.0, 1.0], 0.1, 1.0, 0.2, 2.0)
    law = SplicedBinnedPareto(edges, logits, 0.1, np.float32(1), torch.tensor(0.2), [2])
    single = getattr(logits, "dtype", None) in (np.float32, torch.float32)
    for x in (1, 3.5, [-9, 0, 9], (1.0, 8.0), np.array([-5, 7]), torch.tensor([2, 6]), np.float32(3)):
        answer = law.crps(x) + law.log_prob(x) + law.cdf(x)
        assert isinstance(answer, torch.Tensor) == isinstance(logits, torch.Tensor)
        assert str(answer.dtype).endswith("float32" if single else "float64")
        points = np.asarray(x, dtype=np.float64)
        wanted = expected.crps(points) + expected.log_prob(points) + expected.cdf(points)
        found = answer.detach().numpy() if isinstance(answer, torch.Tensor) else answer
        np.testing.assert_allclose(found, np.atleast_1d(wanted), rtol=1e-5 if single else 1e-7)


def test_single_precision_answers_what_double_precision_answers() -> None:
    double, single = field_laws(200), field_laws(200, dtype="float32")
    x = np.linspace(-60, 140, 41)[:, None]
    for name, tolerance in (("cdf", 1e-5), ("sf", 1e-5), ("crps", 1e-4)):
        answer = getattr(single, name)(x.astype(np.float32))
        assert answer.dtype == np.float32
        np.testing.assert_allclose(answer, getattr(double, name)(x), atol=tolerance)
    np.testing.assert_allclose(single.mean(-10, 40), double.mean(-10, 40), atol=1e-4)


def test_probabilities_make_the_law_they_came_from() -> None:
    law = field_laws(4)
    parameters = law.lower_shape, law.lower_scale, law.upper_shape, law.upper_scale
    again = SplicedBinnedPareto.from_probabilities(law.edges, law.probabilities, *parameters)
    x = np.linspace(-40, 120, 50)[:, None]
    np.testing.assert_allclose(again.cdf(x), law.cdf(x), atol=1e-14)
    gap = SplicedBinnedPareto.from_probabilities(np.arange(4.0), [0.5, 0.0, 0.5], 0.0, 1.0, 0.0, 1.0)
    assert float(gap.log_prob(1.5)) == -np.inf
    assert float(gap.cdf(1.2)) == float(gap.cdf(1.8)) == 0.5
    none = SplicedBinnedPareto.from_probabilities(np.arange(4.0), [[0.5, -0.1, 0.6], [1, 1, 1]], 0.0, 1.0, 0.0, 1.0)
    assert np.isnan(none.cdf(1.5)).tolist() == [True, False]


@pytest.mark.parametrize(
    ("parameter", "bad"),
    [
        *itertools.product(["logits"], [np.nan, np.inf]),
        *itertools.product(["lower_shape", "upper_shape"], [np.nan, np.inf, -np.inf]),
        *itertools.product(["lower_scale", "upper_scale"], [np.nan, np.inf, -np.inf, 0.0, -1.0]),
    ],
)
def test_what_is_no_law_answers_nan_and_leaves_its_neighbours_alone(parameter: str, bad: float) -> None:
    good = field_laws(3)
    numbers = {"logits": np.log(good.probabilities)}
    numbers |= {name: getattr(good, name) for name in ("lower_shape", "lower_scale", "upper_shape", "upper_scale")}
    numbers[parameter][1] = bad
    law = SplicedBinnedPareto(good.edges, **numbers)
    x = np.asarray([-40.0, 3.0, 95.0])[:, None]
    q = np.asarray([0.01, 0.5, 0.99])[:, None]
    answers = [law.log_prob(x), law.cdf(x), law.sf(x), law.crps(x), law.icdf(q), law.isf(q), law.mean(-(x**2), x**2)]
    answers += [np.atleast_2d(value) for value in (law.median(), law.mean(), law.entropy())]
    answers.append(law.sample(4, np.random.default_rng(0)))
    for answer in answers:
        assert np.isnan(answer[:, 1]).all()
        assert np.isfinite(answer[:, [0, 2]]).all()


def test_a_law_without_any_bin_left_is_none() -> None:
    law = SplicedBinnedPareto(np.arange(4.0), [[-np.inf] * 3, [0.0] * 3], 0.0, 1.0, 0.0, 1.0)
    assert np.isnan(law.cdf([[1.5], [9.0]])).tolist() == [[True, False]] * 2


def test_an_unknown_point_answers_nan_and_leaves_the_others_alone() -> None:
    law = field_laws(3)
    x, q = np.asarray([1.0, np.nan, 95.0]), np.asarray([0.1, np.nan, 0.99])
    for answer in (law.log_prob(x), law.cdf(x), law.sf(x), law.crps(x), law.icdf(q), law.isf(q)):
        assert np.isnan(answer).tolist() == [False, True, False]


@pytest.mark.parametrize(
    ("edges", "lower_tail", "upper_tail"),
    [
        ([0, 1, 1, 2], 0.05, 0.05),
        ([0, 1, 2], 0.05, 0.05),
        ([[0, 1, 2, 3]], 0.05, 0.05),
        ([0, 1, 2, np.inf], 0.05, 0.05),
        ([0, 1, np.nan, 3], 0.05, 0.05),
        ([0, 1, 2, 3], 0.5, 0.5),
        ([0, 1, 2, 3], 0.0, 0.05),
        ([0, 1, 2, 3], 0.05, np.nan),
    ],
)
def test_edges_and_tails_that_make_no_law_are_refused(edges: list[float], lower_tail: float, upper_tail: float) -> None:
    with pytest.raises(PlayscoreError) as refused:
        SplicedBinnedPareto(edges, np.zeros(3), 0.0, 1.0, 0.0, 1.0, lower_tail, upper_tail)
    assert refused.value.reason is Reason.LAW_INVALID


def test_torch_computes_what_numpy_computes() -> None:
    ours, theirs = field_laws(50), field_laws(50, module=torch)
    x, q = np.linspace(-60, 140, 41)[:, None], np.linspace(0, 1, 41)[:, None]
    for name in ("log_prob", "cdf", "sf", "crps"):
        expected = getattr(ours, name)(x)
        np.testing.assert_allclose(getattr(theirs, name)(torch.asarray(x)).numpy(), expected, rtol=1e-11, atol=1e-13)
    for name in ("icdf", "isf"):
        np.testing.assert_allclose(getattr(theirs, name)(torch.asarray(q)).numpy(), getattr(ours, name)(q), rtol=1e-10)
    for name in ("mean", "entropy", "median"):
        np.testing.assert_allclose(getattr(theirs, name)().numpy(), getattr(ours, name)(), rtol=1e-11)


def test_torch_draws_with_its_own_generator_or_numpys() -> None:
    law = field_laws(50, module=torch)
    draws, again = (law.sample(7, torch.Generator().manual_seed(1)) for _ in range(2))
    assert draws.shape == (7, 50)
    assert draws.dtype == torch.float64
    assert (draws == again).all()
    same = field_laws(50).sample(7, np.random.default_rng(1))
    np.testing.assert_allclose(law.sample(7, np.random.default_rng(1)).numpy(), same, rtol=1e-10)
