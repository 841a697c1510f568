"""The spliced binned Pareto law: free probabilities in the body, generalised Pareto tails; see docs/law.md."""

from __future__ import annotations

import math
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
from array_api_compat import array_namespace, device, is_array_api_obj

from playscore.distributions import bins, generalized_pareto
from playscore.distributions.generalized_pareto import Precision, survival_integral, whole_integral
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
    broadcast against it. Everything is computed in the namespace of `logits` (lists are numpy's) and in their dtype,
    in double precision where that is neither float32 nor float64; torch carries gradients to every parameter and
    argument, the thresholds' included. A law with a parameter that is NaN or out of its range answers NaN and leaves
    its neighbours alone.

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
        self._logits = _floating(logits)
        self._xp = xp = array_namespace(self._logits)
        self._precision = Precision.of(xp, self._logits.dtype)
        self.edges = self._array(edges)
        self._left, self._right = self.edges[:-1], self.edges[1:]
        self._widths = self._right - self._left
        self.lower_tail, self.upper_tail = lower_tail, upper_tail
        self._zero, self._one = self._array(0.0), self._array(1.0)
        self._check()
        lower_shape, lower_scale = self._array(lower_shape), self._array(lower_scale)
        upper_shape, upper_scale = self._array(upper_shape), self._array(upper_scale)
        size = xp.abs(lower_shape) + xp.abs(lower_scale) + xp.abs(upper_shape) + xp.abs(upper_scale)
        flaw = xp.where((lower_scale > 0) & (upper_scale > 0) & xp.isfinite(size), self._zero, xp.nan)
        self.lower_shape, self.lower_scale = lower_shape + flaw, lower_scale + flaw
        self.upper_shape, self.upper_scale = upper_shape + flaw, upper_scale + flaw

        *batch, count = self._logits.shape
        laws = xp.arange(math.prod(batch), device=device(self._logits))
        self._first_bins = xp.reshape(laws * count, tuple(batch))
        self._peak, self._cumulative = bins.running_sums(xp, self._logits)
        self._total = self._cumulative[..., -1]
        self._each_logit, self._each_sum = xp.reshape(self._logits, (-1,)), xp.reshape(self._cumulative, (-1,))

        levels = xp.reshape(self._array([lower_tail, 1 - upper_tail]), (2,) + (1,) * len(batch))
        thresholds = self._body_quantile(levels)
        self.lower_threshold, self.upper_threshold = thresholds[0, ...] + flaw, thresholds[1, ...] + flaw

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
        probabilities = _floating(probabilities)
        xp = array_namespace(probabilities)
        some = probabilities > 0
        none = xp.where(probabilities == 0, xp.asarray(-math.inf, dtype=probabilities.dtype), xp.nan)
        logits = xp.where(some, xp.log(xp.where(some, probabilities, 1.0)), none)
        return cls(edges, logits, lower_shape, lower_scale, upper_shape, upper_scale, lower_tail, upper_tail)

    @property
    def probabilities(self) -> Array:
        """Probabilities (..., K) of the bins before the tails are spliced on."""
        return self._xp.exp(self._logits - self._peak[..., None]) / self._total[..., None]

    def log_prob(self, x: Array) -> Array:
        """Natural logarithm of the density at x, an edge being of the bin above it; -inf outside the support."""
        xp, x = self._xp, self._array(x)
        inside, lower, shape, scale, hazard = self._tail(x)
        found = bins.bin_of(xp, self.edges, x)
        body = self._take(self._each_logit, found) - self._peak - xp.log(self._total * self._widths[found])
        beyond = ~xp.isfinite(hazard)
        tail = -xp.log(scale) - (1 + shape) * xp.where(beyond, 0.0, hazard)
        tail = xp.where(lower, math.log(self.lower_tail) + tail, math.log(self.upper_tail) + tail)
        return xp.where(inside, body, xp.where(beyond, -hazard, tail))

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
        q = self._array(q)
        return self._quantile(q, 1 - q)

    def isf(self, p: Array) -> Array:
        """The least x that is exceeded with probability p: `icdf(1 - p)`, exact however small p."""
        p = self._array(p)
        return self._quantile(1 - p, p)

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
        low = xp.minimum(low, high)
        start, stop = self._within_thresholds(low), self._within_thresholds(high)
        left, right, cdf_left, cdf_right = self._pieces(start, stop)
        body = xp.sum((right - left) * (2 - cdf_left - cdf_right), axis=-1) / 2
        pivot = _clip(xp, self.lower_threshold, low, high)
        from_low, from_high, to_low, to_high = self._tail_integrals([low, high])
        below, above = from_low - from_high, to_high - to_low
        below = xp.where(xp.isinf(below) & xp.isinf(above), xp.nan, below)
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
        given, finite = x, xp.isfinite(x)
        x = xp.where(finite, given, 0.0)
        middle = self._within_thresholds(x)
        left, right, cdf_left, cdf_right = self._pieces(self.lower_threshold, middle)
        before = xp.sum((right - left) * (cdf_left**2 + cdf_left * cdf_right + cdf_right**2), axis=-1) / 3
        left, right, cdf_left, cdf_right = self._pieces(middle, self.upper_threshold)
        sf_left, sf_right = 1 - cdf_left, 1 - cdf_right
        after = xp.sum((right - left) * (sf_left**2 + sf_left * sf_right + sf_right**2), axis=-1) / 3

        # Between a threshold and an x beyond it, (1 - p S)^2 = 1 - 2 p S + p^2 S^2.
        from_x, to_x = self._tail_integrals([x])
        below = xp.maximum(self.lower_threshold - x, self._zero) - 2 * self.lower_tail * from_x
        below = below + self.lower_tail**2 * whole_integral(xp, self.lower_scale, self.lower_shape, power=2)
        above = xp.maximum(x - self.upper_threshold, self._zero) - 2 * self.upper_tail * to_x
        above = above + self.upper_tail**2 * whole_integral(xp, self.upper_scale, self.upper_shape, power=2)
        return xp.where(finite, below + before + after + above, xp.abs(given))

    def sample(self, n: int, rng: Any) -> Array:
        """n draws of every law, (n, ...batch), by inversion; `rng` is a numpy Generator, or torch's with torch laws."""
        xp, shape = self._xp, (n, *self.lower_threshold.shape)
        if isinstance(rng, np.random.Generator):
            uniform = self._array(rng.random(shape))
        else:
            uniform = xp.rand(shape, generator=rng, dtype=self._logits.dtype, device=device(self._logits))
        # Off 0 and 1, where the support ends, perhaps at infinity.
        return self.icdf(xp.clip(uniform, self._precision.eps / 4, 1 - self._precision.eps / 2))

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
        """Of the values of each bin of each law, those at these places (any shape that broadcasts with the batch)."""
        return values[self._first_bins + places]

    def _weight(self, places: Array) -> Array:
        """The weights that were summed up, of the bins alone: one array (..., K) less to keep."""
        return self._xp.exp(self._take(self._each_logit, places) - self._peak)

    def _body_cdf(self, inside: Array, x: Array) -> Array:
        x = self._xp.where(inside, x, self.lower_threshold)
        found = bins.bin_of(self._xp, self.edges, x)
        rest = (self._right[found] - x) / self._widths[found]
        return (self._take(self._each_sum, found) - self._weight(found) * rest) / self._total

    def _body_quantile(self, q: Array) -> Array:
        """The first point at which the body's distribution function reaches q, 0 < q < 1."""
        xp = self._xp
        level = q * self._total
        found = bins.first_reached(xp, self._cumulative, level)
        # Rounding may let a bin reach the level that weighs next to nothing: no division by that.
        weight = xp.maximum(self._weight(found), self._precision.eps * level)
        rest = (self._take(self._each_sum, found) - level) / weight
        return self._right[found] - self._widths[found] * _clip(xp, rest, self._zero, self._one)

    def _quantile(self, below: Array, above: Array) -> Array:
        """The first point with these probabilities below and above it; NaN where they are none."""
        xp = self._xp
        lower, upper = below < self.lower_tail, above < self.upper_tail
        inside, lawful = ~(lower | upper), (below >= 0) & (above >= 0)
        survival = xp.where(lower, below / self.lower_tail, above / self.upper_tail)
        ended = survival == 0
        survival = xp.where(inside | ended | ~lawful, 1.0, survival)
        hazard = xp.where(ended, xp.inf, -xp.log(survival))
        shape = xp.where(lower, self.lower_shape, self.upper_shape)
        scale = xp.where(lower, self.lower_scale, self.upper_scale)
        exceedance = generalized_pareto.exceedance(xp, hazard, scale, shape, self._precision)
        tail = xp.where(lower, self.lower_threshold - exceedance, self.upper_threshold + exceedance)
        body = self._body_quantile(xp.where(inside & lawful, below, 0.5)) + 0 * self.lower_threshold
        return xp.where(lawful, xp.where(inside, body, tail), xp.nan)

    def _tail(self, x: Array) -> tuple[Array, Array, Array, Array, Array]:
        """Of each x: whether in the body, whether below it, then shape, scale and cumulative hazard of its tail.

        The thresholds are the tails', so that these begin at exactly their probabilities.
        """
        xp = self._xp
        lower = x <= self.lower_threshold
        shape = xp.where(lower, self.lower_shape, self.upper_shape)
        scale = xp.where(lower, self.lower_scale, self.upper_scale)
        distance = xp.where(lower, self.lower_threshold - x, x - self.upper_threshold)
        inside = distance < 0
        distance = xp.where(inside, 0.0, distance)
        hazard = generalized_pareto.cumulative_hazard(xp, distance, scale, shape, self._precision)
        return inside, lower, shape, scale, hazard

    def _tail_integrals(self, points: list[Array]) -> Array:
        """The integrals of the tails' survival functions between thresholds and points, 0 where the tail is not there.

        First the lower tail's, for every point, then the upper tail's; all in one, since each step costs by the call.
        """
        xp, count = self._xp, len(points)
        distances = [self.lower_threshold - x for x in points] + [x - self.upper_threshold for x in points]
        tails = self.lower_scale, self.lower_shape, self.upper_scale, self.upper_shape
        *distances, lower_scale, lower_shape, upper_scale, upper_shape = xp.broadcast_arrays(*distances, *tails)
        distance = xp.maximum(xp.stack(distances), self._zero)
        scale = xp.stack([lower_scale] * count + [upper_scale] * count)
        shape = xp.stack([lower_shape] * count + [upper_shape] * count)
        hazard = generalized_pareto.cumulative_hazard(xp, distance, scale, shape, self._precision)
        return survival_integral(xp, hazard, scale, shape, self._precision)

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


def _floating(values: Array) -> Array:
    """Values as an array of single or double precision: double where they are anything else."""
    if not is_array_api_obj(values):
        return np.asarray(values, dtype=np.float64)
    xp = array_namespace(values)
    return values if values.dtype in (xp.float32, xp.float64) else xp.astype(values, xp.float64)
