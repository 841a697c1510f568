"""From play scores to ratings on the scale of 50 to 99; docs/score.md has the formulas in words.

A passer's true mean m is modeled as a draw from N(mu, tau^2), a play's score as a draw from N(m, s^2), with
tau^2 = s^2 / k. After n plays of mean x the posterior of m is N((n x + k mu) / (n + k), s^2 / (n + k)).
mu is the reference population's `mean`, s its `play_standard_deviation`, k its `shrinkage_plays`.
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
