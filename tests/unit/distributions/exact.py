"""A second implementation in decimal arithmetic, one number at a time, with formulas that the package does not use.

Moments are raw moments and tails are powers of 1 + shape z. Both cancel badly, which 200 digits can afford.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Context, Decimal, localcontext
from itertools import pairwise

CONTEXT = Context(prec=200, Emin=-999_999, Emax=999_999)
ZERO, ONE = Decimal(0), Decimal(1)


@dataclass(frozen=True)
class Tail:
    """A generalized Pareto tail of z = distance from the threshold / scale, z >= 0."""

    shape: Decimal

    def survival(self, z: Decimal, power: int = 1) -> Decimal:
        """S(z)^power."""
        if self.shape == 0:
            return (-power * z).exp()
        grown = 1 + self.shape * z
        return grown ** (-power / self.shape) if grown > 0 else ZERO

    def log_density(self, z: Decimal) -> Decimal:
        """The logarithm of -dS/dz, inside the support."""
        return -z if self.shape == 0 else -(1 + 1 / self.shape) * (1 + self.shape * z).ln()

    def quantile(self, survival: Decimal) -> Decimal:
        """The z at which S(z) is this."""
        return -survival.ln() if self.shape == 0 else (survival**-self.shape - 1) / self.shape

    def integral(self, low: Decimal, high: Decimal, moment: int = 0, power: int = 1) -> Decimal:
        """The integral of z^moment S(z)^power dz; moment is 0 or 1, and high may be infinite."""
        if self.shape == 0:
            return self._exponential(low, moment, power) - self._exponential(high, moment, power)
        if self.shape < 0:
            low, high = min(low, -1 / self.shape), min(high, -1 / self.shape)
        exponent = -power / self.shape
        start, stop = 1 + self.shape * low, 1 + self.shape * high
        plain = _power_integral(start, stop, exponent) / self.shape
        if moment == 0:
            return plain
        return (_power_integral(start, stop, exponent + 1) / self.shape - plain) / self.shape

    @staticmethod
    def _exponential(z: Decimal, moment: int, power: int) -> Decimal:
        """The integral from z on, at shape 0."""
        if z.is_infinite():
            return ZERO
        return (-power * z).exp() * (ONE / power if moment == 0 else (z + ONE / power) / power)


def _power_integral(start: Decimal, stop: Decimal, exponent: Decimal) -> Decimal:
    """The integral of w^exponent dw."""
    if exponent == -1:
        return (stop / start).ln()
    ends = [_power(end, exponent + 1) for end in (start, stop)]
    return (ends[1] - ends[0]) / (exponent + 1)


def _power(base: Decimal, exponent: Decimal) -> Decimal:
    """base^exponent, and its limit where the base is infinite and the exponent negative."""
    if base.is_infinite():
        if exponent >= 0:
            raise ArithmeticError("the integral diverges")
        return ZERO
    return base**exponent if base else ZERO


class ExactSplicedBinnedPareto:
    """One distribution. Arguments are floats, taken exactly; answers are Decimals."""

    def __init__(
        self,
        edges: list[float],
        logits: list[float],
        lower_shape: float,
        lower_scale: float,
        upper_shape: float,
        upper_scale: float,
        tail: float,
    ) -> None:
        with localcontext(CONTEXT):
            self.edges = [Decimal(edge) for edge in edges]
            weights = [Decimal(logit).exp() for logit in logits]
            self.masses = [weight / sum(weights) for weight in weights]
            self.below = [sum(self.masses[:k], ZERO) for k in range(len(edges))]
            self.lower, self.upper = Tail(Decimal(lower_shape)), Tail(Decimal(upper_shape))
            self.lower_scale, self.upper_scale = Decimal(lower_scale), Decimal(upper_scale)
            self.tail = Decimal(tail)
            self.low, self.high = self._body_quantile(self.tail), self._body_quantile(1 - self.tail)

    def cdf(self, x: float | Decimal) -> Decimal:
        with localcontext(CONTEXT):
            x = Decimal(x)
            if x < self.low:
                return self.tail * self.lower.survival((self.low - x) / self.lower_scale)
            if x > self.high:
                return 1 - self.tail * self.upper.survival((x - self.high) / self.upper_scale)
            bin_, density = self._bin(x)
            return self.below[bin_] + density * (x - self.edges[bin_])

    def sf(self, x: float | Decimal) -> Decimal:
        with localcontext(CONTEXT):
            return 1 - self.cdf(x) if x <= self.high else self.tail * self.upper.survival(self._above(Decimal(x)))

    def prob(self, low: float, high: float) -> Decimal:
        with localcontext(CONTEXT):
            return self.cdf(high) - self.cdf(low)

    def log_prob(self, x: float) -> Decimal:
        with localcontext(CONTEXT):
            point = Decimal(x)
            if point < self.low:
                return (self.tail / self.lower_scale).ln() + self.lower.log_density(self._under(point))
            if point > self.high:
                return (self.tail / self.upper_scale).ln() + self.upper.log_density(self._above(point))
            return self._bin(point)[1].ln()

    def icdf(self, q: float) -> Decimal:
        """For q in the lower tail."""
        with localcontext(CONTEXT):
            return self.low - self.lower_scale * self.lower.quantile(Decimal(q) / self.tail)

    def isf(self, p: float) -> Decimal:
        """For p in the upper tail."""
        with localcontext(CONTEXT):
            return self.high + self.upper_scale * self.upper.quantile(Decimal(p) / self.tail)

    def mean(self, low: float, high: float) -> Decimal:
        with localcontext(CONTEXT):
            return self._raw_moment(Decimal(low), Decimal(high), 1)

    def var(self, low: float, high: float) -> Decimal:
        with localcontext(CONTEXT):
            mean = self._raw_moment(Decimal(low), Decimal(high), 1)
            return self._raw_moment(Decimal(low), Decimal(high), 2) - mean**2

    def std(self, low: float, high: float) -> Decimal:
        with localcontext(CONTEXT):
            return self.var(low, high).sqrt()

    def crps(self, x: float) -> Decimal:
        with localcontext(CONTEXT):
            return self._squares_below(Decimal(x)) + self._squares_above(Decimal(x))

    def _under(self, x: Decimal) -> Decimal:
        return max(self.low - x, ZERO) / self.lower_scale

    def _above(self, x: Decimal) -> Decimal:
        return max(x - self.high, ZERO) / self.upper_scale

    def _bin(self, x: Decimal) -> tuple[int, Decimal]:
        """The bin of x, and the density in it."""
        inner = self.edges[1:-1]
        found = sum(edge <= x for edge in inner)
        return found, self.masses[found] / (self.edges[found + 1] - self.edges[found])

    def _body_quantile(self, q: Decimal) -> Decimal:
        found = next(k for k in range(len(self.masses)) if self.below[k + 1] >= q)
        left, right = self.edges[found], self.edges[found + 1]
        return left + (right - left) * (q - self.below[found]) / self.masses[found]

    def _knots(self, low: Decimal, high: Decimal) -> list[Decimal]:
        """Low and high clamped to the body, and the edges between them."""
        low, high = (min(max(x, self.low), self.high) for x in (low, high))
        return [low, *(edge for edge in self.edges if low < edge < high), high]

    def _raw_moment(self, low: Decimal, high: Decimal, order: int) -> Decimal:
        """E[min(max(X, low), high)^order]; low and high may be infinite."""
        total = ZERO
        for left, right in pairwise(self._knots(low, high)):
            density = self._bin((left + right) / 2)[1]
            total += density * (right ** (order + 1) - left ** (order + 1)) / (order + 1)
        tails = (
            (self.lower, self.low, -self.lower_scale, self._under(high), self._under(low)),
            (self.upper, self.high, self.upper_scale, self._above(low), self._above(high)),
        )
        for tail, threshold, scale, near, far in tails:
            # By parts: the integral of (threshold + scale z)^order d(-S).
            start = threshold + scale * near
            total += self.tail * start**order * tail.survival(near)
            if not far.is_infinite():
                total -= self.tail * (threshold + scale * far) ** order * tail.survival(far)
            slope = scale * tail.integral(near, far)
            if order == 2:
                slope = 2 * (threshold * slope + scale**2 * tail.integral(near, far, moment=1))
            total += self.tail * slope
        if not low.is_infinite():
            total += low**order * self.cdf(low)
        if not high.is_infinite():
            total += high**order * self.sf(high)
        return total

    def _squares_below(self, x: Decimal) -> Decimal:
        """The integral of F^2 up to x."""
        total = self.tail**2 * self.lower_scale * self.lower.integral(self._under(x), Decimal("inf"), power=2)
        for left, right in pairwise(self._knots(self.low, x)):
            total += _square_integral(right - left, self.cdf(left), self.cdf(right))
        return total + self._squares_of_rest(self.upper, self.upper_scale, self._above(x))

    def _squares_above(self, x: Decimal) -> Decimal:
        """The integral of (1 - F)^2 from x on."""
        total = self.tail**2 * self.upper_scale * self.upper.integral(self._above(x), Decimal("inf"), power=2)
        for left, right in pairwise(self._knots(x, self.high)):
            total += _square_integral(right - left, self.sf(left), self.sf(right))
        return total + self._squares_of_rest(self.lower, self.lower_scale, self._under(x))

    def _squares_of_rest(self, tail: Tail, scale: Decimal, z: Decimal) -> Decimal:
        """The integral of (1 - p S)^2 over the part of a tail between its threshold and z."""
        squares = self.tail**2 * tail.integral(ZERO, z, power=2)
        return scale * (z - 2 * self.tail * tail.integral(ZERO, z) + squares)


def _square_integral(length: Decimal, start: Decimal, stop: Decimal) -> Decimal:
    """The integral of the square of a function that goes linearly from start to stop."""
    return length * (start**2 + start * stop + stop**2) / 3
