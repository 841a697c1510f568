"""The generalised Pareto law of exceedances z >= 0 at scale 1, smooth in its shape; formulas in docs/law.md.

Everything goes through the cumulative hazard H(z) = -log S(z) = log1p(shape z) / shape, which is z itself at shape 0.
Near zero the two ratios log1p(u) / u and expm1(u) / u are their Taylor polynomials, so that values and gradients hold
for every shape. What a branch must not see is replaced before the branch is computed: no gradient meets 0 * inf.

Arrays are of the namespace `xp`; `eps` is the spacing of their dtype at 1.
"""

from __future__ import annotations

from typing import Any, TypeAlias

Array: TypeAlias = Any


def cumulative_hazard(xp: Any, distance: Array, scale: Array, shape: Array, eps: float) -> Array:
    """H(distance / scale), at least 0; inf at and beyond the end of the support."""
    endless = distance == xp.inf
    z = xp.where(endless, 0.0, distance) / scale
    u = shape * z
    beyond = endless | (u <= -1)
    ratio = _log1p_ratio(xp, xp.where(beyond, 0.0, u), eps)
    return xp.where(beyond, xp.inf, z * ratio)


def exceedance(xp: Any, hazard: Array, shape: Array, eps: float) -> Array:
    """The z at which H(z) = hazard; at hazard inf the end of the support."""
    endless = hazard == xp.inf
    finite = xp.where(endless, 0.0, hazard)
    bounded = shape < 0
    end = xp.where(bounded, -1 / xp.where(bounded, shape, -1.0), xp.inf)
    return xp.where(endless, end, finite * _expm1_ratio(xp, shape * finite, eps))


def survival_power_integral(xp: Any, hazard: Array, scale: Array, shape: Array, *, power: int, eps: float) -> Array:
    """The integral of S(t / scale)^power dt, from 0 to where the hazard is reached; inf where it diverges."""
    rate = power - shape
    endless = hazard == xp.inf
    finite = xp.where(endless, 0.0, hazard)
    converges = rate > 0
    whole = xp.where(converges, scale / xp.where(converges, rate, 1.0), xp.inf)
    return xp.where(endless, whole, scale * finite * _expm1_ratio(xp, -rate * finite, eps))


# Four terms are exact to rounding where |u| < eps^(1/4); beyond, the quotients' derivatives lose at most eps^(3/4).


def _log1p_ratio(xp: Any, u: Array, eps: float) -> Array:
    near = xp.abs(u) < eps**0.25
    small, large = xp.where(near, u, 0.0), xp.where(near, 1.0, u)
    return xp.where(near, 1 - small * (1 / 2 - small * (1 / 3 - small / 4)), xp.log1p(large) / large)


def _expm1_ratio(xp: Any, u: Array, eps: float) -> Array:
    near = xp.abs(u) < eps**0.25
    small, large = xp.where(near, u, 0.0), xp.where(near, 1.0, u)
    return xp.where(near, 1 + small * (1 / 2 + small * (1 / 6 + small / 24)), xp.expm1(large) / large)
