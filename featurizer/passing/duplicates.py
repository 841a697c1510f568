"""Two samples of one player in one frame: whether they agree."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from featurizer.core.tracking_window import DIRECTION, SPEED, TrackingWindow, X, Y
from featurizer.passing.normalize import GAP_FRAMES, YARDS, Array
from playscore.errors import PlayscoreError, Reason
from playscore.game import CoordinateSystem

APART_YARDS: Final = 0.5
"""Between two samples that agree. Of 2,849 in 19 real plays the farthest are 0.23 apart, 99 in 100 at most 0.12."""
APART_YARDS_PER_SECOND: Final = 1.0
"""Between two velocities, or speeds, that agree. In the real plays speeds differ by 0.13 at most, directions never."""
BETWEEN_PLAYS_SECONDS: Final = 30.0
"""From the beginning of one play to that of the next, at least."""


def contradicted(film: TrackingWindow, coordinates: CoordinateSystem) -> NDArray[np.bool_] | None:
    """(T, E): the single samples of which it cannot be told, because another one lies apart; None if there are none.

    Raises:
        PlayscoreError: SAMPLES_CONTRADICTED, or TIMES_CONTRADICTED where the times show that frame numbers started
            again, if they are more than single ones.
    """
    twice = film.duplicates
    if twice is None:
        return None
    yard = YARDS[coordinates.length_unit]
    distance: Array = np.hypot(twice.apart[X], twice.apart[Y]) * yard
    apart: NDArray[np.bool_] = (distance > APART_YARDS) | (
        _velocity_apart(film, twice.apart) * yard > APART_YARDS_PER_SECOND
    )
    if not apart.any():
        return None
    if not any((apart[lag:] & apart[:-lag]).any() for lag in range(1, GAP_FRAMES + 1)):
        return apart
    t, e = np.argwhere(apart)[int(np.nan_to_num(distance[apart]).argmax())]
    where = (
        f"{np.count_nonzero(apart)} samples of {np.count_nonzero(apart.any(axis=0))} players lie apart from another of"
        f" the same player in the same frame, that of player {film.player_ids[e]} in frame {film.first_frame + t} by"
        f" {distance[t, e]:.1f} yards; up to {APART_YARDS:g} are believed, and single ones are dropped"
    )
    seconds = twice.micros / 1e6
    if 0.0 < seconds < BETWEEN_PLAYS_SECONDS:
        raise PlayscoreError(
            Reason.TIMES_CONTRADICTED,
            f"frame numbers look as if they started again: frames of one number are {seconds:g} s apart, and {where}",
        )
    raise PlayscoreError(
        Reason.SAMPLES_CONTRADICTED,
        f"film looks like that of two plays, or of one whose frame numbers started again: {where}",
    )


def _velocity_apart(film: TrackingWindow, apart: Array) -> Array:
    """(T, E) between the velocities of two samples, or their speeds where directions are not known; 0 if neither is."""
    speed = np.nan_to_num(film.samples[SPEED])
    turn = np.sin(np.deg2rad(np.nan_to_num(apart[DIRECTION])) / 2.0)
    return np.asarray(np.hypot(np.nan_to_num(apart[SPEED]), 2.0 * speed * turn))
