"""What of the net a puck sees, and who is in the way."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from playscore import rink

Array = NDArray[np.float64]

GOALIE_RADIUS_FEET: Final = 1.75
"""Of the disk that stands for a goalie: half of what pads and arms cover across."""
BODY_RADIUS_FEET: Final = 0.9
"""Of the disk that stands for a skater."""


def mouth(x: float, y: float) -> tuple[float, float]:
    """The angles, radians from the long axis, between which a puck at a place sees the goal mouth, the lesser first.

    From behind the goal line, and from it, nothing is seen: both are 0.
    """
    away = rink.GOAL_LINE_X_FEET - x
    if away <= 0.0:
        return 0.0, 0.0
    half = rink.HALF_NET_WIDTH_FEET
    return float(np.arctan2(-half - y, away)), float(np.arctan2(half - y, away))


def shadows(x: float, y: float, bodies_x: Array, bodies_y: Array, radius: float) -> Array:
    """(2, B) the angles between which each body hides what is behind it from a puck, the lesser first.

    A body that is not between the puck and the goal line, or whose place is not known, hides nothing: both are NaN.
    """
    away_x, away_y = bodies_x - x, bodies_y - y
    away = np.maximum(np.hypot(away_x, away_y), radius)
    middle, half = np.arctan2(away_y, away_x), np.arcsin(radius / away)
    between = (away_x > 0.0) & (bodies_x < rink.GOAL_LINE_X_FEET + radius)
    return np.where(between, np.stack([middle - half, middle + half]), np.nan)


def visible_share(opening: tuple[float, float], hidden: Array) -> float | None:
    """Share of an opening that intervals (2, B) leave; None where there is no opening."""
    first, last = opening
    if last <= first:
        return None
    inside = np.clip(hidden[:, np.isfinite(hidden[0])], first, last)
    covered, reached = 0.0, first
    for begin, end in sorted(zip(*inside.tolist(), strict=True)):
        covered += max(0.0, end - max(begin, reached))
        reached = max(reached, end)
    return max(0.0, 1.0 - covered / (last - first))


def in_the_way(opening: tuple[float, float], hidden: Array) -> NDArray[np.bool_]:
    """(B,) whose shadow falls on the opening."""
    first, last = opening
    return np.asarray((hidden[1] > first) & (hidden[0] < last) & (last > first))


def distance_to_line(x: float, y: float, puck_x: float, puck_y: float) -> float:
    """Feet from a place to the line through the puck and the center of the goal line; to the center if both are one."""
    along, across = rink.GOAL_LINE_X_FEET - puck_x, -puck_y
    length = float(np.hypot(along, across))
    if length < 1e-9:
        return float(np.hypot(x - puck_x, y - puck_y))
    return abs(along * (y - puck_y) - across * (x - puck_x)) / length
