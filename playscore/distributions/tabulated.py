"""The distributions of `Censored` in numpy alone, for services: a few questions about a few distributions, all at once.

The general classes cost half a millisecond for one distribution, because each of their many steps is a call into numpy
that has next to nothing to do. Here nothing has a gradient, points are finite, and everything that is asked is answered
in one pass over a table of the bins. The two agree to rounding, which tests/unit/distributions/test_tabulated.py holds
them to.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from playscore.distributions.censored import WITHIN

Doubles: TypeAlias = NDArray[np.float64]

_STRAIGHT: Final = 1e-200
"""A shape nearer to 0 than this is 0: quotients by it lose digits."""
_SHAPES: Final = np.array([True, False, True, False])
"""Of the tails' numbers, those that may have any sign."""
_EPS: Final = float(np.finfo(np.float64).eps)


class Bins:
    """What distributions share: K bins between rising `edges` (K + 1,), and the probabilities of the tails."""

    def __init__(self, edges: Sequence[float], lower_tail: float, upper_tail: float) -> None:
        self.edges = np.asarray(edges, np.float64)
        self.inner = self.edges[1:-1]
        self.right = self.edges[1:]
        self.widths = np.diff(self.edges)
        self.lower_tail = lower_tail
        self.upper_tail = upper_tail
        self.levels = np.array([lower_tail, 1.0 - upper_tail])
        """Of the thresholds."""


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """What is asked of N distributions."""

    cdf: Doubles
    """(M, N) probability of at most each point."""
    quantiles: Doubles
    """(L, N)"""
    mean: Doubles
    """(N,)"""


