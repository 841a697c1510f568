"""How far two ratings are truly apart, and how probable it is that the first is better; docs/score.md has the formulas.

A skill z moves the sum of what plays are worth: on average it is L z, give or take a standard deviation of sqrt(W). Of
passes L is their number; of plays with chances p it is sum p (1 - p), and so is W. Plays fall into three parts: those
of the first side only, those of the second only, and those of both. A difference of skills is told as what it is worth
a play: the mean L of the plays of both sides times it.

Two subjects have a skill each, drawn from N(0, tau^2). One subject in two splits has a skill in each part, drawn from
N(m, tau^2) about a level m of which nothing is known beforehand; that of a split is the mean of its parts by their L.
So kinds of plays of one subject are taken to differ as subjects do, and how good a subject is on the whole says nothing
of how their plays differ.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import Final

import numpy as np
from numpy.typing import NDArray

from playscore.ratings import INTERVAL_DEVIATIONS
from playscore.release import ReferencePopulation

Numbers = NDArray[np.float64]

_LEAST_LIFT: Final = 1e-12
"""Of a side whose skill can show at all."""

_SKILLS_OF_PARTS: Final = np.eye(3)
"""(part, skill) One subject has a skill in each part."""
_SKILLS_OF_SUBJECTS: Final = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, -1.0]])
"""(part, skill) Two subjects have one each; where they meet, what helps one harms the other."""


@dataclass(frozen=True, slots=True)
class Difference:
    """The first less the second."""

    value: float
    low: float
    """Lower end of the 90% interval."""
    high: float
    """Upper end of it."""
    probability: float
    """That the first is truly better, 0 to 1; 0.5 where nothing speaks for either.

    An interval that holds 1 - 2 q of the probability has an end at 0 where this is q or 1 - q.
    """

    def __neg__(self) -> Difference:
        """As seen by those for whom less is better."""
        return Difference(-self.value, -self.high, -self.low, 1.0 - self.probability)


def normal(mean: float, standard_deviation: float) -> Difference:
    """A difference that is normally distributed; certain where the standard deviation is 0."""
    margin = INTERVAL_DEVIATIONS * standard_deviation
    if standard_deviation > 0:
        probability = NormalDist().cdf(mean / standard_deviation)
    else:
        probability = 0.5 + math.copysign(0.5, mean) if mean else 0.5
    return Difference(mean, mean - margin, mean + margin, probability)


@dataclass(frozen=True, slots=True)
class Worth:
    """What some plays are worth."""

    plays: int
    total: float
    """Sum of what they are worth, in the units of the difference, above what an average subject makes of them."""
    lift: float
    """What a skill of 1 adds to the total: L."""
    variance: float
    """Of the total about what skill makes of it: W."""

    def __add__(self, other: Worth) -> Worth:
        """Of both."""
        return Worth(
            self.plays + other.plays,
            self.total + other.total,
            self.lift + other.lift,
            self.variance + other.variance,
        )


NOTHING: Final = Worth(0, 0.0, 0.0, 0.0)
"""What no plays are worth."""


@dataclass(frozen=True, slots=True)
class Side:
    """One of two ratings that are compared, of at least one play."""

    own: Worth
    """Plays that the other side has not."""
    shared: Worth
    """Plays that both sides have, as this one sees them."""
    spread: float
    """Standard deviation of skills among subjects: tau; infinite where nothing is known of it."""
    average: float = 0.0
    """What a play of an average subject is worth, in the units of the difference."""

    @property
    def plays(self) -> int:
        """How many there are."""
        return self.own.plays + self.shared.plays


@dataclass(frozen=True, slots=True)
class Points:
    """Play scores in points of the rating, by the reference population of the release that made them."""

    population: ReferencePopulation

    @property
    def deviation(self) -> float:
        """Standard deviation of a play about its subject's mean."""
        return self.population.play_standard_deviation * self._per_score

    @property
    def spread(self) -> float:
        """Standard deviation of subjects' true means."""
        plays = self.population.shrinkage_plays
        return self.deviation / math.sqrt(plays) if plays else math.inf

    def worth(self, plays: int, total_play_score: float) -> Worth:
        """Of plays by the sum of their play scores."""
        above = total_play_score - plays * self.population.mean
        return Worth(plays, above * self._per_score, float(plays), plays * self.deviation**2)

    @property
    def _per_score(self) -> float:
        return self.population.rating_per_standard_deviation / self.population.standard_deviation


