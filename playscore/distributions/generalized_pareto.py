"""The generalised Pareto law of exceedances z >= 0 at scale 1, smooth in its shape; formulas in docs/law.md.

Everything goes through the cumulative hazard H(z) = -log S(z) = log1p(shape z) / shape, which is z itself at shape 0.
Near zero the two ratios log1p(u) / u and expm1(u) / u are their Taylor polynomials, so that values and gradients hold
for every shape. What a branch must not see is replaced before the branch is computed: no gradient meets 0 * inf.

Arrays are of the namespace `xp`.
"""

from __future__ import annotations

import math
from functools import cache
from typing import Any, NamedTuple, TypeAlias

Array: TypeAlias = Any


class Precision(NamedTuple):
    """Where the numbers of a dtype end."""

    eps: float
    """The spacing at 1."""
    far: float
    """No exceedance is told apart from a larger one: beyond, products with a shape or a scale could overflow."""

    @classmethod
    @cache
    def of(cls, xp: Any, dtype: Any) -> Precision:
        """That of this dtype."""
        info = xp.finfo(dtype)
        return cls(float(info.eps), float(info.max) * 2.0**-30)


def cumulative_hazard(xp: Any, distance: Array, scale: Array, shape: Array, precision: Precision) -> Array:
    """H(distance / scale), at least 0; inf at and beyond the end of the support; NaN where the distance is."""
    finite = distance < xp.inf
    z = xp.minimum(xp.where(finite, distance, 0.0), precision.far * scale) / scale
    u = shape * z
    beyond = ~finite | (u <= -1)
    ratio = _log1p_ratio(xp, xp.where(beyond, 0.0, u), precision.eps)
    return xp.where(xp.isnan(distance), xp.nan, xp.where(beyond, xp.inf, z * ratio))


def exceedance(xp: Any, hazard: Array, scale: Array, shape: Array, precision: Precision) -> Array:
    """The distance at which H(distance / scale) = hazard; at hazard inf the end of the support."""
    endless = hazard == xp.inf
    finite = xp.where(endless, 0.0, hazard)
    growth = shape * finite
    endless = endless | (growth > math.log(precision.far))
    bounded = shape < -1 / precision.far
    end = xp.where(bounded, -scale / xp.where(bounded, shape, -1.0), xp.inf)
    return xp.where(endless, end, scale * finite * _expm1_ratio(xp, xp.where(endless, 0.0, growth), precision.eps))


def survival_integral(xp: Any, hazard: Array, scale: Array, shape: Array, precision: Precision) -> Array:
    """The integral of S(t / scale) dt, from 0 to where the hazard is reached."""
    endless = hazard == xp.inf
    finite = xp.where(endless, 0.0, hazard)
    reached = scale * finite * _expm1_ratio(xp, (shape - 1) * finite, precision.eps)
    return xp.where(endless, whole_integral(xp, scale, shape, power=1), reached)


def whole_integral(xp: Any, scale: Array, shape: Array, *, power: int) -> Array:
    """The integral of S(t / scale)^power dt over the whole support; inf where it diverges."""
    converges = shape < power
    return xp.where(converges, scale / xp.where(converges, power - shape, 1.0), xp.inf)


# Four terms are exact to rounding where |u| < eps^(1/4); beyond, the quotients' derivatives lose at most eps^(3/4).


def _log1p_ratio(xp: Any, u: Array, eps: float) -> Array:
    near = xp.abs(u) < eps**0.25
    small, large = xp.where(near, u, 0.0), xp.where(near, 1.0, u)
    return xp.where(near, 1 - small * (1 / 2 - small * (1 / 3 - small / 4)), xp.log1p(large) / large)


def _expm1_ratio(xp: Any, u: Array, eps: float) -> Array:
    near = xp.abs(u) < eps**0.25
    small, large = xp.where(near, u, 0.0), xp.where(near, 1.0, u)
    return xp.where(near, 1 + small * (1 / 2 + small * (1 / 6 + small / 24)), xp.expm1(large) / large)
