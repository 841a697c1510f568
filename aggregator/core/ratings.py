"""From play scores to ratings; docs/score.md and docs/splits.md have the formulas in words.

A passer's true mean m is taken to be drawn from N(mu, tau^2), a play's score to be drawn from N(m, s^2) about it, with
tau^2 = s^2 / k. After n plays of mean x the posterior of m is N((n x + k mu) / (n + k), s^2 / (n + k)).
mu is the reference population's `mean`, s its `play_standard_deviation`, k its `shrinkage_plays`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from playscore.release import ReferencePopulation

LOWEST, HIGHEST = 50.0, 99.0
INTERVAL_DEVIATIONS = 1.6448536269514722
"""The normal law's 95% point: 90% lie within so many standard deviations on both sides."""

Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Ratings:
    """One rating a subject. All of shape (subjects,)."""

    rating: Numbers
    low: Numbers
    """Lower end of the 90% interval."""
    high: Numbers
    """Upper end of the 90% interval."""


def rate(plays: NDArray[np.intp], total_play_score: Numbers, population: ReferencePopulation) -> Ratings:
    """Rate subjects by their number of plays and the sum of their play scores, both (subjects,)."""
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


def qualifying_plays(population: ReferencePopulation, plays_of_split: int, plays_of_seasons: int) -> int:
    """How many plays qualify for a split's ranking when nobody says.

    A season's qualifying plays, in the proportion of the split's plays to all plays of the seasons it touches; rounded
    up, and at least 1.
    """
    if plays_of_seasons == 0:
        return population.min_plays
    return max(1, -(-population.min_plays * plays_of_split // plays_of_seasons))


def rank(ratings: Numbers, qualified: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Places among the qualified, from 1, equal ratings sharing one; 0 for the others."""
    peers = np.sort(ratings[qualified])
    better = len(peers) - np.searchsorted(peers, ratings, side="right")
    return np.where(qualified, better + 1, 0)
