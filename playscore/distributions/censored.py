"""A distribution whose largest outcomes all count as one: yards gained on a field that ends."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import cached_property
from typing import Any, TypeAlias

from playscore.distributions.spliced_binned_pareto import SplicedBinnedPareto
from playscore.distributions.validation import check_ceiling

Array: TypeAlias = Any
"""An array of numpy or torch."""

WITHIN = 0.5
"""Official yards are whole: what comes within this of the ceiling reaches it."""


class Censored:
    """A batch of distributions X = Y where Y <= `reached`, and `ceiling` where Y exceeds it.

    Y, the `latent`, is what the outcome would be without the ceiling. So X has an atom at the ceiling, of the
    probability that Y exceeds `reached` = ceiling - 1/2, and nothing between the two. `ceiling` broadcasts with the
    batch of the latent and is in the unit of its edges; infinite where there is none, and then X = Y.

    Everything is computed in the namespace and dtype of the latent; under torch, gradients reach its parameters. A row
    whose latent or ceiling is NaN answers NaN. There is no density, because there is an atom: the likelihood of a whole
    number y is `prob(y - 1/2, y + 1/2)`.

    Raises PlayscoreError(DISTRIBUTION_INVALID) for a ceiling that is a plain number and NaN or -inf.
    """

    def __init__(self, latent: SplicedBinnedPareto, ceiling: Array = math.inf) -> None:
        check_ceiling(ceiling)
        self.latent = latent
        self._xp = xp = latent.namespace
        flaw = 0 * latent.lower_threshold
        self.ceiling = latent.array(ceiling) + flaw
        self.reached = self.ceiling - WITHIN
        self._ends = xp.isfinite(self.ceiling)

    @property
    def batch_shape(self) -> tuple[int, ...]:
        """The shape of the batch; () for a single distribution."""
        return tuple(self.ceiling.shape)

    def __getitem__(self, index: Any) -> Censored:
        """The part of the batch at this index, which means what it means for an array of shape `batch_shape`."""
        return type(self)(self.latent.broadcast_to(self.batch_shape)[index], self.ceiling[index])

    def __iter__(self) -> Iterator[Censored]:
        """The parts of the batch along its first axis."""
        if not self.batch_shape:
            raise TypeError("a single distribution is not iterable")
        return (self[place] for place in range(self.batch_shape[0]))

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.latent, self.ceiling)

    def __repr__(self) -> str:
        ceiling = f"ceiling={float(self.ceiling):g}, " if self.batch_shape == () else ""
        return f"{type(self).__name__}({ceiling}{self.latent!r})"

    @cached_property
    def atom(self) -> Array:
        """Probability of the ceiling itself; 0 where there is none."""
        return self.latent.sf(self.reached)

    def cdf(self, x: Array) -> Array:
        """Probability of at most x: the latent's up to `reached`, constant to the ceiling, 1 from there on."""
        x = self.latent.array(x)
        below = self.latent.cdf(self._xp.minimum(x, self.reached))
        return self._xp.where(x >= self.ceiling, 1 + 0 * below, below)

    def sf(self, x: Array) -> Array:
        """Probability of more than x, keeping its digits however far up the upper tail."""
        x = self.latent.array(x)
        above = self.latent.sf(self._xp.minimum(x, self.reached))
        return self._xp.where(x >= self.ceiling, 0 * above, above)

    def prob(self, low: Array, high: Array) -> Array:
        """Probability of low < X <= high, keeping its digits; where high <= low, 0."""
        xp, low, high = self._xp, self.latent.array(low), self.latent.array(high)
        smooth = self.latent.prob(xp.minimum(low, self.reached), xp.minimum(high, self.reached))
        holds = (low < self.ceiling) & (high >= self.ceiling)
        return smooth + xp.where(holds, self.atom, 0.0)

    def icdf(self, q: Array) -> Array:
        """The quantile: the least x with `cdf(x) >= q`; NaN outside [0, 1]."""
        q = self.latent.array(q)
        beyond = (1 - q < self.atom) & (q <= 1)
        return self._xp.where(beyond, self.ceiling, self._xp.minimum(self.latent.icdf(q), self.ceiling))

    def isf(self, p: Array) -> Array:
        """The quantile from above: `icdf(1 - p)`, precise however small p is."""
        p = self.latent.array(p)
        beyond = (p < self.atom) & (p >= 0)
        return self._xp.where(beyond, self.ceiling, self._xp.minimum(self.latent.isf(p), self.ceiling))

    def median(self) -> Array:
        """The median."""
        return self.icdf(0.5)

    def mean(self, low: Array | None = None, high: Array | None = None) -> Array:
        """The mean of X clamped to [low, high]; where low > high, it is high.

        Infinite or NaN where the latent's mean, limited in this way, is.
        """
        low, high = self._bounds(low, high)
        return self.latent.mean(low, self._last(low, high)) + self._step(low, high) * self.atom

    def var(self, low: Array | None = None, high: Array | None = None) -> Array:
        """The variance of X clamped to [low, high], in the square of the unit of the edges; 0 where low >= high."""
        xp = self._xp
        low, high = self._bounds(low, high)
        last, step, atom = self._last(low, high), self._step(low, high), self.atom
        # X is the latent clamped to [low, last], and a step higher where it ends in the atom.
        short = xp.where(step > 0, last - self.latent.mean(low, last), 0.0)
        return self.latent.var(low, last) + step * atom * (step * (1 - atom) + 2 * short)

    def std(self, low: Array | None = None, high: Array | None = None) -> Array:
        """The standard deviation of X clamped to [low, high], in the unit of the edges: the square root of `var`."""
        xp, var = self._xp, self.var(low, high)
        none = var == 0
        return xp.where(none, 0 * var, xp.sqrt(xp.where(none, 1.0, var)))

    def crps(self, x: Array) -> Array:
        """Continuous ranked probability score of x, in the unit of the edges: the integral of (F(t) - [t >= x])^2.

        Infinite where the lower tail's shape is at least 2, or there is no ceiling and the upper tail's is.
        """
        xp, x = self._xp, self.latent.array(x)
        finite = xp.isfinite(x)
        at = xp.where(finite, x, 0.0)
        smooth = self.latent.squared_error(xp.minimum(at, self.reached), self.reached)
        reached, ceiling = xp.where(self._ends, self.reached, 0.0), xp.where(self._ends, self.ceiling, 0.0)
        within = xp.minimum(xp.maximum(at, reached), ceiling)
        atom = self.atom
        gap = (within - reached) * (1 - atom) ** 2 + (ceiling - within) * atom**2 + xp.maximum(at - ceiling, 0 * at)
        return xp.where(finite, smooth + xp.where(self._ends, gap, 0.0), xp.abs(x))

    def sample(self, n: int, rng: Any) -> Array:
        """n draws from every distribution, (n, *batch_shape).

        `rng` is a numpy Generator or, under torch, a torch Generator.
        """
        draws = self.latent.broadcast_to(self.batch_shape).sample(n, rng)
        return self._xp.where(draws > self.reached, self.ceiling, draws)

    def _bounds(self, low: Array | None, high: Array | None) -> tuple[Array, Array]:
        low = self.latent.array(-math.inf if low is None else low)
        high = self.latent.array(math.inf if high is None else high)
        return self._xp.minimum(low, high), high

    def _last(self, low: Array, high: Array) -> Array:
        """The upper bound of what lies below the atom."""
        return self._xp.maximum(low, self._xp.minimum(high, self.reached))

    def _step(self, low: Array, high: Array) -> Array:
        """How much higher the ceiling is than the last outcome below it, both clamped to [low, high]."""
        xp = self._xp
        low, high, ends = xp.where(self._ends, low, 0.0), xp.where(self._ends, high, 0.0), self._ends
        top = xp.minimum(xp.maximum(xp.where(ends, self.ceiling, 0.0), low), high)
        below = xp.minimum(xp.maximum(xp.where(ends, self.reached, 0.0), low), high)
        return top - below
