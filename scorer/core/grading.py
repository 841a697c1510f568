"""What a law of yards gained says of a play, and how what happened ranks in it: docs/score.md, for N plays at once."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from playscore.distributions import SplicedBinnedPareto
from scorer.core.laws import Law, Support, stack

QUANTILES = (0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95)
"""The probabilities whose yards every score tells."""
MIN_YARDS, MAX_YARDS = -100.0, 110.0
"""What a play can gain."""
FIELD_YARDS = 100.0
"""From goal line to goal line."""


@dataclass(frozen=True, slots=True)
class Situation:
    """What of a play decides what yards are worth. None: not known."""

    yards_to_go: float | None = None
    yards_to_end_zone: float | None = None


@dataclass(frozen=True, slots=True)
class Grade:
    """What is to be expected of a play, and how its yards rank. None: the situation or the yards are not known."""

    quantiles: Sequence[float]
    """Yards at `QUANTILES`."""
    expected_yards: float
    """Mean of the law, held to what the field allows."""
    first_down: float | None
    """Chance of a first down; a touchdown counts."""
    touchdown: float | None
    play_score: float | None
    """Mid-rank of the yards, 0 to 1."""

    @property
    def is_of_a_law(self) -> bool:
        """False where the parameters were no law, or one too extreme to compute with: the mean is NaN."""
        return math.isfinite(self.expected_yards)


def grade(laws: SplicedBinnedPareto, situations: Sequence[Situation], yards: Sequence[float | None]) -> list[Grade]:
    """Grades N plays by laws of batch shape (N,). What is no law has a grade that says so.

    Yards are whole numbers in the books, so a gain of g or more is what ends beyond g - 1/2. A touchdown is a first
    down: where the goal line is nearer than the line to gain, the goal line decides.
    """
    to_go = _column([situation.yards_to_go for situation in situations])
    to_end_zone = _column([situation.yards_to_end_zone for situation in situations])
    gained = _column(yards)
    line_to_gain = np.where(np.isnan(to_go), np.nan, np.fmin(to_go, to_end_zone))
    short, kept_out, below, up_to = laws.cdf(np.stack([line_to_gain, to_end_zone, gained, gained + 1.0]) - 0.5)
    anywhere = np.isnan(to_end_zone)
    expected = laws.mean(
        low=np.where(anywhere, MIN_YARDS, to_end_zone - FIELD_YARDS), high=np.where(anywhere, MAX_YARDS, to_end_zone)
    )
    columns = (laws.icdf(_PROBABILITIES).T, expected, 1.0 - short, 1.0 - kept_out, (below + up_to) / 2.0)
    return [
        Grade(quantiles, mean, *(None if math.isnan(value) else value for value in unsure))
        for quantiles, mean, *unsure in zip(*(column.tolist() for column in columns), strict=True)
    ]


def rank_each(laws: Sequence[Law], yards: Sequence[float]) -> list[float]:
    """The play scores of N plays whose laws may be of several models."""
    alike: defaultdict[Support, list[int]] = defaultdict(list)
    for place, law in enumerate(laws):
        alike[law.support].append(place)
    ranks: dict[int, float] = {}
    for places in alike.values():
        gained = np.array([yards[place] for place in places])
        below, up_to = stack([laws[place] for place in places]).cdf(np.stack([gained, gained + 1.0]) - 0.5)
        ranks.update(zip(places, ((below + up_to) / 2.0).tolist(), strict=True))
    return [ranks[place] for place in range(len(laws))]


_PROBABILITIES = np.asarray(QUANTILES)[:, None]


def _column(values: Sequence[float | None]) -> NDArray[np.float64]:
    return np.array([np.nan if value is None else value for value in values])
