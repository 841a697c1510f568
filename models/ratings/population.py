"""The reference population: whole simulated seasons of passers whose true skill differs, scored by the model."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from playscore.release import ReferencePopulation

SEASON_GAMES = 136
"""Of the simulated league: 16 teams, 17 games each."""
MIN_PLAYS = 224
"""14 a game in 16 games: what the league asks of its passing leaders."""
SKILL_SPREAD = 0.2


@dataclass(frozen=True)
class Spread:
    """How play scores spread within passers and between them."""

    mean: float
    within: float
    """Variance of a play's score about its passer's mean."""
    between: float
    """Variance of the passers' true means."""

    @property
    def shrinkage_plays(self) -> float:
        """Plays at the mean that leave the best linear estimate of a true mean: within / between."""
        return self.within / self.between


def spread(means: NDArray[np.float64], variances: NDArray[np.float64], plays: NDArray[np.int64]) -> Spread:
    """One-way analysis of variance of P passers: their mean scores, variances (about their own mean) and plays."""
    within = float((variances * plays).sum() / (plays - 1).sum())
    mean = float(means.mean())
    between = float(means.var(ddof=1) - within * (1 / plays).mean())
    return Spread(mean, within, max(between, 1e-2 * within / float(plays.mean())))


def reference_population(
    scores: NDArray[np.float64], passers: NDArray[np.str_], seasons: int, description: str
) -> ReferencePopulation:
    """The population of the passers with at least MIN_PLAYS of these play scores; `passers` tells seasons apart."""
    _, passer_of = np.unique(passers, return_inverse=True)
    plays = np.bincount(passer_of)
    means = np.bincount(passer_of, scores) / plays
    variances = np.maximum(np.bincount(passer_of, scores**2) / plays - means**2, 0)
    qualified = plays >= MIN_PLAYS
    found = spread(means[qualified], variances[qualified], plays[qualified])
    prior = found.shrinkage_plays
    shrunk = (plays * means + prior * found.mean)[qualified] / (plays + prior)[qualified]
    return ReferencePopulation(
        description=description.format(passers=int(qualified.sum()), seasons=seasons),
        passers=int(qualified.sum()),
        min_plays=MIN_PLAYS,
        mean=float(shrunk.mean()),
        standard_deviation=float(shrunk.std(ddof=1)),
        play_standard_deviation=float(np.sqrt(found.within)),
        shrinkage_plays=prior,
    )
