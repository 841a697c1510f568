"""The distribution of yards gained: what a league-average passer gets, given what is visible at the release."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from simulator.situation import ReleaseSituation

Array = NDArray[np.float64]

MIN_YARDS = -15
"""Smallest support point; what the formula puts below it counts as these yards."""

_HALF_POINTS = np.arange(MIN_YARDS, 100) + 0.5


@dataclass(frozen=True, eq=False)
class YardsDistribution:
    """A discrete distribution over integer yards. `support` ascends by 1; `probabilities` sums to 1."""

    support: NDArray[np.int64]
    probabilities: Array

    @cached_property
    def _cumulative(self) -> Array:
        return np.minimum(np.cumsum(self.probabilities), 1.0)

    def cdf(self, yards: float | Array) -> Array:
        """P(Y <= yards), any shape."""
        reached = np.floor(np.asarray(yards, dtype=float)) - self.support[0]
        index = np.clip(reached, -1, len(self.support) - 1).astype(int)
        values: Array = np.concatenate(([0.0], self._cumulative[:-1], [1.0]))[index + 1]
        return values

    def mean(self) -> float:
        """Expected yards."""
        return float(self.support @ self.probabilities)

    def quantile(self, probability: float | Array) -> NDArray[np.int64]:
        """The smallest yards whose cdf is at least `probability`, any shape."""
        index = np.searchsorted(self._cumulative, np.asarray(probability, dtype=float), side="left")
        found: NDArray[np.int64] = self.support[np.minimum(index, len(self.support) - 1)]
        return found

    def mid_rank(self, yards: float | Array) -> Array:
        """P(Y < yards) + P(Y = yards) / 2: the score of an outcome in this distribution."""
        whole = np.asarray(yards, dtype=float)
        ranks: Array = (self.cdf(whole) + self.cdf(whole - 1)) / 2
        return ranks

    def tilted(self, skill: float) -> YardsDistribution:
        """The distribution of a passer of this skill, -1 to 1: p(y) (1 + skill (2 mid_rank(y) - 1)).

        Mid-ranks have mean 1/2 in any distribution. So every tilted distribution sums to 1, skill 0 changes nothing,
        and the mixture over passers whose skills average 0 is the untilted distribution.
        """
        ranks = self.mid_rank(self.support.astype(float))
        return YardsDistribution(self.support, self.probabilities * (1 + skill * (2 * ranks - 1)))


@dataclass(frozen=True, eq=False)
class OutcomeDistributions:
    """For B plays, the joint distribution of result and yards on -15 … 99. Arrays (B,) and (B, 115)."""

    yards_to_end_zone: Array
    intercepted: Array
    """P(intercepted), all at 0 yards."""
    incomplete: Array
    """P(incomplete), all at 0 yards."""
    complete: Array
    """P(complete, yards)."""

    def __len__(self) -> int:
        return len(self.intercepted)

    def distribution(self, play: int) -> YardsDistribution:
        """The distribution of yards of one play."""
        size = int(self.yards_to_end_zone[play]) - MIN_YARDS + 1
        probabilities = self.complete[play, :size].copy()
        probabilities[-MIN_YARDS] += self.intercepted[play] + self.incomplete[play]
        return YardsDistribution(np.arange(MIN_YARDS, MIN_YARDS + size), probabilities)

    def result(self, play: int, yards: int, uniform: float) -> str:
        """C, I or IN, drawn with one uniform number from its distribution given the yards."""
        if yards != 0:
            return "C"
        weights = np.array([self.complete[play, -MIN_YARDS], self.intercepted[play], self.incomplete[play]])
        return ("C", "IN", "I")[int(np.searchsorted(np.cumsum(weights) / weights.sum(), uniform))]


def _logistic(value: Array) -> Array:
    return 1 / (1 + np.exp(-value))


def outcome_distributions(at: ReleaseSituation) -> OutcomeDistributions:
    """The formula; `docs/simulator.md` explains its terms."""
    depth = at.air_yards
    pressure = np.exp(-np.maximum(at.rusher_distance - 0.6, 0) / 1.6) * (1 + 0.1 * np.clip(at.rusher_closing, -3, 6))
    sideline = np.exp(-np.maximum(at.sideline_distance, 0) / 1.5)
    screen = _logistic(-(depth + 0.5) / 0.7)
    # Near the goal line the defense has less field to cover.
    compressed = np.exp(-at.yards_to_end_zone / 15)
    # Where the catch is: in front of the defense, in the middle of it, behind most of it.
    front = np.exp(-np.maximum(depth, 0) / 5)
    amid = np.maximum(1 - np.abs(depth - 11) / 8, 0)
    behind = np.clip((depth - 12) / 15, 0, 1.5)

    completion = _logistic(
        1.6
        - 0.55 * compressed
        + 0.75 * np.log((at.separation + 0.4) / 3)
        - 0.047 * np.maximum(depth, 0)
        - 0.012 * at.throw_length
        - 0.06 * np.clip(at.closing, -4, 6)
        - 0.35 * at.crowd
        - 0.95 * pressure
        - 0.6 * sideline
        + 0.85 * screen
        - 0.08 * (at.down >= 3)
        - 0.006 * np.clip(at.yards_to_go - 10, -10, 15)
    )
    interception = (1 - completion) * _logistic(
        -3.38 + 0.034 * depth - 0.30 * (at.separation - 2.5) + 0.5 * at.crowd + 0.7 * pressure - 0.5 * sideline
    )

    spot = _logistic(
        0.1
        - 2.57 * front
        - 0.24 * behind
        - 0.42 * (at.separation - 2.5)
        + 0.8 * at.crowd
        + 0.5 * sideline
        - 1.4 * screen
    )
    scale = np.exp(
        1.66
        - 0.12 * front
        - 0.78 * amid
        + 0.24 * behind
        + 0.10 * np.minimum(at.separation, 8)
        + 0.035 * np.clip(at.forward_speed, -3, 9)
        - 0.16 * at.defenders_ahead
        + 0.05 * np.clip(-depth, 0, 8)
        + 0.45 * screen
    )
    breakaway = _logistic(
        -3.1
        + 0.33 * amid
        + 0.41 * behind
        + 0.16 * np.minimum(at.separation, 8)
        - 0.35 * at.defenders_ahead
        + 0.06 * np.clip(at.forward_speed, -3, 9)
    )
    after = _HALF_POINTS - depth[:, None]
    tackled_at_once = _logistic(after / 0.45)
    gained = 1 - np.exp(-((np.maximum(after + 0.5, 0) / scale[:, None]) ** 1.2))
    away = 1 - (1 + np.maximum(after - 2, 0) / 14) ** -1.7
    ran = (1 - breakaway)[:, None] * gained + breakaway[:, None] * away
    below = spot[:, None] * tackled_at_once + (1 - spot)[:, None] * ran
    # What would go past the goal line counts at the goal line.
    below[_HALF_POINTS[None, :] > at.yards_to_end_zone[:, None]] = 1.0
    complete = np.diff(below, axis=1, prepend=0.0) * completion[:, None]
    return OutcomeDistributions(at.yards_to_end_zone, interception, 1 - completion - interception, complete)
