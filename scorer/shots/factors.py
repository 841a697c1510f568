"""Which factors made a chance what it is: each one's share of the logit, its value, and what that says."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from playscore.game import Floats
from playscore.release import ReleasedFactor
from scorer.shots.wording import Catalog


@dataclass(frozen=True, slots=True)
class Contribution:
    """What one factor added to a shot's chance."""

    factor: str
    value: float | None
    """None: not known."""
    unit: str
    logit: float
    """Its share."""
    text: str
    percentile: float | None
    """Share of the reference shots whose value is lower, ties counting half; None: not known, or without order."""


class Factors:
    """The factors of a release, in its order."""

    def __init__(self, released: Sequence[ReleasedFactor], catalog: Catalog) -> None:
        self._released = released
        self._catalog = catalog
        # Values come in single precision; what was equal to one before must be so still.
        self._quantiles = [np.asarray(each.quantiles, np.float32).tolist() for each in released]

    def contributions(self, statics: Floats, logits: Sequence[float]) -> list[Contribution]:
        """Those of a shot that are not 0, strongest first.

        Args:
            statics: (2F,) the values of the F factors, then a flag for each that is known.
            logits: (F,) their shares of the logit.
        """
        count = len(self._released)
        values, known = statics[:count].tolist(), statics[count:].tolist()
        weighty = [place for place in range(count) if logits[place]]
        return [
            self._contribution(place, values[place] if known[place] else None, logits[place])
            for place in sorted(weighty, key=lambda place: -abs(logits[place]))
        ]

    def _contribution(self, place: int, value: float | None, logit: float) -> Contribution:
        factor, quantiles = self._released[place], self._quantiles[place]
        decimal = None if value is None else float(str(np.float32(value)))
        return Contribution(
            factor=factor.name,
            value=decimal,
            unit=factor.unit,
            logit=logit,
            text=self._catalog.text(factor.name, decimal),
            percentile=percentile(value, quantiles) if value is not None and quantiles else None,
        )


def percentile(value: float, quantiles: Sequence[float]) -> float:
    """Share of a population that is below a value, ties counting half, 0 to 1.

    `quantiles` are the population's, at least two, not falling, evenly spaced in share from 0 to 1.
    """
    first, after = bisect_left(quantiles, value), bisect_right(quantiles, value)
    steps = len(quantiles) - 1
    if first < after:
        return (first + after - 1) / (2 * steps)
    if first in (0, len(quantiles)):
        return float(first > 0)
    below, above = quantiles[first - 1], quantiles[first]
    return (first - 1 + (value - below) / (above - below)) / steps
