"""GluonTS's distribution of the same name: where it is right the two agree; where it is wrong, by how much."""

from __future__ import annotations

import importlib
import math
import warnings
from collections.abc import Iterator
from typing import Any, TypeAlias

import numpy as np
import pytest
import torch
from torch import Tensor

from playscore.distributions import SplicedBinnedPareto

LOW, BINS, TAIL = -20, 100, 1 / 16
"""Bins one yard wide. GluonTS keeps its tail probability in single precision, which holds 1/16 exactly."""
NUDGE = 1e-6
"""What GluonTS adds to the shape in the exponent of its tails' density, and only there."""
Tails: TypeAlias = tuple[Tensor, Tensor, Tensor, Tensor]
"""Lower shape and scale, upper shape and scale."""


@pytest.fixture(scope="module")
def published() -> Any:
    """GluonTS's class. Importing it emits warnings that are not ours."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return importlib.import_module("gluonts.torch.distributions").SplicedBinnedPareto


@pytest.fixture
def unchecked() -> Iterator[None]:
    """As under `python -O`: torch's distributions do not check their parameters."""
    torch.distributions.Distribution.set_default_validate_args(False)
    yield
    torch.distributions.Distribution.set_default_validate_args(True)


def full(value: float, count: int) -> Tensor:
    return torch.full((count,), value, dtype=torch.float64)


def random_tails(count: int) -> Tails:
    """Tails like those of passes."""
    rng = np.random.default_rng(0)
    lower_shape, lower_scale, upper_shape, upper_scale = (
        torch.asarray(rng.uniform(*between, count)) for between in ((0.05, 0.5), (0.5, 5.0), (0.05, 0.5), (0.5, 9.0))
    )
    return lower_shape, lower_scale, upper_shape, upper_scale


def one_tail_each(lower_shape: float, lower_scale: float, upper_shape: float, upper_scale: float) -> Tails:
    """The tails of a batch of one."""
    return full(lower_shape, 1), full(lower_scale, 1), full(upper_shape, 1), full(upper_scale, 1)


def random_logits(count: int, bins: int = BINS) -> Tensor:
    return torch.asarray(np.random.default_rng(1).normal(size=(count, bins)) * 2)


def pair(published: Any, logits: Tensor, tails: Tails, width: float = 1.0) -> tuple[Any, Any]:
    """Both libraries' distributions with the same parameters."""
    bins = logits.shape[-1]
    edges = LOW + width * torch.arange(bins + 1, dtype=torch.float64)
    lower_shape, lower_scale, upper_shape, upper_scale = (tail[:, None] for tail in tails)
    theirs = published(
        LOW,
        LOW + bins * width,
        logits,
        upper_gp_xi=upper_shape,
        upper_gp_beta=upper_scale,
        lower_gp_xi=lower_shape,
        lower_gp_beta=lower_scale,
        numb_bins=bins,
        tail_percentile_gen_pareto=TAIL,
    )
    return SplicedBinnedPareto(edges, logits, *tails, TAIL, TAIL), theirs


class TestBothAgree:
    """On bins one yard wide, with shapes well above 0."""

    COUNT = 500

    @pytest.fixture
    def distributions(self, published: Any) -> tuple[Any, Any]:
        return pair(published, random_logits(self.COUNT), random_tails(self.COUNT))

    def test_on_quantiles(self, distributions: tuple[Any, Any]) -> None:
        ours, theirs = distributions
        torch.testing.assert_close(ours.median(), theirs.median, rtol=1e-12, atol=1e-12)
        for level in (1e-4, 0.01, 0.06, 0.07, 0.5, 0.9, 0.94, 0.99, 1 - 1e-4):
            q = full(level, self.COUNT)
            torch.testing.assert_close(ours.icdf(q), theirs.icdf(q), rtol=1e-11, atol=1e-11)

    def test_on_the_distribution_function(self, distributions: tuple[Any, Any]) -> None:
        ours, theirs = distributions
        for place in np.linspace(-60, 140, 81):
            x = full(place, self.COUNT)
            torch.testing.assert_close(ours.cdf(x), theirs.cdf(x), rtol=0, atol=1e-13)

    def test_on_the_density_except_for_the_nudge_of_the_shape(self, distributions: tuple[Any, Any]) -> None:
        ours, theirs = distributions
        for place in np.linspace(-60, 140, 81):
            x = full(place, self.COUNT)
            shape = torch.where(x < ours.lower_threshold, ours.lower_shape, ours.upper_shape)
            beyond = torch.where(x < ours.lower_threshold, ours.cdf(x), ours.sf(x)).clamp(max=TAIL)
            hazard = -torch.log(beyond / TAIL)
            nudged = ours.log_prob(x) + NUDGE / (shape + NUDGE) * hazard
            difference = theirs.log_prob(x, for_training=False) - nudged
            assert difference.abs().max() < 1e-8  # It takes the logarithm of 1/16 in single precision.
            assert (nudged - ours.log_prob(x)).abs().max() < 1e-3


