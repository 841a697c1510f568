"""From scores of plays to ratings: on the scale of 50 to 99, and above expected; docs/score.md and docs/shots.md.

A passer's true mean m is modeled as a draw from N(mu, tau^2), a play's score as a draw from N(m, s^2), with
tau^2 = s^2 / k. After n plays of mean x the posterior of m is N((n x + k mu) / (n + k), s^2 / (n + k)).
mu is the reference population's `mean`, s its `play_standard_deviation`, k its `shrinkage_plays`.

Above expected, of plays with chances p: G came off, E = sum p were expected. M is what the subject would make of the
same plays on average. Were every p off by one odds ratio, the variance of G about M would be, to first order,
V + (M - E) T / V, where V = sum p (1 - p) and T = sum p (1 - p) (1 - 2 p). The interval has every M from which G is
at most 1.645 standard deviations away.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from playscore.release import ReferencePopulation

LOWEST: Final = 50.0
HIGHEST: Final = 99.0
INTERVAL_DEVIATIONS: Final = 1.6448536269514722
"""The normal distribution's 95% point: 90% lie within this many standard deviations on both sides."""

Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Ratings:
    """Ratings of S subjects."""

    rating: Numbers
    """(S,)"""
    low: Numbers
    """(S,) Lower end of the 90% interval."""
    high: Numbers
    """(S,) Upper end of the 90% interval."""


def rate(plays: NDArray[np.intp], total_play_score: Numbers, population: ReferencePopulation) -> Ratings:
    """Rate S subjects.

    Args:
        plays: (S,) how many plays each has.
        total_play_score: (S,) the sum of their play scores.
        population: that of the release whose model scored them.
    """
    weight = plays + population.shrinkage_plays
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = (total_play_score + population.shrinkage_plays * population.mean) / weight
        margin = INTERVAL_DEVIATIONS * population.play_standard_deviation / np.sqrt(weight)
    mean = np.where(weight > 0, mean, population.mean)

    def on_the_scale(value: Numbers) -> Numbers:
        deviations = (value - population.mean) / population.standard_deviation
        rating: Numbers = population.median_rating + population.rating_per_standard_deviation * deviations
        return rating.clip(LOWEST, HIGHEST)

    return Ratings(on_the_scale(mean), on_the_scale(mean - margin), on_the_scale(mean + margin))


@dataclass(frozen=True, slots=True, eq=False)
class AboveExpected:
    """By how much more came off than was expected, of S subjects."""

    value: Numbers
    """(S,)"""
    low: Numbers
    """(S,) Lower end of the 90% interval of what the subject adds on average, over the same plays."""
    high: Numbers
    """(S,) Upper end of it."""

    def __neg__(self) -> AboveExpected:
        """As seen by those who are to prevent it."""
        return AboveExpected(-self.value, -self.high, -self.low)


def above_expected(
    plays: NDArray[np.intp], came_off: Numbers, expected: Numbers, variance: Numbers, third_moment: Numbers
) -> AboveExpected:
    """Rate S subjects by plays that come off or do not.

    Args:
        plays: (S,) how many plays each has.
        came_off: (S,) how many of them came off: G.
        expected: (S,) the sum of their chances: E.
        variance: (S,) V.
        third_moment: (S,) T.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        slope = np.where(variance > 0, third_moment / variance, 0.0)
    squared = INTERVAL_DEVIATIONS**2
    center = came_off + squared * slope / 2
    about = (variance + slope * (came_off - expected)).clip(0.0)
    margin = INTERVAL_DEVIATIONS * np.sqrt(squared * slope**2 / 4 + about)
    low = (center - margin).clip(0.0, came_off)
    high = (center + margin).clip(came_off, plays)
    return AboveExpected(came_off - expected, low - expected, high - expected)
