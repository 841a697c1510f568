"""How many digits are right, measured against 200-digit arithmetic.

docs/distribution.md has the errors that were measured; here they may be twice as large, for other processors.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from decimal import Decimal
from typing import NamedTuple

import numpy as np
import pytest

from playscore.distributions import SplicedBinnedPareto
from tests.unit.distributions.exact import ExactSplicedBinnedPareto

pytestmark = pytest.mark.filterwarnings("error")

SHAPES = (
    *(-2.0, -1.0, -0.5, -1e-4, -1e-12, 0.0, 1e-12, 1e-4, 0.3),
    *(0.5 - 1e-9, 0.5, 0.5 + 1e-9, 0.9, 1 - 1e-9, 1.0, 1 + 1e-9, 1.5, 2 - 1e-9, 3.0),
)
LEVELS = (0.06, 1e-2, 1e-3, 1e-5, 1e-10, 1e-20, 1e-50, 1e-100, 1e-200, 1e-300)
TAIL = 1 / 16
LARGEST = 1e298
"""Points farther out than this are not told apart."""


class Pair(NamedTuple):
    ours: SplicedBinnedPareto
    exact: ExactSplicedBinnedPareto

    def error(self, method: str, *arguments: float) -> float:
        """The relative error of ours."""
        expected: Decimal = getattr(self.exact, method)(*arguments)
        found = Decimal(float(getattr(self.ours, method)(*arguments)))
        return float(abs(found - expected) / abs(expected)) if expected else math.inf * float(found != 0)


def pair(shape: float, edges: list[float], logits: list[float]) -> Pair:
    tails = shape, 0.75, shape, 1.25
    return Pair(
        SplicedBinnedPareto(edges, logits, *tails, TAIL, TAIL), ExactSplicedBinnedPareto(edges, logits, *tails, TAIL)
    )


@pytest.fixture
def even(shape: float) -> Pair:
    """Four even bins, so that the thresholds are exact doubles and only the formulas are measured."""
    return pair(shape, [0.0, 1.0, 2.0, 3.0, 4.0], [0.0] * 4)


@pytest.fixture
def uneven(shape: float) -> Pair:
    """A hundred bins with random logits: the thresholds are rounded too."""
    logits = np.random.default_rng(0).normal(size=100) * 2
    return pair(shape, [float(edge) for edge in range(-20, 81)], logits.tolist())


def tail_points(pair: Pair) -> Iterator[tuple[float, float]]:
    """Points in the lower and the upper tail, but none in the last thousandth before the end of a bounded support."""
    shape = float(pair.ours.upper_shape)
    for level in LEVELS:
        if shape < 0 and (level / TAIL) ** -shape < 1e-3:
            continue
        low, high = float(pair.exact.icdf(level)), float(pair.exact.isf(level))
        if max(-low, high) < LARGEST:
            yield low, high


def intervals(pair: Pair) -> Iterator[tuple[float, float]]:
    """In the body, across thresholds, and narrow or wide in either tail."""
    yield from itertools.combinations([-9.0, 0.0, 0.3, 0.30001, 1.0, 1.2, 2.0, 3.0, 3.7, 3.8, 50.0], 2)
    for low, high in itertools.islice(tail_points(pair), 5):
        for factor in (1e-6, 0.1, 1.0, 1e3):
            yield low - factor, low
            yield high, high * (1 + factor)


@pytest.mark.parametrize("shape", SHAPES)
class TestEvenBins:
    def test_density(self, even: Pair) -> None:
        points = [*itertools.chain(*tail_points(even)), 0.5, 1.1, 2.0, 3.3]
        assert max(even.error("log_prob", x) for x in points) < 2e-15

    def test_probabilities_down_to_1e_300(self, even: Pair) -> None:
        for low, high in tail_points(even):
            # The exponential of -688 loses three digits, whatever the formula.
            assert even.error("cdf", low) < 4e-13
            assert even.error("sf", high) < 4e-13
            if float(even.exact.sf(high)) > 1e-20:
                assert even.error("cdf", low) < 2e-14
                assert even.error("sf", high) < 2e-14

    def test_quantiles_down_to_1e_300(self, even: Pair) -> None:
        for level in LEVELS:
            if max(abs(even.exact.icdf(level)), abs(even.exact.isf(level))) < LARGEST:
                assert even.error("icdf", level) < 1.5e-13
                assert even.error("isf", level) < 1.5e-13

    def test_crps(self, even: Pair, shape: float) -> None:
        if shape < 2:
            points = [*itertools.chain(*tail_points(even)), 0.25, 0.5, 1.1, 2.0, 3.3, 3.75]
            assert max(even.error("crps", x) for x in points) < 6e-16

    def test_mean_on_the_field(self, even: Pair) -> None:
        for bounds in ((-100.0, 110.0), (-9.0, 99.0), (0.0, 1.0), (1.2, 1.3), (3.0, 50.0), (5.0, 9.0), (1e3, 1e4)):
            assert even.error("mean", *bounds) < 8e-15

    def test_probability_of_an_interval(self, even: Pair) -> None:
        for bounds in intervals(even):
            if even.exact.prob(*bounds) > Decimal("1e-300"):
                assert even.error("prob", *bounds) < 2e-14

    def test_variance_on_an_interval(self, even: Pair) -> None:
        for bounds in intervals(even):
            if even.exact.var(*bounds) > Decimal("1e-290"):
                assert even.error("var", *bounds) < 2e-14

    def test_variance_of_everything(self, even: Pair, shape: float) -> None:
        if shape < 0.5:
            for bounds in ((-math.inf, math.inf), (1.0, math.inf)):
                assert even.error("var", *bounds) < 1e-15
                assert even.error("std", *bounds) < 1e-15


@pytest.mark.parametrize("shape", SHAPES)
def test_many_bins_of_any_weight(uneven: Pair) -> None:
    for low, high in itertools.combinations([-100.0, -19.5, -3.2, 11.0, 11.5, 40.0, 60.25, 85.0, 110.0], 2):
        if uneven.exact.prob(low, high) > Decimal("1e-300"):
            assert uneven.error("prob", low, high) < 2e-14
            assert uneven.error("var", low, high) < 2e-14
            assert uneven.error("mean", low, high) < 8e-15