class Tabulated:
    """N distributions of an outcome that counts as `ceiling` where it would exceed ceiling - 1/2; see `Censored`.

    Values are not checked: a row that makes no distribution answers NaN, and the others are unaffected.
    """

    def __init__(self, bins: Bins, weights: Doubles, tails: Doubles, ceiling: Doubles) -> None:
        """`weights` (N, K) of the bins, not negative, up to a factor a row; see `from_logits` for the others."""
        with np.errstate(all="ignore"):
            rows, count = weights.shape
            at_edges = np.zeros((rows, count + 1))
            np.cumsum(weights, axis=1, out=at_edges[:, 1:])
            total = at_edges[:, -1:].copy()
            at_edges /= total
            self.bins = bins
            self.probabilities = weights / total
            """(N, K) of the bins, before the tails are spliced on."""
            self._at_edges = at_edges
            self._first_bin = np.arange(0, rows * count, count)
            self._first_edge = np.arange(0, rows * (count + 1), count + 1)
            good = np.logical_and(np.isfinite(tails), (tails > 0.0) | _SHAPES).all(axis=1, keepdims=True)
            self.tails = np.where(good, tails, np.nan)
            """(N, 4): lower shape, lower scale, upper shape, upper scale."""
            self._lower_shape, self._lower_scale, self._upper_shape, self._upper_scale = self.tails.T
            thresholds = self._body_quantiles(bins.levels) + 0.0 * self._lower_shape
            self._lower_threshold, self._upper_threshold = thresholds
            self.ceiling = ceiling + 0.0 * self._lower_threshold
            """(N,): infinite where there is none."""

    @classmethod
    def from_logits(cls, bins: Bins, logits: Doubles, tails: Doubles, ceiling: Doubles) -> Tabulated:
        """Distributions of bins with probabilities softmax(`logits`).

        `logits` (N, K); `tails` (N, 4) are lower shape, lower scale, upper shape and upper scale, scales in the unit of
        the edges; `ceiling` (N,) is infinite where there is none.
        """
        with np.errstate(all="ignore"):
            return cls(bins, np.exp(logits - logits.max(axis=1, keepdims=True)), tails, ceiling)

    def cdf(self, points: Doubles) -> Doubles:
        """(M, N) probability of at most each of the `points` (M, N)."""
        with np.errstate(all="ignore"):
            below, _ = self._latent(np.minimum(points, self.ceiling - WITHIN))
            return np.where(points >= self.ceiling, 1.0, below)

    def answers(self, points: Doubles, levels: Doubles, low: Doubles, high: Doubles) -> Answers:
        """All that is asked, in one pass.

        `points` (M, N); `levels` (L,) above 0 and below 1, the same for all; the mean is of the outcome clamped to
        finite bounds `low` and `high` (N,), and is `high` where they cross.
        """
        with np.errstate(all="ignore"):
            reached = self.ceiling - WITHIN
            low = np.minimum(low, high)
            last = np.maximum(low, np.minimum(high, reached))
            asked = np.concatenate([np.minimum(points, reached), (reached, last, low)])
            below, integral = self._latent(asked)
            cdf = np.where(points >= self.ceiling, 1.0, below[:-3])
            atom = 1.0 - below[-3]
            top = np.minimum(np.maximum(self.ceiling, low), high)
            step = top - np.minimum(np.maximum(reached, low), high)
            mean = last - (integral[-2] - integral[-1]) + step * atom
            quantiles = np.minimum(self._latent_quantiles(levels), self.ceiling)
            quantiles = np.where(1.0 - levels[:, None] < atom, self.ceiling, quantiles)
            return Answers(cdf, quantiles, mean)

    def _latent(self, x: Doubles) -> tuple[Doubles, Doubles]:
        """The latent's distribution function at x (M, N), and its integral to x from a point that all x share."""
        bins, lower = self.bins, x <= self._lower_threshold
        beyond = np.maximum(x - self._upper_threshold, 0.0)
        distance = np.where(lower, self._lower_threshold - x, beyond)
        shape = np.where(lower, self._lower_shape, self._upper_shape)
        scale = np.where(lower, self._lower_scale, self._upper_scale)
        probability = np.where(lower, bins.lower_tail, bins.upper_tail)
        hazard = _hazard(distance / scale, shape)
        exceeded = probability * np.exp(-hazard)
        tail = np.where(lower, exceeded, 1.0 - exceeded)

        inside = np.minimum(np.maximum(x, self._lower_threshold), self._upper_threshold)
        found = np.searchsorted(bins.inner, inside, side="right")
        rest = bins.right[found] - inside
        edge = found + self._first_edge + 1
        at_right = self._at_edges.ravel()[edge]
        body = at_right - self.probabilities.ravel()[found + self._first_bin] * rest / bins.widths[found]

        cdf = np.where(lower | (beyond > 0.0), tail, body)
        integral = self._integral_at_edges.ravel()[edge] - rest * (at_right + body) / 2.0
        return cdf, integral + beyond - probability * scale * _survival(hazard, shape)

    @property
    def _integral_at_edges(self) -> Doubles:
        """(N, K + 1) integral of the body's distribution function from the first edge."""
        integral = np.zeros_like(self._at_edges)
        np.cumsum(
            (self._at_edges[:, :-1] + self._at_edges[:, 1:]) * (self.bins.widths / 2.0), axis=1, out=integral[:, 1:]
        )
        return integral

    def _latent_quantiles(self, levels: Doubles) -> Doubles:
        """(L, N)"""
        bins, body = self.bins, self._body_quantiles(levels)
        for place, level in enumerate(levels.tolist()):
            if level < bins.lower_tail:
                hazard = -math.log(level / bins.lower_tail)
                body[place] = self._lower_threshold - self._lower_scale * _exceedance(hazard, self._lower_shape)
            elif 1.0 - level < bins.upper_tail:
                hazard = -math.log((1.0 - level) / bins.upper_tail)
                body[place] = self._upper_threshold + self._upper_scale * _exceedance(hazard, self._upper_shape)
        return body

    def _body_quantiles(self, levels: Doubles) -> Doubles:
        """(L, N) the first points at which the body's distribution function reaches the levels, 0 < level < 1."""
        bins, levels = self.bins, levels[:, None]
        found = (self._at_edges[:, 1:] >= levels[:, :, None]).argmax(axis=2)
        # Rounding may pick a bin that weighs next to nothing: do not divide by that.
        weight = np.maximum(self.probabilities.ravel()[found + self._first_bin], _EPS * levels)
        rest = (self._at_edges.ravel()[found + self._first_edge + 1] - levels) / weight
        reached: Doubles = bins.right[found] - bins.widths[found] * np.minimum(np.maximum(rest, 0.0), 1.0)
        return reached


def _hazard(z: Doubles, shape: Doubles) -> Doubles:
    """-log of the survival function of a generalized Pareto distribution of scale 1; inf past its support's end."""
    return np.where(np.abs(shape) < _STRAIGHT, z, np.log1p(np.maximum(shape * z, -1.0)) / shape)


def _exceedance(hazard: float, shape: Doubles) -> Doubles:
    """Where that is reached."""
    return np.where(np.abs(shape) < _STRAIGHT, hazard, np.expm1(shape * hazard) / shape)


def _survival(hazard: Doubles, shape: Doubles) -> Doubles:
    """The integral of the survival function from 0 to where the hazard is reached."""
    less = shape - 1.0
    return np.where(less == 0.0, hazard, np.expm1(less * hazard) / less)
