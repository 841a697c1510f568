"""The spliced binned Pareto law: free probabilities in the body, generalised Pareto tails; see docs/law.md."""

from __future__ import annotations

import math
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
from array_api_compat import array_namespace, device, is_array_api_obj

from playscore.distributions import bins, generalized_pareto
from playscore.errors import PlayscoreError, Reason

Array: TypeAlias = Any
"""An array of numpy or torch."""


class SplicedBinnedPareto:
    """A batch of laws on the real line.

    The body has a constant density in each bin, with probabilities softmax(logits). The points at which the body's
    distribution function reaches `lower_tail` and 1 - `upper_tail` are the thresholds; what lies beyond them is
    replaced by generalised Pareto tails of just that probability.

    `edges` (K+1,) rise; `logits` (..., K) may be -inf, not all; scales are positive, in the unit of the edges. The
    batch is what the leading axes of `logits`, the shapes and the scales broadcast to, and arguments of the methods
    broadcast against it. Everything is computed in the dtype and namespace of `logits`. A law with a parameter that
    is NaN or out of its range answers NaN and leaves its neighbours alone.

    Raises PlayscoreError(LAW_INVALID) for edges and tail probabilities that are none.
    """

    def __init__(
        self,
        edges: Array,
        logits: Array,
        lower_shape: Array,
        lower_scale: Array,
        upper_shape: Array,
        upper_scale: Array,
        lower_tail: float = 0.05,
        upper_tail: float = 0.05,
    ) -> None:
        self._logits = logits if is_array_api_obj(logits) else np.asarray(logits, dtype=np.float64)
        self._xp = xp = array_namespace(self._logits)
        self._eps = float(xp.finfo(self._logits.dtype).eps)
        self.edges = self._array(edges)
        self._left, self._right = self.edges[:-1], self.edges[1:]
        self._widths = self._right - self._left
        self.lower_tail, self.upper_tail = lower_tail, upper_tail
        self._zero, self._one = self._array(0.0), self._array(1.0)
        self._check()
        self.lower_shape, self.lower_scale = self._array(lower_shape), self._array(lower_scale)
        self.upper_shape, self.upper_scale = self._array(upper_shape), self._array(upper_scale)

        *batch, count = self._logits.shape
        laws = xp.arange(math.prod(batch), device=device(self._logits))
        self._first_bins = xp.reshape(laws * count, tuple(batch))
        self._peak, self._cumulative = bins.running_sums(xp, self._logits)
        self._total = self._cumulative[..., -1]

        valid = (self.lower_scale > 0) & (self.upper_scale > 0)
        valid = valid & xp.isfinite(self.lower_scale + self.upper_scale + self.lower_shape + self.upper_shape)
        levels = xp.reshape(self._array([lower_tail, 1 - upper_tail]), (2,) + (1,) * len(batch))
        thresholds = self._body_quantile(levels)
        self.lower_threshold = xp.where(valid, thresholds[0, ...], xp.nan)
        self.upper_threshold = xp.where(valid, thresholds[1, ...], xp.nan)

    @classmethod
    def from_probabilities(
        cls,
        edges: Array,
        probabilities: Array,
        lower_shape: Array,
        lower_scale: Array,
        upper_shape: Array,
        upper_scale: Array,
        lower_tail: float = 0.05,
        upper_tail: float = 0.05,
    ) -> SplicedBinnedPareto:
        """The law with these probabilities (..., K) of the bins, up to a common factor; 0 is allowed."""
        if not is_array_api_obj(probabilities):
            probabilities = np.asarray(probabilities, dtype=np.float64)
        xp = array_namespace(probabilities)
        empty = probabilities == 0
        logits = xp.where(empty, -xp.inf, xp.log(xp.where(empty, 1.0, probabilities)))
        return cls(edges, logits, lower_shape, lower_scale, upper_shape, upper_scale, lower_tail, upper_tail)

    @property
    def probabilities(self) -> Array:
        """Probabilities (..., K) of the bins before the tails are spliced on."""
        return self._xp.exp(self._logits - self._peak[..., None]) / self._total[..., None]

    def log_prob(self, x: Array) -> Array:
        """Natural logarithm of the density at x; -inf outside the support."""
        xp, x = self._xp, self._array(x)
        inside, lower, shape, scale, hazard = self._tail(x)
        found = self._bin_of(x)
        body = self._take(self._logits, found) - self._peak - xp.log(self._total * self._widths[found])
        beyond = hazard == xp.inf
        log_tail = xp.where(lower, self._array(math.log(self.lower_tail)), self._array(math.log(self.upper_tail)))
        tail = log_tail - xp.log(scale) - (1 + shape) * xp.where(beyond, 0.0, hazard)
        return xp.where(inside, body, xp.where(beyond, -xp.inf, tail))

    def cdf(self, x: Array) -> Array:
        """Probability of at most x, exact to rounding down the lower tail."""
        x = self._array(x)
        inside, lower, _, _, hazard = self._tail(x)
        survival = self._xp.exp(-hazard)
        tail = self._xp.where(lower, self.lower_tail * survival, 1 - self.upper_tail * survival)
        return self._xp.where(inside, self._body_cdf(inside, x), tail)

    def sf(self, x: Array) -> Array:
        """Probability of more than x, exact to rounding up the upper tail."""
        x = self._array(x)
        inside, lower, _, _, hazard = self._tail(x)
        survival = self._xp.exp(-hazard)
        tail = self._xp.where(lower, 1 - self.lower_tail * survival, self.upper_tail * survival)
        return self._xp.where(inside, 1 - self._body_cdf(inside, x), tail)

    def icdf(self, q: Array) -> Array:
        """The least x that is not exceeded with probability q; the ends of the support at 0 and 1, NaN outside."""
        xp, q = self._xp, self._array(q)
        lower = q < self.lower_tail
        inside = (q >= self.lower_tail) & (q <= 1 - self.upper_tail)
        survival = xp.where(lower, q / self.lower_tail, (1 - q) / self.upper_tail)
        survival = xp.where(inside, 1.0, xp.where(survival < 0, xp.nan, survival))
        ended = survival == 0
        hazard = xp.where(ended, xp.inf, -xp.log(xp.where(ended, 1.0, survival)))
        shape = xp.where(lower, self.lower_shape, self.upper_shape)
        exceedance = generalized_pareto.exceedance(xp, hazard, shape, self._eps)
        tail = xp.where(
            lower,
            self.lower_threshold - self.lower_scale * exceedance,
            self.upper_threshold + self.upper_scale * exceedance,
        )
        body = self._body_quantile(xp.where(inside, q, 0.5)) + 0 * self.lower_threshold
        return xp.where(inside, body, tail)

    def median(self) -> Array:
        """The median."""
        if self.lower_tail <= 0.5 <= 1 - self.upper_tail:
            return self._body_quantile(0.5) + 0 * self.lower_threshold
        return self.icdf(0.5)

    def mean(self, low: Array | None = None, high: Array | None = None) -> Array:
        """The mean of the variable held to [low, high]: E[min(max(X, low), high)].

        Without a bound, infinite where that tail's shape is at least 1, and NaN where both are.
        """
        xp = self._xp
        low = self._array(-math.inf if low is None else low)
        high = self._array(math.inf if high is None else high)
        start, stop = self._within_thresholds(low), self._within_thresholds(high)
        left, right, cdf_left, cdf_right = self._pieces(start, stop)
        body = xp.sum((right - left) * (2 - cdf_left - cdf_right), axis=-1) / 2
        pivot = _clip(xp, self.lower_threshold, low, high)
        below = self._lower_integral(low, 1) - self._lower_integral(high, 1)
        above = self._upper_integral(high, 1) - self._upper_integral(low, 1)
        return pivot - self.lower_tail * below + body + self.upper_tail * above

    def entropy(self) -> Array:
        """Differential entropy in nats."""
        xp = self._xp
        left, right, _, _ = self._pieces(self.lower_threshold, self.upper_threshold)
        density = self.probabilities / self._widths
        surprise = -density * xp.log(xp.where(density == 0, 1.0, density))
        tails = sum(
            probability * (1 + shape + xp.log(scale) - math.log(probability))
            for probability, shape, scale in (
                (self.lower_tail, self.lower_shape, self.lower_scale),
                (self.upper_tail, self.upper_shape, self.upper_scale),
            )
        )
        return tails + xp.sum((right - left) * surprise, axis=-1)

    def crps(self, x: Array) -> Array:
        """Continuous ranked probability score of x, in the unit of the edges: the integral of (F(t) - [t >= x])^2.

        Infinite where a tail's shape is at least 2.
        """
        xp, x = self._xp, self._array(x)
        endless = xp.isinf(x)
        x = xp.where(endless, 0.0, x)
        middle = self._within_thresholds(x)
        left, right, cdf_left, cdf_right = self._pieces(self.lower_threshold, middle)
        before = xp.sum((right - left) * (cdf_left**2 + cdf_left * cdf_right + cdf_right**2), axis=-1) / 3
        left, right, cdf_left, cdf_right = self._pieces(middle, self.upper_threshold)
        sf_left, sf_right = 1 - cdf_left, 1 - cdf_right
        after = xp.sum((right - left) * (sf_left**2 + sf_left * sf_right + sf_right**2), axis=-1) / 3

        # Between a threshold and an x beyond it, (1 - p S)^2 = 1 - 2 p S + p^2 S^2.
        ends = self._array(-math.inf), self._array(math.inf)
        below = xp.maximum(self.lower_threshold - x, self._zero)
        below = below - 2 * self.lower_tail * self._lower_integral(x, 1)
        below = below + self.lower_tail**2 * self._lower_integral(ends[0], 2)
        above = xp.maximum(x - self.upper_threshold, self._zero)
        above = above - 2 * self.upper_tail * self._upper_integral(x, 1)
        above = above + self.upper_tail**2 * self._upper_integral(ends[1], 2)
        return xp.where(endless, xp.inf, below + before + after + above)

    def sample(self, n: int, rng: Any) -> Array:
        """n draws of every law, (n, ...batch), by inversion; `rng` is a numpy Generator, or torch's with torch laws."""
        shape = (n, *self.lower_threshold.shape)
        if isinstance(rng, np.random.Generator):
            return self.icdf(rng.random(shape))
        return self.icdf(self._xp.rand(shape, generator=rng, dtype=self._logits.dtype, device=device(self._logits)))

    def _check(self) -> None:
        xp = self._xp
        if self.edges.ndim != 1 or self._logits.ndim < 1 or self.edges.shape[0] != self._logits.shape[-1] + 1:
            raise PlayscoreError(
                Reason.LAW_INVALID,
                f"{self._logits.shape[-1:]} logits want one edge more than bins, not edges of shape {self.edges.shape}",
            )
        if not bool(xp.all((self._widths > 0) & (self._widths < xp.inf))):
            raise PlayscoreError(Reason.LAW_INVALID, "edges must be finite and rise")
        if not (self.lower_tail > 0 and self.upper_tail > 0 and self.lower_tail + self.upper_tail < 1):
            raise PlayscoreError(
                Reason.LAW_INVALID,
                f"tails must be above 0 and leave a body, not {self.lower_tail} and {self.upper_tail}",
            )

    def _array(self, value: Array) -> Array:
        if isinstance(value, type(self._logits)) and value.dtype == self._logits.dtype:
            return value
        if is_array_api_obj(value) and array_namespace(value) is self._xp:
            return self._xp.astype(value, self._logits.dtype, copy=False)
        return self._xp.asarray(value, dtype=self._logits.dtype, device=device(self._logits))

    def _take(self, values: Array, places: Array) -> Array:
        """Of values (..., K), those of the bins at these places (any shape that broadcasts against the batch)."""
        return self._xp.reshape(values, (-1,))[self._first_bins + places]

    def _weight(self, places: Array) -> Array:
        """The weights that were summed up, of the bins alone: one array (..., K) less to keep."""
        return self._xp.exp(self._take(self._logits, places) - self._peak)

    def _bin_of(self, x: Array) -> Array:
        return self._xp.searchsorted(self.edges[1:-1], x, side="right")

    def _body_cdf(self, inside: Array, x: Array) -> Array:
        x = self._xp.where(inside, x, self.lower_threshold)
        found = self._bin_of(x)
        rest = (self._right[found] - x) / self._widths[found]
        return (self._take(self._cumulative, found) - self._weight(found) * rest) / self._total

    def _body_quantile(self, q: Array) -> Array:
        """The first point at which the body's distribution function reaches q, 0 < q < 1."""
        xp = self._xp
        level = q * self._total
        found = bins.first_reached(xp, self._cumulative, level)
        rest = (self._take(self._cumulative, found) - level) / self._weight(found)
        return self._right[found] - self._widths[found] * _clip(xp, rest, self._zero, self._one)

    def _tail(self, x: Array) -> tuple[Array, Array, Array, Array, Array]:
        """Of each x: whether in the body, whether below it, then shape, scale and cumulative hazard of its tail."""
        xp = self._xp
        lower = x < self.lower_threshold
        inside = (x >= self.lower_threshold) & (x <= self.upper_threshold)
        shape = xp.where(lower, self.lower_shape, self.upper_shape)
        scale = xp.where(lower, self.lower_scale, self.upper_scale)
        distance = xp.where(lower, self.lower_threshold - x, x - self.upper_threshold)
        distance = xp.where(inside, 0.0, distance)
        hazard = generalized_pareto.cumulative_hazard(xp, distance, scale, shape, self._eps)
        return inside, lower, shape, scale, hazard

    def _lower_integral(self, x: Array, power: int) -> Array:
        """The integral of S^power of the lower tail from x up to its threshold; 0 above it."""
        return self._tail_integral(self.lower_threshold - x, self.lower_scale, self.lower_shape, power)

    def _upper_integral(self, x: Array, power: int) -> Array:
        """The integral of S^power of the upper tail from its threshold up to x; 0 below it."""
        return self._tail_integral(x - self.upper_threshold, self.upper_scale, self.upper_shape, power)

    def _tail_integral(self, distance: Array, scale: Array, shape: Array, power: int) -> Array:
        xp, eps = self._xp, self._eps
        hazard = generalized_pareto.cumulative_hazard(xp, xp.maximum(distance, self._zero), scale, shape, eps)
        return generalized_pareto.survival_power_integral(xp, hazard, scale, shape, power=power, eps=eps)

    def _within_thresholds(self, x: Array) -> Array:
        return _clip(self._xp, x, self.lower_threshold, self.upper_threshold)

    @cached_property
    def _cdf_at_edges(self) -> tuple[Array, Array]:
        """The body's distribution function at the left and at the right edge of each bin."""
        right = self._cumulative / self._total[..., None]
        return right - self.probabilities, right

    def _pieces(self, start: Array, stop: Array) -> tuple[Array, Array, Array, Array]:
        """The bins cut to [start, stop]: left and right ends, and the body's distribution function there, (..., K)."""
        xp = self._xp
        left = _clip(xp, self._left, start[..., None], stop[..., None])
        right = _clip(xp, self._right, start[..., None], stop[..., None])
        at_left, at_right = self._cdf_at_edges
        density = (at_right - at_left) / self._widths
        return left, right, at_left + density * (left - self._left), at_right - density * (self._right - right)


def _clip(xp: Any, x: Array, low: Array, high: Array) -> Array:
    """Broadcasts all three, which xp.clip does not promise."""
    return xp.minimum(xp.maximum(x, low), high)
