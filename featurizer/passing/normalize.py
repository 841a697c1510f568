"""From a source's units and axes to the featurizer's: yards from the center of the field, unit vectors for angles."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from featurizer.core.tracking_window import DIRECTION, ORIENTATION, SPEED, X, Y
from featurizer.passing.columns import FRAME_RATE_HERTZ
from playscore.errors import PlayscoreError, Reason
from playscore.game import AngleConvention, CoordinateSystem, LengthUnit, Origin

Array = NDArray[np.float64]

HALF_LENGTH: Final = 60.0
"""Yards from the center of the field to the end line."""
HALF_WIDTH: Final = 80.0 / 3.0
"""Yards from the center of the field to the sideline."""
GOAL_LINE: Final = 50.0
"""Yards from the center of the field to the goal line."""

YARDS: Final = {LengthUnit.YARD: 1.0, LengthUnit.METER: 1.0 / 0.9144, LengthUnit.FOOT: 1.0 / 3.0}
UNIT_NAMES: Final = {LengthUnit.YARD: "yards", LengthUnit.METER: "meters", LengthUnit.FOOT: "feet"}

GAP_FRAMES: Final = 5
"""Missing frames that may be interpolated: half a second."""


def to_field(samples: Array, coordinates: CoordinateSystem) -> Array:
    """(6, T, P): x, y, velocity x and y, and the unit vector of the orientation, from a window's samples.

    Yards from the center of the field, along the source's axes. NaN where the source is silent; the velocity unless
    it has both speed and direction. Raises COORDINATES_UNDECLARED for angles without a convention.
    """
    field = np.empty((6, *samples.shape[1:]))
    field[0:2] = positions(samples, coordinates)
    speed = samples[SPEED] * YARDS[coordinates.length_unit]
    field[2:4] = speed * unit_vectors(samples[DIRECTION], coordinates.angle_convention)
    field[4:6] = unit_vectors(samples[ORIENTATION], coordinates.angle_convention)
    return field


def positions(samples: Array, coordinates: CoordinateSystem) -> Array:
    """(2, T, P): x and y of samples, in yards from the center of the field, along the source's axes."""
    position: Array = samples[[X, Y]] * YARDS[coordinates.length_unit]
    if coordinates.origin is Origin.CORNER:
        position[0] -= HALF_LENGTH
        position[1] -= HALF_WIDTH
    return position


def other_readings(position: Array, coordinates: CoordinateSystem) -> Iterator[tuple[str, Array]]:
    """How positions (2, …) look if the source measures them otherwise than it states, in words, and what they are then.

    In the stated unit from the other origin, then in other units from the stated origin, then both.
    """
    corner = np.array([HALF_LENGTH, HALF_WIDTH]).reshape(2, *[1] * (position.ndim - 1))
    stated_unit, stated_origin = coordinates.length_unit, coordinates.origin
    sent = position + (corner if stated_origin is Origin.CORNER else 0.0)
    other_origin = Origin.CENTER if stated_origin is Origin.CORNER else Origin.CORNER
    other_units = [unit for unit in LengthUnit if unit is not stated_unit]
    for unit, origin in (
        (stated_unit, other_origin),
        *((unit, stated_origin) for unit in other_units),
        *((unit, other_origin) for unit in other_units),
    ):
        measured = "" if origin is stated_origin else f" measured from the {origin.name.lower()}"
        read = sent * (YARDS[unit] / YARDS[stated_unit])
        yield (
            f"positions look like {UNIT_NAMES[unit]}{measured}",
            read - (corner if origin is Origin.CORNER else 0.0),
        )


def unit_vectors(degrees: Array, convention: AngleConvention | None) -> Array:
    """(2, …): x and y of angles. Raises COORDINATES_UNDECLARED for angles without a convention."""
    if convention is None:
        if np.isnan(degrees).all():
            return np.full((2, *degrees.shape), np.nan)
        raise PlayscoreError(
            Reason.COORDINATES_UNDECLARED, "angles were sent, but the header states no angle_convention to read them by"
        )
    radians = np.deg2rad(degrees)
    sine, cosine = np.sin(radians), np.cos(radians)
    if convention is AngleConvention.DEGREES_CLOCKWISE_FROM_Y:
        return np.stack([sine, cosine])
    return np.stack([cosine, sine])


def interpolate(field: Array) -> NDArray[np.bool_]:
    """Fill gaps of at most `GAP_FRAMES` between two samples of a player, linearly, in place; (T, P): where it did."""
    seen = ~np.isnan(field[0])
    filled: NDArray[np.bool_] = np.zeros(seen.shape, bool)
    if seen.all():
        return filled
    length = len(seen)
    frames = np.arange(length)[:, None]
    before = np.maximum.accumulate(np.where(seen, frames, -1), axis=0)
    after = np.minimum.accumulate(np.where(seen, frames, length)[::-1], axis=0)[::-1]
    filled[:] = ~seen & (before >= 0) & (after < length) & (after - before - 1 <= GAP_FRAMES)
    t, p = np.nonzero(filled)
    a, b = before[t, p], after[t, p]
    weight = (t - a) / (b - a)
    field[:, t, p] = (1.0 - weight) * field[:, a, p] + weight * field[:, b, p]
    return filled


def rate_of_change(values: Array) -> Array:
    """Rate of change of (2, T, P) per second: the mean of the differences to the frame before and the frame after.

    That is the central difference inside a series and the one-sided one at its ends. The release is such an end: what
    comes after it has not happened yet. NaN where a sample has no neighbor.
    """
    step = np.diff(values, axis=1) * FRAME_RATE_HERTZ
    known = ~np.isnan(step)
    step[~known] = 0.0
    total = np.zeros_like(values)
    count = np.zeros(values.shape)
    total[:, :-1] += step
    total[:, 1:] += step
    count[:, :-1] += known
    count[:, 1:] += known
    count[count == 0.0] = np.nan
    return np.asarray(total / count)
