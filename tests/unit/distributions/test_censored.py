"""What a distribution on a field that ends promises, checked against the latent one and against quadrature."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from playscore.distributions import Censored, SplicedBinnedPareto
from playscore.errors import PlayscoreError, Reason
from tests.unit.distributions.examples import Array, breaks, distributions, exponential, field_distributions, integral

pytestmark = pytest.mark.filterwarnings("error")

ceilings = st.floats(-40, 60)
points = st.floats(-80, 80)


@given(distributions(), ceilings, st.lists(points, min_size=1, max_size=20))
@settings(max_examples=75)
def test_it_is_the_latent_one_until_the_ceiling_is_reached_and_certain_from_there(
    latent: SplicedBinnedPareto, ceiling: float, some: list[float]
) -> None:
    dist = Censored(latent, ceiling)
    x = np.sort(np.concatenate([some, latent.edges, [ceiling - 0.5, ceiling, -np.inf, np.inf]]))
    cdf, sf = dist.cdf(x), dist.sf(x)
    np.testing.assert_array_equal(cdf[x <= ceiling - 0.5], latent.cdf(x[x <= ceiling - 0.5]))
    np.testing.assert_array_equal(sf[x <= ceiling - 0.5], latent.sf(x[x <= ceiling - 0.5]))
    between = (x >= ceiling - 0.5) & (x < ceiling)
    np.testing.assert_array_equal(cdf[between], latent.cdf(ceiling - 0.5))
    assert (cdf[x >= ceiling] == 1).all()
    assert (sf[x >= ceiling] == 0).all()
    assert (np.diff(cdf) >= -4 * np.spacing(1.0)).all()


@given(distributions(), ceilings)
def test_the_mass_is_one_with_the_atom(latent: SplicedBinnedPareto, ceiling: float) -> None:
    dist = Censored(latent, ceiling)
    assert float(dist.prob(-np.inf, np.inf)) == pytest.approx(1, abs=1e-9)
    assert float(dist.prob(-np.inf, ceiling - 0.5) + dist.prob(ceiling - 0.5, np.inf)) == pytest.approx(1, abs=1e-9)
    assert float(dist.prob(ceiling - 0.5, ceiling + 0.5)) == float(dist.atom) == float(latent.sf(ceiling - 0.5))
    assert float(dist.prob(ceiling, np.inf)) == 0


@given(distributions(), ceilings, st.floats(0, 1))
def test_quantiles_are_reached_and_never_beyond_the_ceiling(
    latent: SplicedBinnedPareto, ceiling: float, q: float
) -> None:
    dist = Censored(latent, ceiling)
    quantile = float(dist.icdf(q))
    assert quantile <= ceiling
    assert not ceiling - 0.5 < quantile < ceiling
    assert float(dist.cdf(quantile)) >= q - 1e-9
    assert float(dist.isf(0.0)) == float(dist.icdf(1.0))


@given(distributions(), st.integers(-30, 60), st.integers(1, 40))
def test_the_nearer_the_ceiling_the_fewer_whole_yards_are_gained(
    latent: SplicedBinnedPareto, ceiling: int, farther: int
) -> None:
    near, far = Censored(latent, float(ceiling)), Censored(latent, float(ceiling + farther))
    ends = np.arange(-60, 110) + 0.5
    assert (near.cdf(ends) >= far.cdf(ends)).all()
    assert float(near.atom) >= float(far.atom)


@given(distributions(heaviest=0.4), ceilings, points, points)
@settings(max_examples=75)
def test_mean_and_variance_are_those_of_the_outcomes(
    latent: SplicedBinnedPareto, ceiling: float, one: float, other: float
) -> None:
    low, high = min(one, other), max(one, other)
    dist, inner = Censored(latent, ceiling), np.clip(breaks(latent), low, high)
    end = np.clip(ceiling - 0.5, low, high)
    smooth = np.unique(np.concatenate([inner[inner < end], [low, end]]))
    sure = float(np.clip(ceiling, low, high))

    def moment(power: int) -> float:
        """low^power, the integral of the power's derivative times the chance of more, and the step of the atom."""

        def rising(t: Array) -> Array:
            return np.asarray(power * t ** (power - 1) * latent.sf(t))

        body = integral(rising, smooth) if len(smooth) > 1 else 0.0
        return low**power + body + float(latent.sf(ceiling - 0.5)) * (sure**power - float(end) ** power)

    mean = moment(1)
    assert float(dist.mean(low, high)) == pytest.approx(mean, abs=1e-6)
    assert float(dist.var(low, high)) == pytest.approx(moment(2) - mean**2, abs=2e-4)
    assert float(dist.std(low, high)) ** 2 == pytest.approx(float(dist.var(low, high)), abs=1e-9)


