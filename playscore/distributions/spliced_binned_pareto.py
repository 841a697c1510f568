"""The spliced binned Pareto distribution: a free histogram with generalized Pareto tails; see docs/distribution.md."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
from array_api_compat import array_namespace, device, is_array_api_obj

from playscore.distributions import bins, generalized_pareto
from playscore.distributions.generalized_pareto import Precision, survival_integral, survival_moment, whole_integral
from playscore.distributions.validation import check_bins, check_numbers, check_rows, check_support

Array: TypeAlias = Any
"""An array of numpy or torch."""


class SplicedBinnedPareto:
    """A batch of distributions on the real line.

    The body has a constant density in each bin, with probabilities softmax(logits). The points at which the body's
    distribution function reaches `lower_tail` and 1 - `upper_tail` are the thresholds; everything beyond them is
    replaced by generalized Pareto tails of exactly that probability.

    `edges` (K + 1,) increase. `logits` (..., K) may be -inf, but not all of a row. Scales are positive and in the unit
    of the edges. `batch_shape` is what the leading axes of `logits`, the shapes and the scales broadcast to, and the
    arguments of the methods broadcast against it. Everything is computed in the namespace of `logits` (lists become
    numpy arrays) and in their dtype, or in double precision if that is neither float32 nor float64. Under torch,
    gradients reach every parameter and argument, including through the thresholds.

    Arrays may come from a network, so their values are not checked: a row with a parameter that is NaN or out of range
    answers NaN, and the other rows are unaffected. `from_probabilities` checks every value instead.

    Raises PlayscoreError(DISTRIBUTION_INVALID) for edges and tail probabilities that are out of range, and for a
    shape or scale that is a plain number and out of range.
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
        check_numbers((lower_shape, upper_shape), (lower_scale, upper_scale))
        self._logits = _floating(logits)
        self._xp = xp = array_namespace(self._logits)
        self._precision = Precision.of(xp, self._logits.dtype)
        self.edges = self.array(edges)
        check_bins(self.edges, self._logits)
        self._left, self._right = self.edges[:-1], self.edges[1:]
        self._widths = self._right - self._left
        check_support(xp, self._widths, lower_tail, upper_tail)
        self.lower_tail, self.upper_tail = lower_tail, upper_tail
        self._zero, self._one = self.array(0.0), self.array(1.0)
        lower_shape, lower_scale = self.array(lower_shape), self.array(lower_scale)
        upper_shape, upper_scale = self.array(upper_shape), self.array(upper_scale)
        size = xp.abs(lower_shape) + xp.abs(lower_scale) + xp.abs(upper_shape) + xp.abs(upper_scale)
        flaw = xp.where((lower_scale > 0) & (upper_scale > 0) & xp.isfinite(size), self._zero, xp.nan)
        self.lower_shape, self.lower_scale = lower_shape + flaw, lower_scale + flaw
        self.upper_shape, self.upper_scale = upper_shape + flaw, upper_scale + flaw

        *batch, count = self._logits.shape
        rows = xp.arange(math.prod(batch), device=device(self._logits))
        self._first_bins = xp.reshape(rows * count, tuple(batch))
        self._peak, self._cumulative = bins.running_sums(xp, self._logits)
        self._total = self._cumulative[..., -1]
        self._each_logit, self._each_sum = xp.reshape(self._logits, (-1,)), xp.reshape(self._cumulative, (-1,))

        levels = xp.reshape(self.array([lower_tail, 1 - upper_tail]), (2,) + (1,) * len(batch))
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
        """The distribution with these probabilities (..., K) of the bins, up to a common factor; 0 is allowed.

        Probabilities are what people write down and stores return, so every value is checked, arrays included.

        Raises:
            PlayscoreError: DISTRIBUTION_INVALID, naming the first value that is out of range.
        """
        probabilities = _floating(probabilities)
        xp = array_namespace(probabilities)
        lower_shape, lower_scale, upper_shape, upper_scale = (
            _like(xp, probabilities, parameter) for parameter in (lower_shape, lower_scale, upper_shape, upper_scale)
        )
        check_rows(xp, probabilities, (lower_shape, upper_shape), (lower_scale, upper_scale))
        some = probabilities > 0
        logits = xp.where(some, xp.log(xp.where(some, probabilities, 1.0)), -xp.inf)
        return cls(edges, logits, lower_shape, lower_scale, upper_shape, upper_scale, lower_tail, upper_tail)

    @property
    def namespace(self) -> Any:
        """The namespace that everything is computed in."""
        return self._xp

    @property
    def batch_shape(self) -> tuple[int, ...]:
        """The shape of the batch; () for a single distribution."""
        return tuple(self.lower_threshold.shape)

    def array(self, value: Array) -> Array:
        """The value in the namespace and dtype, and on the device, that everything is computed in."""
        return _like(self._xp, self._logits, value)

    def broadcast_to(self, batch_shape: tuple[int, ...]) -> SplicedBinnedPareto:
        """The same distributions as a batch of this shape."""
        if batch_shape == self.batch_shape:
            return self
        return self._parts(batch_shape, ())

    def __getitem__(self, index: Any) -> SplicedBinnedPareto:
        """The part of the batch at this index, which means what it means for an array of shape `batch_shape`."""
        return self._parts(self.batch_shape, index if isinstance(index, tuple) else (index,))

    def _parts(self, batch: tuple[int, ...], places: tuple[Any, ...]) -> SplicedBinnedPareto:
        """The part at these places of these distributions as a batch of this shape."""
        xp = self._xp
        if not any(place is Ellipsis for place in places):
            places = (*places, Ellipsis)
        logits = xp.broadcast_to(self._logits, (*batch, self._logits.shape[-1]))[(*places, slice(None))]
        lower_shape, lower_scale, upper_shape, upper_scale = (
            xp.broadcast_to(parameter, batch)[places] for parameter in self._tails()
        )
        return type(self)(
            self.edges, logits, lower_shape, lower_scale, upper_shape, upper_scale, self.lower_tail, self.upper_tail
        )

    def __iter__(self) -> Iterator[SplicedBinnedPareto]:
        """The parts of the batch along its first axis."""
        if not self.batch_shape:
            raise TypeError("a single distribution is not iterable")
        return (self[place] for place in range(self.batch_shape[0]))

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.edges, self._logits, *self._tails(), self.lower_tail, self.upper_tail)

    def __repr__(self) -> str:
        lower, upper = f"lower_tail={self.lower_tail:g}", f"upper_tail={self.upper_tail:g}"
        if self.batch_shape == ():
            lower_shape, lower_scale, upper_shape, upper_scale = (float(parameter) for parameter in self._tails())
            lower += f" below {float(self.lower_threshold):.4g} (shape {lower_shape:.4g}, scale {lower_scale:.4g})"
            upper += f" above {float(self.upper_threshold):.4g} (shape {upper_shape:.4g}, scale {upper_scale:.4g})"
        return (
            f"{type(self).__name__}(batch_shape={self.batch_shape}, {self._logits.shape[-1]} bins "
            f"from {float(self.edges[0]):g} to {float(self.edges[-1]):g}, {lower}, {upper}, {self._logits.dtype})"
        )

    @property
    def probabilities(self) -> Array:
        """Probabilities (..., K) of the bins before the tails are spliced on."""
        return self._xp.exp(self._logits - self._peak[..., None]) / self._total[..., None]

    def log_prob(self, x: Array) -> Array:
        """Natural logarithm of the density at x; -inf outside the support. An edge belongs to the bin above it."""
        xp, x = self._xp, self.array(x)
        inside, lower, shape, scale, hazard = self._tail(x)
        found = bins.bin_of(xp, self.edges, x)
        body = self._take(self._each_logit, found) - self._peak - xp.log(self._total * self._widths[found])
        beyond = ~xp.isfinite(hazard)
        tail = -xp.log(scale) - (1 + shape) * xp.where(beyond, 0.0, hazard)
        tail = xp.where(lower, math.log(self.lower_tail) + tail, math.log(self.upper_tail) + tail)
        return xp.where(inside, body, xp.where(beyond, -hazard, tail))

    def cdf(self, x: Array) -> Array:
        """Probability of at most x, keeping its digits however far down the lower tail."""
        x = self.array(x)
        inside, lower, _, _, hazard = self._tail(x)
        survival = self._xp.exp(-hazard)
        tail = self._xp.where(lower, self.lower_tail * survival, 1 - self.upper_tail * survival)
        return self._xp.where(inside, self._body_cdf(self._xp.where(inside, x, self.lower_threshold)), tail)

    def sf(self, x: Array) -> Array:
        """Probability of more than x, keeping its digits however far up the upper tail."""
        x = self.array(x)
        inside, lower, _, _, hazard = self._tail(x)
        survival = self._xp.exp(-hazard)
        tail = self._xp.where(lower, 1 - self.lower_tail * survival, self.upper_tail * survival)
        return self._xp.where(inside, 1 - self._body_cdf(self._xp.where(inside, x, self.lower_threshold)), tail)

    def prob(self, low: Array, high: Array) -> Array:
        """Probability of low < X <= high, keeping its digits in both tails and however narrow the interval.

        Adjacent intervals add up. Either end may be infinite; where high <= low the interval is empty and the answer 0.
        It costs about as much as a mean; where an absolute error of rounding is enough, a difference of `cdf` is
        cheaper.
        """
        xp = self._xp
        low, high, outcome = self._interval(low, high)
        left, right = self._cut(self._within_thresholds(low), self._within_thresholds(high))
        body = xp.sum(self._density * (right - left), axis=-1)
        survival, _, _, hazard = self._tails_between(low, high)
        lower, upper = _unstack(-survival * xp.expm1(-hazard))
        total = self.lower_tail * lower + body + self.upper_tail * upper
        return xp.minimum(total, self._one) + outcome

    def icdf(self, q: Array) -> Array:
        """The quantile: the least x with `cdf(x) >= q`; the ends of the support at 0 and 1, NaN outside [0, 1]."""
        q = self.array(q)
        return self._quantile(q, 1 - q)

    def isf(self, p: Array) -> Array:
        """The quantile from above: `icdf(1 - p)`, precise however small p is."""
        p = self.array(p)
        return self._quantile(1 - p, p)

    def median(self) -> Array:
        """The median."""
        if self.lower_tail <= 0.5 <= 1 - self.upper_tail:
            return self._body_quantile(0.5) + 0 * self.lower_threshold
        return self.icdf(0.5)

    def mean(self, low: Array | None = None, high: Array | None = None) -> Array:
        """The mean of X clamped to [low, high]: E[min(max(X, low), high)]; where low > high, it is high.

        Where a bound is missing, infinite if that tail's shape is at least 1, and NaN if both are.
        """
        xp = self._xp
        low = self.array(-math.inf if low is None else low)
        high = self.array(math.inf if high is None else high)
        low = xp.minimum(low, high)
        start, stop = self._within_thresholds(low), self._within_thresholds(high)
        left, right, cdf_left, cdf_right = self._pieces(start, stop)
        body = xp.sum((right - left) * (2 - cdf_left - cdf_right), axis=-1) / 2
        pivot = _clip(xp, self.lower_threshold, low, high)
        from_low, from_high, to_low, to_high = self._tail_integrals([low, high])
        below, above = from_low - from_high, to_high - to_low
        below = xp.where(xp.isinf(below) & xp.isinf(above), xp.nan, below)
        return pivot - self.lower_tail * below + body + self.upper_tail * above

    def var(self, low: Array | None = None, high: Array | None = None) -> Array:
        """The variance of X clamped to [low, high], in the square of the unit of the edges; 0 where low >= high.

        Where a bound is missing, infinite if that tail's shape is at least 1/2, even if the mean is infinite or NaN.
        """
        xp = self._xp
        low, high, outcome = self._interval(-math.inf if low is None else low, math.inf if high is None else high)
        start, stop = self._within_thresholds(low), self._within_thresholds(high)
        bottom, top = _clip(xp, self.lower_threshold, low, high), _clip(xp, self.upper_threshold, low, high)
        with np.errstate(over="ignore"):  # A variance beyond the largest number is infinite.
            (lower_mean, upper_mean), (lower_square, upper_square), infinite = self._excess_moments(low, high)
            left, right, cdf_left, cdf_right = self._pieces(start, stop)
            length = right - left
            mass = self._density * length
            # Distances from the mean, by way of its distance from the bottom: no digits are lost to where that lies.
            mean = xp.sum(length * (2 - cdf_left - cdf_right), axis=-1) / 2
            mean = mean + self.upper_tail * upper_mean - self.lower_tail * lower_mean
            above = (top - bottom) - mean
            center = ((left + right) / 2 - bottom[..., None]) - mean[..., None]
            center = xp.where(mass > 0, center, 0.0)  # Of no piece: far away if the interval is.
            body = xp.sum(mass * (center**2 + length**2 / 12), axis=-1)
            lower = self._body_cdf(start) * mean**2 + self.lower_tail * (2 * mean * lower_mean + lower_square)
            upper = (1 - self._body_cdf(stop)) * above**2
            upper = upper + self.upper_tail * (2 * above * upper_mean + upper_square)
            return xp.where(infinite, xp.inf, lower + body + upper) + outcome

    def std(self, low: Array | None = None, high: Array | None = None) -> Array:
        """The standard deviation of X clamped to [low, high], in the unit of the edges: the square root of `var`."""
        xp, var = self._xp, self.var(low, high)
        none = var == 0
        return xp.where(none, self._zero, xp.sqrt(xp.where(none, self._one, var)))

    def entropy(self) -> Array:
        """Differential entropy in nats."""
        xp = self._xp
        left, right = self._cut(self.lower_threshold, self.upper_threshold)
        surprise = -self._density * xp.log(xp.where(self._density == 0, 1.0, self._density))
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
        xp, x = self._xp, self.array(x)
        finite = xp.isfinite(x)
        at = xp.where(finite, x, 0.0)
        return xp.where(finite, self.squared_error(at, self.array(math.inf)), xp.abs(x))

    def squared_error(self, x: Array, high: Array) -> Array:
        """The integral of (F(t) - [t >= x])^2 over t up to `high`, where x is finite and at most `high`."""
        xp, x, high = self._xp, self.array(x), self.array(high)
        middle = self._within_thresholds(x)
        left, right, cdf_left, cdf_right = self._pieces(self.lower_threshold, middle)
        before = xp.sum((right - left) * (cdf_left**2 + cdf_left * cdf_right + cdf_right**2), axis=-1) / 3
        left, right, cdf_left, cdf_right = self._pieces(middle, self._within_thresholds(high))
        sf_left, sf_right = 1 - cdf_left, 1 - cdf_right
        after = xp.sum((right - left) * (sf_left**2 + sf_left * sf_right + sf_right**2), axis=-1) / 3

        # Between a threshold and an x beyond it, (1 - p S)^2 = 1 - 2 p S + p^2 S^2.
        from_x, from_high, to_x, _ = self._tail_integrals([x, high])
        squared_from_high, squared_to_high = self._tail_integrals([high], power=2)
        whole = whole_integral(xp, self.lower_scale, self.lower_shape, power=2)
        below = xp.maximum(self.lower_threshold - x, self._zero) - xp.maximum(self.lower_threshold - high, self._zero)
        below = below - 2 * self.lower_tail * (from_x - from_high) + self.lower_tail**2 * (whole - squared_from_high)
        above = xp.maximum(x - self.upper_threshold, self._zero) - 2 * self.upper_tail * to_x
        return below + before + after + above + self.upper_tail**2 * squared_to_high

    def sample(self, n: int, rng: Any) -> Array:
        """n draws from every distribution, (n, *batch_shape), by inversion.

        `rng` is a numpy Generator or, under torch, a torch Generator.
        """
        xp, shape = self._xp, (n, *self.batch_shape)
        if isinstance(rng, np.random.Generator):
            uniform = self.array(rng.random(shape))
        else:
            uniform = xp.rand(shape, generator=rng, dtype=self._logits.dtype, device=device(self._logits))
        # Kept off 0 and 1, where the support ends, possibly at infinity.
        return self.icdf(xp.clip(uniform, self._precision.eps / 4, 1 - self._precision.eps / 2))

    def _tails(self) -> tuple[Array, Array, Array, Array]:
        return self.lower_shape, self.lower_scale, self.upper_shape, self.upper_scale

    def _take(self, values: Array, found: Array) -> Array:
        """From the values of all bins, flattened, those of these bins (any shape that broadcasts with the batch)."""
        return values[self._first_bins + found]

    def _weight(self, found: Array) -> Array:
        """What these bins added to the running sums; recomputed, which saves keeping another array (..., K)."""
        return self._xp.exp(self._take(self._each_logit, found) - self._peak)

    def _body_cdf(self, x: Array) -> Array:
        """The body's distribution function, for x between the thresholds."""
        found = bins.bin_of(self._xp, self.edges, x)
        rest = (self._right[found] - x) / self._widths[found]
        return (self._take(self._each_sum, found) - self._weight(found) * rest) / self._total

    def _body_quantile(self, q: Array) -> Array:
        """The first point at which the body's distribution function reaches q, 0 < q < 1."""
        xp = self._xp
        level = q * self._total
        found = bins.first_reached(xp, self._cumulative, level)
        # Rounding may pick a bin that weighs next to nothing: do not divide by that.
        weight = xp.maximum(self._weight(found), self._precision.eps * level)
        rest = (self._take(self._each_sum, found) - level) / weight
        return self._right[found] - self._widths[found] * _clip(xp, rest, self._zero, self._one)

    def _quantile(self, below: Array, above: Array) -> Array:
        """The first point with these probabilities below and above it; NaN where they are not within [0, 1]."""
        xp = self._xp
        lower, upper = below < self.lower_tail, above < self.upper_tail
        inside, valid = ~(lower | upper), (below >= 0) & (above >= 0)
        survival = xp.where(lower, below / self.lower_tail, above / self.upper_tail)
        ended = survival == 0
        survival = xp.where(inside | ended | ~valid, 1.0, survival)
        hazard = xp.where(ended, xp.inf, -xp.log(survival))
        shape = xp.where(lower, self.lower_shape, self.upper_shape)
        scale = xp.where(lower, self.lower_scale, self.upper_scale)
        exceedance = generalized_pareto.exceedance(xp, hazard, scale, shape, self._precision)
        tail = xp.where(lower, self.lower_threshold - exceedance, self.upper_threshold + exceedance)
        body = self._body_quantile(xp.where(inside & valid, below, 0.5)) + 0 * self.lower_threshold
        return xp.where(valid, xp.where(inside, body, tail), xp.nan)

    def _tail(self, x: Array) -> tuple[Array, Array, Array, Array, Array]:
        """For each x: whether it is in the body, whether below it, and its tail's shape, scale and cumulative hazard.

        The thresholds belong to the tails, so that tails begin at exactly their probabilities.
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

    def _tail_integrals(self, points: list[Array], power: int = 1) -> Array:
        """The integrals of a power of the tails' survival functions from thresholds to points; 0 outside that tail.

        The lower tail's for every point, then the upper tail's. They are stacked because each call has a fixed cost.
        """
        xp, count = self._xp, len(points)
        distances = [self.lower_threshold - x for x in points] + [x - self.upper_threshold for x in points]
        tails = self.lower_scale, self.lower_shape, self.upper_scale, self.upper_shape
        *distances, lower_scale, lower_shape, upper_scale, upper_shape = xp.broadcast_arrays(*distances, *tails)
        distance = xp.maximum(xp.stack(distances), self._zero)
        scale = xp.stack([lower_scale] * count + [upper_scale] * count)
        shape = xp.stack([lower_shape] * count + [upper_shape] * count)
        hazard = generalized_pareto.cumulative_hazard(xp, distance, scale, shape, self._precision)
        return survival_integral(xp, hazard, scale, shape, self._precision, power=power)

    def _interval(self, low: Array, high: Array) -> tuple[Array, Array, Array]:
        """Bounds that are safe to compute with, and what to add to the answer.

        An empty interval becomes [0, 0], so that infinite bounds are never subtracted from each other. What to add is
        NaN where a bound or the distribution is, otherwise 0.
        """
        xp, low, high = self._xp, self.array(low), self.array(high)
        some = low < high
        unknown = xp.isnan(low) | xp.isnan(high)
        outcome = xp.where(unknown, xp.nan, self._zero) + 0 * self.lower_threshold
        return xp.where(some, low, self._zero), xp.where(some, high, self._zero), outcome

    def _tails_between(self, low: Array, high: Array) -> tuple[Array, Array, Array, Array]:
        """The parts of the tails between low and high, low <= high; the lower tail's, then the upper tail's.

        Each is generalized Pareto again: the survival function of the tail where the part begins, the scale there, the
        shape, and the cumulative hazard across the part. So nothing is a difference of two survival functions.
        """
        xp = self._xp
        lower_far, lower_near = xp.minimum(low, self.lower_threshold), xp.minimum(high, self.lower_threshold)
        upper_near, upper_far = xp.maximum(low, self.upper_threshold), xp.maximum(high, self.upper_threshold)
        skipped = self.lower_threshold - lower_near, upper_near - self.upper_threshold
        length = lower_near - lower_far, upper_far - upper_near
        *distances, lower_shape, lower_scale, upper_shape, upper_scale = xp.broadcast_arrays(
            *skipped, *length, *self._tails()
        )
        begin, length = xp.stack(distances[:2]), xp.stack(distances[2:])
        shape, scale = xp.stack([lower_shape, upper_shape]), xp.stack([lower_scale, upper_scale])
        with np.errstate(over="ignore"):  # Of scales so far out that no length compares with them.
            survival = xp.exp(-generalized_pareto.cumulative_hazard(xp, begin, scale, shape, self._precision))
            scale = generalized_pareto.scale_beyond(xp, begin, scale, shape, self._precision)
            hazard = generalized_pareto.cumulative_hazard(xp, length, scale, shape, self._precision)
        return survival, scale, shape, hazard

    def _excess_moments(self, low: Array, high: Array) -> tuple[tuple[Array, Array], tuple[Array, Array], Array]:
        """How far X, clamped to [low, high], lies beyond the point of [low, high] nearest to the body.

        Given that X is in the lower and in the upper tail: the mean, the mean square, and whether either is infinite,
        in which case both are given as 0.
        """
        xp, precision = self._xp, self._precision
        survival, scale, shape, hazard = self._tails_between(low, high)
        mean = survival_integral(xp, hazard, scale, shape, precision)
        square = 2 * survival_moment(xp, hazard, scale, shape, precision)
        infinite = xp.isinf(square) & (survival > 0)
        some = (survival > 0) & ~infinite
        mean, square = (_unstack(survival * xp.where(some, moment, 0.0)) for moment in (mean, square))
        return mean, square, infinite[0, ...] | infinite[1, ...]

    def _within_thresholds(self, x: Array) -> Array:
        return _clip(self._xp, x, self.lower_threshold, self.upper_threshold)

    @cached_property
    def _density(self) -> Array:
        """The body's density in each bin, (..., K)."""
        return self.probabilities / self._widths

    @cached_property
    def _cdf_at_edges(self) -> tuple[Array, Array]:
        """The body's distribution function at the left and at the right edge of each bin."""
        right = self._cumulative / self._total[..., None]
        return right - self.probabilities, right

    def _cut(self, start: Array, stop: Array) -> tuple[Array, Array]:
        """Left and right ends (..., K) of the bins cut to [start, stop]."""
        start, stop = start[..., None], stop[..., None]
        return _clip(self._xp, self._left, start, stop), _clip(self._xp, self._right, start, stop)

    def _pieces(self, start: Array, stop: Array) -> tuple[Array, Array, Array, Array]:
        """As `_cut`, and the body's distribution function at the left and the right ends."""
        left, right = self._cut(start, stop)
        at_left, at_right = self._cdf_at_edges
        density = self._density
        return left, right, at_left + density * (left - self._left), at_right - density * (self._right - right)


def _clip(xp: Any, x: Array, low: Array, high: Array) -> Array:
    """Broadcasts all three, which xp.clip does not promise."""
    return xp.minimum(xp.maximum(x, low), high)


def _unstack(both: Array) -> tuple[Array, Array]:
    return both[0, ...], both[1, ...]


def _like(xp: Any, model: Array, value: Array) -> Array:
    """The value as an array of the model's namespace, dtype and device."""
    if isinstance(value, type(model)) and value.dtype == model.dtype:
        return value
    if is_array_api_obj(value) and array_namespace(value) is xp:
        return xp.astype(value, model.dtype, copy=False)
    return xp.asarray(value, dtype=model.dtype, device=device(model))


def _floating(values: Array) -> Array:
    """Values as an array of float32 or float64: float64 if they are anything else."""
    if not is_array_api_obj(values):
        return np.asarray(values, dtype=np.float64)
    xp = array_namespace(values)
    return values if values.dtype in (xp.float32, xp.float64) else xp.astype(values, xp.float64)
