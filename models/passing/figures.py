"""The figures of an evaluation: what they are called, how they are written, and what a calibrated forecast has."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Written = Callable[[float], str]
"""How a number is written."""

MIN_PLAYS, MIN_GAMES = 100, 10
"""Groups with fewer are marked: a bootstrap over a few games says too little about its own error."""


def number(digits: int, sign: str = "") -> Written:
    """Numbers with so many digits after the point; `sign` "+" writes the plus too."""
    return lambda value: f"{value:{sign}.{digits}f}"


def percent(digits: int) -> Written:
    """Shares in percent, without the sign."""
    return lambda share: f"{100 * share:.{digits}f}"


@dataclass(frozen=True)
class Figure:
    """A figure of an evaluation."""

    title: str
    written: Written
    unit: str = ""
    nominal: float | None = None
    """Its value for a calibrated forecast."""


FIGURES = {
    "median_absolute_error": Figure("MAE of the median", number(3), "yd"),
    "crps": Figure("CRPS", number(3), "yd"),
    "log_score": Figure("log score", number(3), "nats"),
    "pit_ks": Figure("PIT, KS distance", number(4)),
    "pit_ks_lower": Figure("the same below 5%", number(4)),
    "pit_ks_upper": Figure("the same above 95%", number(4)),
    "mean_play_score": Figure("mean play score", number(4), "", 0.5),
    "below_lower_tail": Figure("below the 5% point", percent(1), "%", 0.05),
    "above_upper_tail": Figure("above the 95% point", percent(1), "%", 0.05),
    "coverage_50": Figure("in the 50% interval", percent(1), "%", 0.5),
    "coverage_80": Figure("in the 80% interval", percent(1), "%", 0.8),
    "coverage_95": Figure("in the 95% interval", percent(1), "%", 0.95),
}
"""In the order in which they are shown."""


def is_small(group: Mapping[str, Any]) -> bool:
    """Whether a group has too few plays or games for its figures to say much."""
    return bool(group["plays"] < MIN_PLAYS or group["games"] < MIN_GAMES)
