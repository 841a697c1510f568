"""Numbers that are derived from the chance of what came off or did not, for tasks whose measure is one."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

import numpy as np

from aggregator.core.arrays import Numbers, Texts
from aggregator.core.fields import Derive
from aggregator.core.task import ComparedPlays, Totals
from playscore.rating_differences import Side, Worth, above_expected

VARIANCE: Final = "variance"
"""Of whether it came off: p (1 - p)."""
THIRD_MOMENT: Final = "third_moment"
"""Its third central moment: p (1 - p) (1 - 2 p)."""


def moments(measure: str) -> dict[str, Derive]:
    """VARIANCE and THIRD_MOMENT of plays whose chance is the measure of that name."""

    def variance(measures: Mapping[str, Numbers], outcome: Mapping[str, Texts]) -> Numbers:
        chance = measures[measure]
        return chance * (1.0 - chance)

    def third_moment(measures: Mapping[str, Numbers], outcome: Mapping[str, Texts]) -> Numbers:
        chance = measures[measure]
        return chance * (1.0 - chance) * (1.0 - 2.0 * chance)

    return {VARIANCE: variance, THIRD_MOMENT: third_moment}


def ended_in(name: str, values: Collection[str]) -> Derive:
    """1 where the text of that name in the outcome is one of the values, else 0."""

    def ended(measures: Mapping[str, Numbers], outcome: Mapping[str, Texts]) -> Numbers:
        return outcome[name].is_in(values).astype(np.float64)

    return ended


def side(plays: ComparedPlays, came_off: str, chance: str, skill_spread: float) -> Side:
    """One side of a comparison: what came off above expected.

    Args:
        plays: the side's.
        came_off: the derived number that counts what came off.
        chance: the measure that has the chances.
        skill_spread: standard deviation of skills among subjects, in logits.
    """

    def worth(totals: Totals) -> Worth:
        sums = totals.sums
        came, expected, variance = (float(sums[name][0]) for name in (came_off, chance, VARIANCE))
        return above_expected(int(totals.plays[0]), came, expected, variance)

    return Side(worth(plays.own), worth(plays.shared), skill_spread)
