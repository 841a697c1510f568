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


def skaters_of(film: TrackingWindow, ice: Ice, rate_hertz: float) -> Skaters:
    """Everybody in a window of the film.

    Raises:
        PlayscoreError: SAMPLES_CONTRADICTED, POSITION_OFF_FIELD.
    """
    _check_duplicates(film, ice)
    places = np.stack(ice.place(film.samples[X], film.samples[Y]))
    places[:, ~np.isfinite(places).all(axis=0)] = np.nan
    _check_on_ice(film, places)
    _bridge(places, max(1, round(MAX_GAP_SECONDS * rate_hertz)))
    return Skaters(film.first_frame, rate_hertz, film.player_ids, *places, *_velocities(film, ice, places, rate_hertz))


def _check_duplicates(film: TrackingWindow, ice: Ice) -> None:
    if film.duplicates is None:
        return
    apart = np.hypot(film.duplicates.apart[X], film.duplicates.apart[Y]) * ice.feet
    frames = np.flatnonzero((np.nan_to_num(apart) > MAX_APART_FEET).any(axis=1))
    if len(frames) > 1:
        raise PlayscoreError(
            Reason.SAMPLES_CONTRADICTED,
            f"in {len(frames)} frames, the first {film.first_frame + int(frames[0])}, two samples of one player lie up"
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
    rows = np.arange(places.shape[1])[:, None]
    seen = np.isfinite(places[0])
    before = np.maximum.accumulate(np.where(seen, rows, -1))
    after = np.minimum.accumulate(np.where(seen, rows, len(rows))[::-1])[::-1]
    row, e = np.nonzero(~seen & (before >= 0) & (after < len(rows)) & (after - before <= gap + 1))
    first, last = before[row, e], after[row, e]
    slope = (places[:, last, e] - places[:, first, e]) / (last - first)
    places[:, row, e] = places[:, first, e] + slope * (row - first)


def _velocities(film: TrackingWindow, ice: Ice, places: Array, rate_hertz: float) -> Array:
    """(2, T, E) as the source states them where it does, else from places."""
    derived = _slopes(places, max(1, round(VELOCITY_SECONDS * rate_hertz / 2)), rate_hertz)
    convention = ice.coordinates.angle_convention
    if convention is None:
        return derived
    angle = np.radians(film.samples[DIRECTION])
    speed = film.samples[SPEED] * ice.feet * ice.sign
    along, across = np.cos(angle), np.sin(angle)
    if convention is AngleConvention.DEGREES_CLOCKWISE_FROM_Y:
        along, across = across, along
    return np.where(np.isfinite(speed + angle), speed * np.stack([along, across]), derived)


def _slopes(places: Array, half: int, rate_hertz: float) -> Array:
    """(2, T, E) change per second over `half` frames on both sides, or on the one that there is."""
    rows = np.arange(places.shape[1])
    later, earlier = np.minimum(rows + half, rows[-1]), np.maximum(rows - half, 0)
    has_later, has_earlier = np.isfinite(places[0, later]), np.isfinite(places[0, earlier])
    frames = has_later * (later - rows)[:, None] + has_earlier * (rows - earlier)[:, None]
    moved = np.where(has_later, places[:, later], places) - np.where(has_earlier, places[:, earlier], places)
    return moved / np.where(frames > 0, frames, np.nan) * rate_hertz
