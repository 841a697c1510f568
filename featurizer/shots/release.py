"""When a shot left the stick, by the puck's own acceleration near the frame that the source names."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from featurizer.shots.puck import STEP_SECONDS, Array, Puck
from playscore import rink

SEARCH_BACK_SECONDS: Final = 5.0
"""How late a source's event may be."""
SEARCH_AHEAD_SECONDS: Final = 1.0
"""How early it may be."""
MIN_SPEED: Final = 25.0
"""Of a puck that was shot, ft/s: 17 mph."""
MIN_GAIN: Final = 12.0
"""Change of velocity that a stick gives, ft/s."""
AIM_FEET: Final = 12.0
"""From the center of the goal line to where the puck, going straight on, would cross it: wider is no shot."""
REACH_FEET: Final = 8.0
"""From the shooter's body to the puck that they shoot."""
RISE_SECONDS: Final = 0.15
"""From where a change of velocity begins to show to where it is sharpest, at most."""
NEARNESS_SECONDS: Final = 1.0
"""A candidate so far from the source's frame must be e times as sharp as one at it."""


def find_release(
    puck: Puck, span: tuple[float, float], near: float | None, shooter: tuple[Array, Array] | None
) -> float | None:
    """The second of the segment's clock at which the puck was shot; None where its way shows no shot.

    A release is where the puck's velocity changes sharply to one that leads to the net. Of several, the sharpest
    counts, weighed by how near it is to the second that the source names.

    Args:
        puck: its way.
        span: the first and last second that are searched.
        near: the second that the source names; None: it names none.
        shooter: times (K,) and places (2, K) of the shooter, where they were tracked: the puck must be within reach.
    """
    times, sharpness = _sharpness(puck, span, shooter)
    if not len(times):
        return None
    nearness = 1.0 if near is None else np.exp(-np.abs(times - near) / NEARNESS_SECONDS)
    return float(times[int(np.argmax(sharpness * nearness))])


def first_release(puck: Puck, span: tuple[float, float], shooter: tuple[Array, Array] | None) -> float | None:
    """As `find_release`, but the first that the puck's way shows, at its sharpest.

    It is the same however much of the puck's way is there after it, once `RISE_SECONDS` and a step are.
    """
    times, sharpness = _sharpness(puck, span, shooter)
    if not len(times):
        return None
    rising = times <= times[0] + RISE_SECONDS + 1e-9
    return float(times[rising][int(np.argmax(sharpness[rising]))])


def _sharpness(puck: Puck, span: tuple[float, float], shooter: tuple[Array, Array] | None) -> tuple[Array, Array]:
    """(K,) the times at which the puck may have been shot, and by how much its velocity changed there, ft/s."""
    searched = puck.between(*span)
    times, x, y = searched.times, searched.x, searched.y
    if not len(times):
        return times, times
    here = np.array([x, y])
    after = (puck.at(times + STEP_SECONDS)[:2] - here) / STEP_SECONDS
    before = (here - puck.at(times - STEP_SECONDS)[:2]) / STEP_SECONDS
    gain = np.hypot(*(after - np.where(np.isfinite(before), before, 0.0)))
    candidates = (gain >= MIN_GAIN) & (np.hypot(*after) >= MIN_SPEED) & _leads_to_net(x, y, after)
    if shooter is not None:
        candidates &= _within_reach(times, x, y, *shooter)
    return times[candidates], gain[candidates]


def _leads_to_net(x: Array, y: Array, velocity: Array) -> NDArray[np.bool_]:
    """(K,) whether the puck, going straight on, crosses the goal line near the net."""
    along, across = velocity
    with np.errstate(divide="ignore", invalid="ignore"):
        crossing = y + across * (rink.GOAL_LINE_X_FEET - x) / along
    return np.asarray((along > 0.0) & (x < rink.GOAL_LINE_X_FEET) & (np.abs(crossing) <= AIM_FEET))


def _within_reach(
    times: Array,
    x: Array,
    y: Array,
    seen: Array,
    places: Array,
) -> NDArray[np.bool_]:
    """(K,) whether the shooter can have had the puck; yes where they were not seen."""
    if not len(seen):
        return np.ones(len(times), bool)
    away = np.hypot(np.interp(times, seen, places[0]) - x, np.interp(times, seen, places[1]) - y)
    nearest = np.abs(seen[np.clip(np.searchsorted(seen, times), 0, len(seen) - 1)] - times)
    return np.asarray((away <= REACH_FEET) | (nearest > 0.5))
