"""Numbers that are derived from the chance of what came off or did not, for tasks whose measure is one."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

from aggregator.core.fields import Derive

VARIANCE: Final = "variance"
"""Of whether it came off: p (1 - p)."""
THIRD_MOMENT: Final = "third_moment"
"""Its third central moment: p (1 - p) (1 - 2 p)."""


def moments(measure: str) -> dict[str, Derive]:
    """VARIANCE and THIRD_MOMENT of a play whose chance is the measure of that name."""

    def variance(measures: Mapping[str, float], outcome: Mapping[str, str]) -> float:
        chance = measures[measure]
        return chance * (1.0 - chance)

    def third_moment(measures: Mapping[str, float], outcome: Mapping[str, str]) -> float:
        chance = measures[measure]
        return chance * (1.0 - chance) * (1.0 - 2.0 * chance)

    return {VARIANCE: variance, THIRD_MOMENT: third_moment}


def ended_in(name: str, values: Collection[str]) -> Derive:
    """1 where the text of that name in the outcome is one of the values, else 0."""

    def ended(measures: Mapping[str, float], outcome: Mapping[str, str]) -> float:
        return float(outcome.get(name) in values)

    return ended