@given(distributions(heaviest=1.5), ceilings, points)
@settings(max_examples=75)
def test_crps_equals_quadrature(latent: SplicedBinnedPareto, ceiling: float, x: float) -> None:
    dist = Censored(latent, ceiling)

    def error(t: Array) -> Array:
        return np.asarray((dist.cdf(t) - (t >= x)) ** 2)

    cuts = np.concatenate([breaks(latent), [ceiling - 0.5, ceiling, x, min(x, ceiling - 1), max(x, ceiling) + 1]])
    expected = integral(error, np.unique(cuts[cuts <= max(x, ceiling) + 1]))
    assert float(dist.crps(x)) == pytest.approx(expected, rel=1e-6, abs=1e-6)


def test_without_a_ceiling_it_is_the_latent_one() -> None:
    latent = field_distributions(50)
    dist = Censored(latent)
    x = np.linspace(-60, 140, 401)[:, None]
    for name in ("cdf", "sf", "crps"):
        np.testing.assert_array_equal(getattr(dist, name)(x), getattr(latent, name)(x))
    q = np.array([0.0, 1e-9, 0.2, 0.95, 1.0])[:, None]
    np.testing.assert_array_equal(dist.icdf(q), latent.icdf(q))
    np.testing.assert_array_equal(dist.isf(q), latent.isf(q))
    for bounds in ((None, None), (-60, 99)):
        np.testing.assert_array_equal(dist.mean(*bounds), latent.mean(*bounds))
        np.testing.assert_array_equal(dist.var(*bounds), latent.var(*bounds))
    assert (dist.atom == 0).all()


def test_draws_are_from_it() -> None:
    dist = Censored(field_distributions(3), np.array([5.0, 12.0, np.inf]))
    draws = dist.sample(40_000, np.random.default_rng(0))
    assert draws.shape == (40_000, 3)
    np.testing.assert_allclose((draws == dist.ceiling).mean(axis=0), dist.atom, atol=0.01)
    assert (draws <= dist.ceiling).all()
    for level in (-5.0, 0.0, 4.0, 11.0):
        np.testing.assert_allclose((draws <= level).mean(axis=0), dist.cdf(level), atol=0.01)


def test_a_batch_of_ceilings_is_a_batch_of_distributions() -> None:
    dist = Censored(exponential(), [1.0, 2.0, 40.0])
    assert dist.batch_shape == (3,)
    assert [float(part.cdf(1.0)) for part in dist] == dist.cdf(1.0).tolist()
    assert dist[1:].batch_shape == (2,)
    assert float(dist[1].mean()) == dist.mean()[1]
    again = pickle.loads(pickle.dumps(dist))
    np.testing.assert_array_equal(again.cdf(1.2), copy.deepcopy(dist).cdf(1.2))
    assert repr(dist[0]).startswith("Censored(ceiling=1, SplicedBinnedPareto(batch_shape=(),")
    with pytest.raises(TypeError, match="not iterable"):
        iter(dist[0]).__next__()


def test_a_row_that_is_no_distribution_answers_nan_and_spares_the_others() -> None:
    latent = SplicedBinnedPareto(np.arange(4.0), np.zeros((3, 3)), 0.1, np.array([1.0, np.nan, 1.0]), 0.1, 1.0)
    dist = Censored(latent, np.array([2.0, 2.0, np.nan]))
    for answer in (dist.cdf(9.0), dist.sf(9.0), dist.icdf(0.5), dist.mean(), dist.var(), dist.crps(1.0), dist.atom):
        assert np.isnan(answer).tolist() == [False, True, True]
    assert np.isnan(dist[0].cdf(np.nan))
    assert np.isnan(dist[0].icdf([-0.1, 1.1, np.nan])).all()


@pytest.mark.parametrize("ceiling", [float("nan"), float("-inf")])
def test_a_number_that_is_no_ceiling_is_refused(ceiling: float) -> None:
    with pytest.raises(PlayscoreError, match="ceiling") as refused:
        Censored(exponential(), ceiling)
    assert refused.value.reason is Reason.DISTRIBUTION_INVALID


def test_gradients_reach_the_latent_through_the_atom_and_stay_finite_without_a_ceiling() -> None:
    logits = torch.zeros(2, 3, dtype=torch.float64, requires_grad=True)
    shape = torch.tensor([0.2, 0.2], dtype=torch.float64, requires_grad=True)
    ceiling = torch.tensor([5.0, torch.inf], dtype=torch.float64)
    dist = Censored(SplicedBinnedPareto(np.arange(4.0), logits, 0.1, 1.0, shape, 1.0), ceiling)
    touchdown = torch.tensor([5.0, 5.0], dtype=torch.float64)
    (
        -torch.log(dist.prob(touchdown - 0.5, touchdown + 0.5)).sum() + dist.mean().sum() + dist.crps(1.0).sum()
    ).backward()
    assert logits.grad is not None
    assert shape.grad is not None
    assert torch.isfinite(logits.grad).all()
    assert torch.isfinite(shape.grad).all()
    assert shape.grad[0] != 0
