"""Where everybody was around a shot, in feet, the net attacked at +x."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from featurizer.core.tracking_window import DIRECTION, SPEED, TrackingWindow, X, Y
from featurizer.shots.ice import Ice
from playscore import rink
from playscore.errors import PlayscoreError, Reason
from playscore.game import AngleConvention

Array = NDArray[np.float64]

MAX_GAP_SECONDS: Final = 0.5
"""Without a sample of a player that is read between."""
OFF_ICE_FEET: Final = 15.0
"""Beyond the boards is farther off than anybody can be: the benches are nearer."""
MAX_APART_FEET: Final = 3.0
"""Between two samples of a player in one frame that may be one place."""
VELOCITY_SECONDS: Final = 0.2
"""Over which a velocity is told where the source states none."""


@dataclass(frozen=True, slots=True, eq=False)
class Skaters:
    """E players over T frames, at a rate; NaN: not seen, and not for longer than is read between."""

    first_frame: int
    rate_hertz: float
    player_ids: tuple[str, ...]
    x: Array
    """(T, E) feet"""
    y: Array
    """(T, E) feet"""
    vx: Array
    """(T, E) feet per second"""
    vy: Array
    """(T, E) feet per second"""

    def row(self, seconds: float) -> int:
        """The row nearest to a second of the segment's clock; may be outside."""
        return round(seconds * self.rate_hertz) - self.first_frame

    def turned(self) -> Skaters:
        """As seen with the other net at +x."""
        return replace(self, x=-self.x, y=-self.y, vx=-self.vx, vy=-self.vy)


def skaters_of(film: TrackingWindow, frames: int, ice: Ice, rate_hertz: float) -> Skaters:
    """Everybody in the first so many frames of a window of the film.

    Raises:
        PlayscoreError: SAMPLES_CONTRADICTED, POSITION_OFF_FIELD.
    """
    _check_duplicates(film, frames, ice)
    samples = film.samples[:, :frames]
    places = np.stack(ice.place(samples[X], samples[Y]))
    places[:, ~np.isfinite(places).all(axis=0)] = np.nan
    _check_on_ice(film, places)
    _bridge(places, max(1, round(MAX_GAP_SECONDS * rate_hertz)))
    velocities = _velocities(samples, ice, places, rate_hertz)
    return Skaters(film.first_frame, rate_hertz, film.player_ids, *places, *velocities)


def _check_duplicates(film: TrackingWindow, frames: int, ice: Ice) -> None:
    if film.duplicates is None:
        return
    apart = np.hypot(film.duplicates.apart[X, :frames], film.duplicates.apart[Y, :frames]) * ice.feet
    rows = np.flatnonzero((apart > MAX_APART_FEET).any(axis=1))
    if len(rows) > 1:
        raise PlayscoreError(
            Reason.SAMPLES_CONTRADICTED,
            f"in {len(rows)} frames, the first {film.first_frame + int(rows[0])}, two samples of one player lie up"
            f" to {np.nanmax(apart):.0f} ft apart: frame numbers that start again, or two films of one segment",
        )


def _check_on_ice(film: TrackingWindow, places: Array) -> None:
    x, y = np.abs(places)
    off = np.maximum(x - rink.HALF_LENGTH_FEET, y - rink.HALF_WIDTH_FEET)
    rows, columns = np.nonzero(off > OFF_ICE_FEET)
    if len(rows) > 1:
        row, column = rows[0], columns[0]
        raise PlayscoreError(
            Reason.POSITION_OFF_FIELD,
            f"player {film.player_ids[column]} is {off[row, column]:.0f} ft off the ice in frame"
            f" {film.first_frame + int(row)}; are the unit of length and the origin those that the header states?",
        )


def _bridge(places: Array, gap: int) -> None:
    """Fill gaps of at most so many frames in (2, T, E) places, on the straight line."""
    frames = places.shape[1]
    seen = np.flatnonzero(np.isfinite(places[0].T))
    apart = np.diff(seen)
    short = (apart > 1) & (apart <= gap + 1) & (seen[:-1] // frames == seen[1:] // frames)
    (e, row), apart = np.divmod(seen[:-1][short], frames), apart[short]
    begin = places[:, row, e]
    slope = (places[:, row + apart, e] - begin) / apart
    for step in range(1, apart.max(initial=0)):
        inside = apart > step
        places[:, row[inside] + step, e[inside]] = (begin + slope * step)[:, inside]


def _velocities(samples: Array, ice: Ice, places: Array, rate_hertz: float) -> Array:
    """(2, T, E) as the source states them where it does, else from places."""
    derived = _slopes(places, max(1, round(VELOCITY_SECONDS * rate_hertz / 2)), rate_hertz)
    convention = ice.coordinates.angle_convention
    if convention is None:
        return derived
    angle = np.radians(samples[DIRECTION])
    speed = samples[SPEED] * ice.feet * ice.sign
    along, across = np.cos(angle), np.sin(angle)
    if convention is AngleConvention.DEGREES_CLOCKWISE_FROM_Y:
        along, across = across, along
    return np.where(np.isfinite(speed + angle), speed * np.stack([along, across]), derived)


def _slopes(places: Array, half: int, rate_hertz: float) -> Array:
    """(2, T, E) change per second over `half` frames on both sides, or on the one that there is."""
    rows = np.arange(places.shape[1])
    later, earlier = np.minimum(rows + half, rows[-1]), np.maximum(rows - half, 0)
    seen = np.isfinite(places[0])
    has_later, has_earlier = seen[later], seen[earlier]
    frames = has_later * (later - rows)[:, None] + has_earlier * (rows - earlier)[:, None]
    end = np.where(has_later, places.take(later, axis=1), places)
    begin = np.where(has_earlier, places.take(earlier, axis=1), places)
    return (end - begin) / np.where(frames > 0, frames, np.nan) * rate_hertz
