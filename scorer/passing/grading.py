"""What a distribution of yards says of a pass, and how the yards gained rank in it: docs/score.md, N plays at once."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from playscore.distributions.tabulated import Tabulated
from playscore.field_limits import FIELD_LIMITS
from playscore.limits import FieldLimits
from scorer.passing.distributions import YardsDistribution, stack

QUANTILES: Final = (0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95)
"""The probabilities at which every score gives the yards."""


def _range(limits: FieldLimits) -> tuple[float, float]:
    assert limits.minimum is not None
    assert limits.maximum is not None
    return limits.minimum, limits.maximum


MIN_YARDS, MAX_YARDS = _range(FIELD_LIMITS["playscore.football.v1.PassOutcome.yards_gained"])
"""What a play can gain."""
_, FIELD_YARDS = _range(FIELD_LIMITS["playscore.football.v1.PassAttributes.yards_to_end_zone"])
"""From goal line to goal line."""


@dataclass(frozen=True, slots=True)
class Situation:
    """What decides what yards are worth. None: not known."""

    yards_to_go: float | None = None
    yards_to_end_zone: float | None = None

    @property
    def ceiling_yards(self) -> float:
        """The most whole yards that can be gained: those to the end zone, at least 1; infinite if not known."""
        return math.inf if self.yards_to_end_zone is None else max(math.floor(self.yards_to_end_zone + 0.5), 1.0)


@dataclass(frozen=True, slots=True)
class Assessment:
    """What to expect of a pass, and how the yards gained rank. None: the situation or the yards are not known."""

    quantiles: Sequence[float]
    """Yards at `QUANTILES`."""
    expected_yards: float
    """Mean of the distribution, held to what the field allows."""
    first_down_probability: float | None
    """A touchdown counts."""
    touchdown_probability: float | None
    play_score: float | None
    """Mid-rank of the yards, 0 to 1."""

    @property
    def is_of_a_distribution(self) -> bool:
        """False if the parameters made no distribution, or one too extreme to compute with: the mean is NaN."""
        return math.isfinite(self.expected_yards)


def assess(
    distributions: Tabulated, situations: Sequence[Situation], yards: Sequence[float | None]
) -> list[Assessment]:
    """Assesses N passes by N distributions.

    Official yards are whole numbers, so a gain of g or more is what ends beyond g - 1/2. A touchdown is a first down:
    where the goal line is nearer than the line to gain, the goal line decides.
    """
    to_go = _column([situation.yards_to_go for situation in situations])
    to_end_zone = _column([situation.yards_to_end_zone for situation in situations])
    goal_line = np.where(np.isfinite(distributions.ceiling), distributions.ceiling, to_end_zone)
    line_to_gain = np.where(np.isnan(to_go), np.nan, np.fmin(to_go, goal_line))
    anywhere = np.isnan(to_end_zone)
    answers = distributions.answers(
        np.concatenate([(line_to_gain - 0.5, goal_line - 0.5), _ends(distributions, _column(yards))]),
        _PROBABILITIES,
        low=np.where(anywhere, MIN_YARDS, to_end_zone - FIELD_YARDS),
        high=np.where(anywhere, MAX_YARDS, goal_line),
    )
    short, kept_out, below, up_to = answers.cdf
    columns = (answers.quantiles.T, answers.mean, 1.0 - short, 1.0 - kept_out, (below + up_to) / 2.0)
    return [
        Assessment(quantiles, mean, *(None if math.isnan(value) else value for value in unsure))
        for quantiles, mean, *unsure in zip(*(column.tolist() for column in columns), strict=True)
    ]


def play_scores(distributions: Sequence[YardsDistribution], yards: Sequence[float]) -> list[float]:
    """The play scores of N passes, whose distributions passed `distributions.check` and may have several supports.

    NaN if a distribution is too extreme to compute with.
    """
    alike: defaultdict[str, list[int]] = defaultdict(list)
    for place, distribution in enumerate(distributions):
        alike[distribution.support.id].append(place)
    scores: dict[int, float] = {}
    for places in alike.values():
        gained = np.array([yards[place] for place in places])
        stacked = stack([distributions[place] for place in places])
        below, up_to = stacked.cdf(_ends(stacked, gained))
        scores.update(zip(places, ((below + up_to) / 2.0).tolist(), strict=True))
    return [scores[place] for place in range(len(distributions))]


def _ends(distributions: Tabulated, yards: NDArray[np.float64]) -> NDArray[np.float64]:
    """(2, N) half a yard on both sides of the yards (N,): the mid-rank is the mean of the distribution function there.

    Yards beyond the ceiling are a touchdown like those that reach it: sources round the line of scrimmage and the gain
    apart.
    """
    gained = np.minimum(yards, distributions.ceiling)
    return np.stack([gained - 0.5, gained + 0.5])


_PROBABILITIES = np.asarray(QUANTILES)


def _column(values: Sequence[float | None]) -> NDArray[np.float64]:
    return np.array([math.nan if value is None else value for value in values])