def mass(published: Any, width: float, *, for_training: bool = False) -> float:
    """The integral of GluonTS's density for a distribution with bins of this width from -20 to 20."""
    logits, tails = random_logits(1, round(40 / width)), one_tail_each(0.2, 1.0, 0.2, 2.0)
    ours, _ = pair(published, logits, tails, width)
    nodes, weights = np.polynomial.legendre.leggauss(24)
    levels = TAIL * 10.0 ** -torch.arange(0, 16, 0.25, dtype=torch.float64)
    points = torch.cat([ours.icdf(levels), ours.edges[1:-1], ours.isf(levels)])
    points = points.clamp(ours.icdf(levels)[-1], ours.isf(levels)[-1]).sort().values
    half = points.diff()[:, None] / 2
    x = (points[:-1, None] + half * (1 + torch.asarray(nodes))).flatten()
    lower_shape, lower_scale, upper_shape, upper_scale = (tail.expand(len(x)) for tail in tails)
    many = lower_shape, lower_scale, upper_shape, upper_scale
    _, theirs = pair(published, logits.expand(len(x), -1), many, width)
    density = theirs.log_prob(x, for_training=for_training).exp().reshape(half.shape[0], -1)
    return float((density * torch.asarray(weights) * half).sum())


class TestGluontsIsWrong:
    """Where ours is right, as its own tests show."""

    @pytest.mark.parametrize(("width", "expected"), [(0.5, 0.5625), (1.0, 1.0), (2.0, 1.875), (4.0, 3.625)])
    def test_its_density_counts_bins_not_yards(self, published: Any, width: float, expected: float) -> None:
        # The body's mass is multiplied by the width; the tails' is right.
        assert expected == (1 - 2 * TAIL) * width + 2 * TAIL
        assert mass(published, width) == pytest.approx(expected, abs=1e-5)

    def test_what_it_trains_on_by_default_is_not_a_density_for_any_bins(self, published: Any) -> None:
        # In the tails it adds the log-density of the bin to that of the tail.
        assert mass(published, 1.0, for_training=True) == pytest.approx(1 - 2 * TAIL, abs=0.02)

    @pytest.mark.parametrize(
        ("shape", "off"), [(1e-2, 0.0001), (1e-4, 0.0099), (1e-5, 0.0909), (1e-6, 0.5), (1e-7, 0.9091), (1e-9, 0.999)]
    )
    def test_its_density_is_wrong_by_e_as_the_shape_goes_to_zero(
        self, published: Any, shape: float, off: float
    ) -> None:
        ours, theirs = pair(published, random_logits(1), one_tail_each(shape, 1.0, shape, 1.0))
        x = ours.upper_threshold + 1.0
        assert float(theirs.log_prob(x, for_training=False) - ours.log_prob(x)) == pytest.approx(off, abs=1e-4)
        assert float(ours.log_prob(x)) == pytest.approx(math.log(TAIL) - 1, abs=shape)

    def test_its_quantiles_lose_their_digits_as_the_shape_goes_to_zero(self, published: Any) -> None:
        ours, theirs = pair(published, random_logits(1), one_tail_each(1e-16, 1.0, 1e-16, 1.0))
        q = full(1 - TAIL / math.e, 1)
        assert float(ours.icdf(q) - ours.upper_threshold) == pytest.approx(1, abs=1e-12)
        assert abs(float(theirs.icdf(q) - ours.upper_threshold) - 1) > 0.1

    def test_it_refuses_an_exponential_tail_and_a_bounded_one(self, published: Any) -> None:
        for shape in (0.0, -0.5):
            with pytest.raises(ValueError, match="to satisfy the constraint"):
                pair(published, random_logits(1), one_tail_each(0.1, 1.0, shape, 1.0))

    @pytest.mark.usefixtures("unchecked")
    def test_its_distribution_function_leaves_0_to_1_beyond_a_bounded_support(self, published: Any) -> None:
        ours, theirs = pair(published, random_logits(1), one_tail_each(0.1, 1.0, -1.0, 0.5))
        x = ours.upper_threshold + 96.5
        assert float(theirs.cdf(x)) == pytest.approx(13)
        assert float(theirs.log_prob(x, for_training=False).isnan())
        assert float(ours.cdf(x)) == 1
        assert float(ours.log_prob(x)) == -math.inf

    def test_it_has_no_survival_function(self, published: Any) -> None:
        ours, theirs = pair(published, random_logits(1), one_tail_each(0.2, 1.0, 0.2, 1.0))
        assert not any(hasattr(theirs, name) for name in ("sf", "survival", "survival_function", "isf"))
        x = ours.upper_threshold + 1e5
        assert float(ours.sf(x)) == pytest.approx(TAIL * (1 + 0.2 * 1e5) ** -5, rel=1e-12)
        assert float(1 - theirs.cdf(x)) == 0

    def test_its_mean_is_divided_by_the_bins_and_it_has_no_variance_or_entropy(self, published: Any) -> None:
        ours, theirs = pair(published, torch.zeros(1, BINS), one_tail_each(0.2, 1.0, 0.2, 1.0))
        assert float(ours.mean()) == pytest.approx(30)
        assert float(theirs.mean) == pytest.approx(30 / BINS)
        for missing in (theirs.variance, theirs.entropy):
            with pytest.raises(NotImplementedError):
                missing()

    @pytest.mark.parametrize("parameter", ["logits", "tails"])
    def test_one_nan_parameter_fails_the_batch(self, published: Any, parameter: str) -> None:
        logits, tails = random_logits(3), random_tails(3)
        (logits if parameter == "logits" else tails[3])[1] = math.nan
        with pytest.raises(ValueError, match="to satisfy the constraint"):
            pair(published, logits, tails)
        ours = SplicedBinnedPareto(torch.arange(BINS + 1), logits, *tails)
        assert ours.cdf(full(90, 3)).isnan().tolist() == [False, True, False]

    def test_one_nan_point_fails_the_batch_or_gets_a_density_of_one(self, published: Any) -> None:
        ours, theirs = pair(published, random_logits(3), random_tails(3))
        x = torch.tensor([1.0, math.nan, 2.0], dtype=torch.float64)
        with pytest.raises(RuntimeError, match="shape"):
            theirs.cdf(x)
        assert float(theirs.log_prob(x)[1]) == 0
        assert ours.log_prob(x).isnan().tolist() == [False, True, False]

    def test_one_empty_bin_makes_every_density_of_the_distribution_nan(self, published: Any) -> None:
        logits = random_logits(2)
        logits[1, 0] = -math.inf
        ours, theirs = pair(published, logits, random_tails(2))
        x = full(30.0, 2)
        assert theirs.log_prob(x, for_training=False).isnan().tolist() == [False, True]
        assert ours.log_prob(x).isfinite().all()

    def test_its_thresholds_learn_nothing_from_the_tails(self, published: Any) -> None:
        logits = random_logits(1).requires_grad_()
        ours, theirs = pair(published, logits, random_tails(1))
        x = full(120.0, 1)
        (learned,) = torch.autograd.grad(ours.log_prob(x).sum(), logits)
        (ignored,) = torch.autograd.grad(theirs.log_prob(x, for_training=False).sum(), logits)
        assert (ignored == 0).all()
        assert learned.abs().max() > 0.01
