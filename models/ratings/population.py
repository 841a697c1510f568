"""The reference population: whole simulated seasons of passers whose true skill differs, scored by the model.

**Which plays.** Every pass of whole seasons of the simulated league: 16 teams, 17 games each. No season of a real
league with tracking is at hand, and a few games of one are no population.

**Which qualification.** 14 passes a game in 16 games, what the league asks of those it ranks: 224. In the simulated
league every starter throws as many and no second passer does, so that nobody qualifies by a run of luck.

**Which figures.** Scores are taken to spread about a passer's true mean with a variance s^2 that all share, and true
means about mu with tau^2. One-way analysis of variance finds both variances without bias; mu is the mean of passers'
means by what is known of each, weights n / (n + k), nearly the same for all. `standard_deviation` is that of the shrunk
means of full seasons, because these are what a season's table shows: the table of the reference has the mean and the
standard deviation of the scale. True means spread more widely, by tau.

**Which scale.** Mean 83 and standard deviation 6.5: near the 84 and 7 that the design started from, which put the first
of 2021, publicly known with 92, below 98 in 100 first places of seasons drawn from the population. With these, all four
publicly known ratings lie within the central 95% (docs/rating_study.md).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from playscore.errors import PlayscoreError, Reason
from playscore.release import ReferencePopulation

SEASON_GAMES = 136
"""Of the simulated league: 16 teams, 17 games each."""
MIN_PLAYS = 224
"""14 a game in 16 games: what the league asks of its passing leaders."""
SKILL_SPREAD = 0.2
"""Standard deviation of the passers' skills in the simulator's unit."""
MEDIAN_RATING, RATING_PER_STANDARD_DEVIATION = 83.0, 6.5
SMALLEST_BETWEEN = 1e-2
"""Of the variance between passers, in that of a mean by luck alone: no sample can show that passers are all alike."""


@dataclass(frozen=True)
class Spread:
    """How play scores spread within passers and between them."""

    within: float
    """Variance of a play's score about its passer's mean."""
    between: float
    """Variance of the passers' true means."""

    @property
    def shrinkage_plays(self) -> float:
        """Plays at the mean that leave the best linear estimate of a true mean: within / between."""
        return self.within / self.between


def spread(means: NDArray[np.float64], variances: NDArray[np.float64], plays: NDArray[np.int64]) -> Spread:
    """One-way analysis of variance of P passers: their mean scores, variances (about their own mean) and plays.

    A passer's n v is a sum of squares with n - 1 degrees of freedom. The variance of the means has two parts, that of
    the true means and that of luck, the latter in the mean within / n.
    """
    within = float((variances * plays).sum() / (plays - 1).sum())
    between = float(means.var(ddof=1) - within * (1 / plays).mean())
    return Spread(within, max(between, SMALLEST_BETWEEN * within / float(plays.mean())))


def reference_population(
    scores: NDArray[np.float64], passers: NDArray[Any], seasons: int, description: str
) -> ReferencePopulation:
    """The population of the passers with at least MIN_PLAYS of these play scores; `passers` tells seasons apart.

    Raises PlayscoreError (FIELD_INVALID) where fewer than two passers qualify.
    """
    _, passer_of = np.unique(passers, return_inverse=True)
    plays = np.bincount(passer_of)
    means = np.bincount(passer_of, scores) / plays
    variances = np.maximum(np.bincount(passer_of, scores**2) / plays - means**2, 0)
    qualified = plays >= MIN_PLAYS
    if qualified.sum() < 2:
        raise PlayscoreError(
            Reason.FIELD_INVALID,
            f"{qualified.sum()} of {len(plays)} passers have {MIN_PLAYS} plays; a population takes whole seasons",
        )
    means, plays = means[qualified], plays[qualified]
    found = spread(means, variances[qualified], plays)
    prior = found.shrinkage_plays
    # The best linear unbiased estimate, and the one to which shrunk means average: both ends of the scale agree.
    mean = float(np.average(means, weights=plays / (plays + prior)))
    shrunk = (plays * means + prior * mean) / (plays + prior)
    return ReferencePopulation(
        description=description.format(passers=len(plays), seasons=seasons),
        passers=len(plays),
        min_plays=MIN_PLAYS,
        mean=mean,
        standard_deviation=float(shrunk.std(ddof=1)),
        play_standard_deviation=float(np.sqrt(found.within)),
        shrinkage_plays=prior,
        median_rating=MEDIAN_RATING,
        rating_per_standard_deviation=RATING_PER_STANDARD_DEVIATION,
    )
