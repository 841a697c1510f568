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
    interpolated: NDArray[np.bool_]
    """(T, E) read between samples"""

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
    x, y = ice.place(film.samples[X], film.samples[Y])
    x, y = np.where(np.isfinite(x + y), x, np.nan), np.where(np.isfinite(x + y), y, np.nan)
    _check_on_ice(film, x, y)
    seen = np.isfinite(x)
    gap = max(1, round(MAX_GAP_SECONDS * rate_hertz))
    x, y = _bridged(x, seen, gap), _bridged(y, seen, gap)
    vx, vy = _velocities(film, ice, x, y, rate_hertz)
    return Skaters(film.first_frame, rate_hertz, film.player_ids, x, y, vx, vy, np.isfinite(x) & ~seen)


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


def _check_on_ice(film: TrackingWindow, x: Array, y: Array) -> None:
    off = np.fmax(np.abs(x) - rink.HALF_LENGTH_FEET, np.abs(y) - rink.HALF_WIDTH_FEET)
    rows, columns = np.nonzero(np.nan_to_num(off) > OFF_ICE_FEET)
    if len(rows) > 1:
        row, column = rows[0], columns[0]
        raise PlayscoreError(
            Reason.POSITION_OFF_FIELD,
            f"player {film.player_ids[column]} is {off[row, column]:.0f} ft off the ice in frame"
            f" {film.first_frame + int(row)}; are the unit of length and the origin those that the header states?",
        )


def _bridged(values: Array, seen: NDArray[np.bool_], gap: int) -> Array:
    """(T, E) with gaps of at most so many frames filled on the straight line."""
    rows = np.arange(len(values), dtype=float)
    bridged = values.copy()
    for e in range(values.shape[1]):
        known = np.flatnonzero(seen[:, e])
        if len(known) in (0, len(values)):
            continue
        after = np.searchsorted(known, rows)
        inside = (after > 0) & (after < len(known)) & ~seen[:, e]
        widths = known[np.clip(after, 1, len(known) - 1)] - known[np.clip(after - 1, 0, len(known) - 2)]
        fill = inside & (widths - 1 <= gap) if len(known) > 1 else np.zeros(len(values), bool)
        bridged[fill, e] = np.interp(rows[fill], known, values[known, e])
    return bridged


def _velocities(film: TrackingWindow, ice: Ice, x: Array, y: Array, rate_hertz: float) -> tuple[Array, Array]:
    """As the source states them where it does, else from places."""
    half = max(1, round(VELOCITY_SECONDS * rate_hertz / 2))
    derived_x, derived_y = _slopes(x, half, rate_hertz), _slopes(y, half, rate_hertz)
    convention = ice.coordinates.angle_convention
    if convention is None:
        return derived_x, derived_y
    angle = np.radians(film.samples[DIRECTION])
    speed = film.samples[SPEED] * ice.feet * ice.sign
    along, across = np.cos(angle), np.sin(angle)
    if convention is AngleConvention.DEGREES_CLOCKWISE_FROM_Y:
        along, across = across, along
    stated = np.isfinite(speed + angle)
    return np.where(stated, speed * along, derived_x), np.where(stated, speed * across, derived_y)


def _slopes(values: Array, half: int, rate_hertz: float) -> Array:
    """(T, E) change per second over `half` frames on both sides, or on the one that there is."""
    frames = len(values)
    rows = np.arange(frames)
    later = values[np.minimum(rows + half, frames - 1)]
    earlier = values[np.maximum(rows - half, 0)]
    later_at = np.minimum(rows + half, frames - 1)[:, None] * np.ones(values.shape[1])
    earlier_at = np.maximum(rows - half, 0)[:, None] * np.ones(values.shape[1])
    later_at = np.where(np.isfinite(later), later_at, rows[:, None])
    later = np.where(np.isfinite(later), later, values)
    earlier_at = np.where(np.isfinite(earlier), earlier_at, rows[:, None])
    earlier = np.where(np.isfinite(earlier), earlier, values)
    with np.errstate(divide="ignore", invalid="ignore"):
        slopes = (later - earlier) / (later_at - earlier_at) * rate_hertz
    return np.where(later_at > earlier_at, slopes, np.nan)
