"""The generalized Pareto distribution of exceedances z >= 0, smooth in its shape; docs/distribution.md derives it.

Everything goes through the cumulative hazard H(z) = -log S(z) = log1p(shape z) / shape, which is z itself at shape 0.
Near zero the ratios log1p(u) / u and expm1(u) / u are replaced by Taylor polynomials, so that values and gradients are
right for every shape. Arguments that a branch cannot handle are replaced before the branch is computed, so that no
gradient is 0 * inf.

Arrays belong to the namespace `xp`.
"""

from __future__ import annotations

import math
from functools import cache
from typing import Any, NamedTuple, TypeAlias

Array: TypeAlias = Any


class Precision(NamedTuple):
    """The limits of a dtype."""

    eps: float
    """The spacing at 1."""
    far: float
    """Larger exceedances are treated as this one: beyond it, products with a shape or a scale could overflow."""

    @classmethod
    @cache
    def of(cls, xp: Any, dtype: Any) -> Precision:
        """The limits of this dtype."""
        info = xp.finfo(dtype)
        return cls(float(info.eps), float(info.max) * 2.0**-30)


def cumulative_hazard(xp: Any, distance: Array, scale: Array, shape: Array, precision: Precision) -> Array:
    """H(distance / scale), at least 0; inf at and beyond the end of the support; NaN where the distance is NaN."""
    finite = distance < xp.inf
    z = xp.minimum(xp.where(finite, distance, 0.0), precision.far * scale) / scale
    u = shape * z
    beyond = ~finite | (u <= -1)
    ratio = _log1p_ratio(xp, xp.where(beyond, 0.0, u), precision.eps)
    return xp.where(xp.isnan(distance), xp.nan, xp.where(beyond, xp.inf, z * ratio))


def exceedance(xp: Any, hazard: Array, scale: Array, shape: Array, precision: Precision) -> Array:
    """The distance at which H(distance / scale) = hazard; for hazard inf, the end of the support."""
    endless = hazard == xp.inf
    finite = xp.where(endless, 0.0, hazard)
    growth = shape * finite
    endless = endless | (growth > math.log(precision.far))
    bounded = shape < -1 / precision.far
    end = xp.where(bounded, -scale / xp.where(bounded, shape, -1.0), xp.inf)
    return xp.where(endless, end, scale * finite * _expm1_ratio(xp, xp.where(endless, 0.0, growth), precision.eps))


def scale_beyond(xp: Any, distance: Array, scale: Array, shape: Array, precision: Precision) -> Array:
    """The scale of what exceeds the distance, which is generalized Pareto with the same shape.

    Where nothing does, at and past the end of the support, the scale itself.
    """
    finite = xp.where(distance < xp.inf, distance, 0.0)
    grown = scale + shape * xp.minimum(finite, precision.far * scale)
    return xp.where(grown > 0, grown, scale)


def survival_integral(
    xp: Any, hazard: Array, scale: Array, shape: Array, precision: Precision, *, power: int = 1
) -> Array:
    """The integral of S(t / scale)^power dt, from 0 to where the hazard is reached."""
    endless = hazard == xp.inf
    finite = xp.where(endless, 0.0, hazard)
    reached = scale * finite * _expm1_ratio(xp, (shape - power) * finite, precision.eps)
    return xp.where(endless, whole_integral(xp, scale, shape, power=power), reached)


def whole_integral(xp: Any, scale: Array, shape: Array, *, power: int) -> Array:
    """The integral of S(t / scale)^power dt over the whole support; inf where it diverges."""
    converges = shape < power
    return xp.where(converges, scale / xp.where(converges, power - shape, 1.0), xp.inf)


def survival_moment(xp: Any, hazard: Array, scale: Array, shape: Array, precision: Precision) -> Array:
    """The integral of t S(t / scale) dt, from 0 to where the hazard is reached; inf where it diverges."""
    endless = hazard == xp.inf
    converges = shape < 0.5
    bounded = xp.where(converges, shape, 0.0)
    whole = xp.where(converges, scale * scale / ((1 - bounded) * (1 - 2 * bounded)), xp.inf)
    reached = _second_difference(xp, xp.where(endless, 0.0, hazard), shape, precision)
    return xp.where(endless, whole, scale * scale * reached)


# Four terms are exact to rounding where |u| < eps^(1/4); beyond, the quotients' derivatives lose at most eps^(3/4).


def _log1p_ratio(xp: Any, u: Array, eps: float) -> Array:
    near = xp.abs(u) < eps**0.25
    small, large = xp.where(near, u, 0.0), xp.where(near, 1.0, u)
    return xp.where(near, 1 - small * (1 / 2 - small * (1 / 3 - small / 4)), xp.log1p(large) / large)


def _expm1_ratio(xp: Any, u: Array, eps: float) -> Array:
    near = xp.abs(u) < eps**0.25
    small, large = xp.where(near, u, 0.0), xp.where(near, 1.0, u)
    return xp.where(near, 1 + small * (1 / 2 + small * (1 / 6 + small / 24)), xp.expm1(large) / large)


_TERMS = 18
"""Of the series of the second difference: with nodes within 1 of each other the rest is below a double's rounding."""


def _second_difference(xp: Any, hazard: Array, shape: Array, precision: Precision) -> Array:
    """hazard^2 exp[0, a, b], the second divided difference of exp, a = (shape - 1) hazard, b = (2 shape - 1) hazard."""
    a, b = (shape - 1) * hazard, (2 * shape - 1) * hazard
    smaller, larger = xp.minimum(a, b), xp.maximum(a, b)
    zero = xp.zeros_like(a)
    low, high = xp.minimum(smaller, zero), xp.maximum(larger, zero)
    near = high - low < 1

    # exp[0, a, b] is the sum of h_n(a, b) / (n + 2)!, h_n being the sum of all products of n factors a or b.
    small_a, small_b = xp.where(near, a, 0.0), xp.where(near, b, 0.0)
    power = products = xp.ones_like(a)
    series = products / 2
    for n in range(1, _TERMS):
        power = power * small_a
        products = products * small_b + power
        series = series + products / math.factorial(n + 2)
    small = xp.where(near, hazard, 0.0)
    series = small * small * series

    # Apart, the difference of two first differences, the larger at least 1.5 times the smaller.
    overflows = high > math.log(precision.far)
    apart = ~(near | overflows)
    low, high = xp.where(apart, low, -1.0), xp.where(apart, high, 0.0)
    middle = xp.where(apart, xp.maximum(smaller, xp.minimum(larger, zero)), 0.0)
    large = xp.where(apart, hazard, 1.0)
    above = large * (xp.exp(high) * _expm1_ratio(xp, middle - high, precision.eps))
    below = large * (xp.exp(middle) * _expm1_ratio(xp, low - middle, precision.eps))
    difference = (above - below) * (large / (high - low))
    return xp.where(near, series, xp.where(overflows, xp.inf, difference))