def above_expected(plays: int, came_off: float, expected: float, variance: float) -> Worth:
    """Of plays that come off or not. A skill is a logit, by which all their chances are off.

    Args:
        plays: how many there are.
        came_off: how many of them came off.
        expected: the sum of their chances.
        variance: the sum of p (1 - p).
    """
    return Worth(plays, came_off - expected, variance, variance)


def of_two_subjects(first: Side, second: Side) -> Difference:
    """The difference of two subjects. Shared plays count as own ones."""
    return of_two_opponents(*(replace(side, own=side.own + side.shared, shared=NOTHING) for side in (first, second)))


def of_two_opponents(first: Side, second: Side) -> Difference:
    """The difference of two subjects who face each other in shared plays: what one wins, the other loses."""
    met = _halfway(first.shared, replace(second.shared, total=-second.shared.total))
    prior = np.diag([_precision(first.spread), _precision(second.spread)])
    mean, deviation = _posterior((first.own, second.own, met), _SKILLS_OF_SUBJECTS, prior, np.array([1.0, -1.0]))
    lift = _lift(first, second)
    return normal(first.average - second.average + lift * mean, lift * deviation)


def of_one_subject(first: Side, second: Side) -> Difference:
    """The difference of one subject in two splits.

    Where two models see the shared plays otherwise, that is a difference without any doubt.
    """
    parts = (first.own, second.own, _halfway(first.shared, second.shared))
    own, other, shared = (part.lift for part in parts)
    one, two = (1 / max(lift, _LEAST_LIFT) for lift in (own + shared, other + shared))
    precision = (_precision(first.spread) + _precision(second.spread)) / 2
    prior = precision * (np.eye(3) - 1 / 3)
    mean, deviation = _posterior(
        parts, _SKILLS_OF_PARTS, prior, np.array([own * one, -other * two, shared * (one - two)])
    )
    mean += (first.shared.total - second.shared.total) / 2 * (one + two)
    lift = _lift(first, second)
    return normal(first.average - second.average + lift * mean, lift * deviation)


def _halfway(one: Worth, other: Worth) -> Worth:
    """What two see of the same plays."""
    return Worth(
        one.plays, (one.total + other.total) / 2, (one.lift + other.lift) / 2, (one.variance + other.variance) / 2
    )


def _lift(first: Side, second: Side) -> float:
    """What a skill of 1 adds to a play."""
    lift = first.own.lift + first.shared.lift + second.own.lift + second.shared.lift
    return lift / (first.plays + second.plays)


def _posterior(parts: Sequence[Worth], skills: Numbers, prior: Numbers, contrast: Numbers) -> tuple[float, float]:
    """Mean and standard deviation of a combination of skills, after the plays are seen.

    Args:
        parts: the plays, in three parts.
        skills: (3, S) how each skill works in each part.
        prior: (S, S) inverse covariance of the skills before the plays are seen.
        contrast: (S,) how each skill counts in the combination.
    """
    total, lift, variance = (
        np.array([getattr(part, name) for part in parts]) for name in ("total", "lift", "variance")
    )
    weight = np.divide(lift, variance, out=np.zeros(3), where=variance > 0)
    # Nothing may be known of a direction, before or after; the contrast does not depend on it then.
    covariance = np.linalg.pinv(skills.T @ np.diag(weight * lift) @ skills + prior, hermitian=True)
    mean = contrast @ covariance @ skills.T @ (weight * total)
    return float(mean), math.sqrt(max(0.0, float(contrast @ covariance @ contrast)))


def _precision(spread: float) -> float:
    return 1 / spread**2
