"""The reference population: whole simulated seasons of passers with different true skill, scored by the model.

**Plays.** Every pass of whole seasons of the simulated league: 16 teams, 17 games each. No season of a real league with
tracking is available, and a few games do not make a population.

**Qualification.** 224 passes: 14 per game in 16 games, which is what the league asks of those it ranks. Every starter
of the simulated league throws that many and no backup does, so no one qualifies by luck.

**Figures.** The model: scores vary around a passer's true mean with the same variance s^2 for all, and true means vary
around mu with tau^2. One-way analysis of variance estimates both variances without bias. mu is the mean of passers'
means with weights n / (n + k), which are nearly the same for all. `standard_deviation` is that of the shrunk means of
full seasons, because those are what the table of a season shows. So the table of the reference population has the mean
and the standard deviation of the scale. True means spread more widely, by tau.

**Scale.** Mean 83 and standard deviation 6.5. The design started from 84 and 7, and with these the publicly known 92 of
the first of 2021 was below the first place in 98 of 100 seasons drawn from the population. With 83 and 6.5 all four
publicly known ratings are within the central 95% (docs/rating_study.md).
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
"""14 per game in 16 games: what the league asks of its passing leaders."""
SKILL_SPREAD = 0.2
"""Standard deviation of the passers' skills, in the simulator's unit."""
MEDIAN_RATING, RATING_PER_STANDARD_DEVIATION = 83.0, 6.5
MIN_BETWEEN = 1e-2
"""Of the variance between passers, relative to that of a mean by luck: no sample can show that all are equally good."""


@dataclass(frozen=True)
class Spread:
    """How play scores vary within passers and between them."""

    within: float
    """Variance of a play's score around its passer's mean."""
    between: float
    """Variance of the passers' true means."""

    @property
    def shrinkage_plays(self) -> float:
        """The plays at the mean in the best linear estimate of a true mean: within / between."""
        return self.within / self.between


def spread(means: NDArray[np.float64], variances: NDArray[np.float64], plays: NDArray[np.int64]) -> Spread:
    """One-way analysis of variance of P passers: mean scores, variances (around their own mean) and numbers of plays.

    A passer's n v is a sum of squares with n - 1 degrees of freedom. The variance of the means has two parts: that of
    the true means, and that of luck, which is within / n on average.
    """
    within = float((variances * plays).sum() / (plays - 1).sum())
    between = float(means.var(ddof=1) - within * (1 / plays).mean())
    return Spread(within, max(between, MIN_BETWEEN * within / float(plays.mean())))


def reference_population(
    scores: NDArray[np.float64], passers: NDArray[Any], seasons: int, description: str
) -> ReferencePopulation:
    """The population of the passers with at least MIN_PLAYS of these play scores.

    `scores` and `passers` (N,): the play scores and whose they are; a passer of two seasons counts as two.
    `description` may contain {passers} and {seasons}. Raises FIELD_INVALID if fewer than two passers qualify.
    """
    _, passer_of = np.unique(passers, return_inverse=True)
    plays = np.bincount(passer_of)
    means = np.bincount(passer_of, scores) / plays
    variances = np.maximum(np.bincount(passer_of, scores**2) / plays - means**2, 0)
    qualified = plays >= MIN_PLAYS
    if qualified.sum() < 2:
        raise PlayscoreError(
            Reason.FIELD_INVALID,
            f"{qualified.sum()} of {len(plays)} passers have {MIN_PLAYS} plays; a population needs whole seasons",
        )
    means, plays = means[qualified], plays[qualified]
    found = spread(means, variances[qualified], plays)
    prior = found.shrinkage_plays
    # The best linear unbiased estimate. It is also the average of the shrunk means, so that the two agree.
    mean = float(np.average(means, weights=plays / (plays + prior)))
    shrunk = (plays * means + prior * mean) / (plays + prior)
    return ReferencePopulation(
        description=description.format(passers=len(plays), seasons=seasons),
        subjects=len(plays),
        min_plays=MIN_PLAYS,
        mean=mean,
        standard_deviation=float(shrunk.std(ddof=1)),
        play_standard_deviation=float(np.sqrt(found.within)),
        shrinkage_plays=prior,
        median_rating=MEDIAN_RATING,
        rating_per_standard_deviation=RATING_PER_STANDARD_DEVIATION,
    )
