"""The way of the puck, put together from the samples of its track."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from featurizer.shots.ice import Ice
from playscore.errors import PlayscoreError, Reason
from playscore.game import Track

Array = NDArray[np.float64]

MAX_GAP_SECONDS: Final = 0.25
"""Between two samples that the way is read between."""
MAX_APART_FEET: Final = 3.0
"""Between two samples of one time that may be one puck."""
MAX_CONTRADICTIONS: Final = 3
"""Times at which two samples lie apart before the track is not believed."""
MAX_SPEED: Final = 220.0
"""Of a puck, ft/s: 150 mph."""
STEP_SECONDS: Final = 0.1
"""Over which velocities are told. Sources with ten samples a second have no shorter one."""


@dataclass(frozen=True, slots=True, eq=False)
class Puck:
    """N samples of the puck in the order of their times, in feet, the net attacked at +x."""

    times: Array
    """(N,) seconds of the segment's clock, rising"""
    x: Array
    """(N,)"""
    y: Array
    """(N,)"""
    z: Array
    """(N,) above the ice; NaN where not known"""

    def __len__(self) -> int:
        return len(self.times)

    def turned(self) -> Puck:
        """As seen with the other net at +x."""
        return Puck(self.times, -self.x, -self.y, self.z)

    def between(self, first: float, last: float) -> Puck:
        """The samples from one time to another, both included."""
        start, stop = np.searchsorted(self.times, [first - 1e-9, last + 1e-9])
        return Puck(self.times[start:stop], self.x[start:stop], self.y[start:stop], self.z[start:stop])

    def at(self, times: Array) -> Array:
        """(3, K) x, y and z at K times, between samples on the straight line; NaN where samples are too far apart."""
        seen = self.seen(times)
        if not seen.any():
            return np.full((3, len(times)), np.nan)
        places = np.array([np.interp(times, self.times, axis) for axis in (self.x, self.y, self.z)])
        places[:, ~seen] = np.nan
        return places

    def seen(self, times: Array) -> NDArray[np.bool_]:
        """(K,) whether there are samples at K times, or near enough on both sides."""
        if not len(self):
            return np.zeros(len(times), bool)
        before = self.times.searchsorted(times + 1e-9, side="right") - 1
        after = self.times.searchsorted(times - 1e-9)
        gap = self.times.take(after, mode="clip") - self.times.take(before, mode="clip")
        return np.asarray((before >= 0) & (after < len(self)) & (gap <= MAX_GAP_SECONDS + 1e-9))

    def seen_share(self, first: float, last: float) -> float:
        """Share of the times between two at which its place is known."""
        return float(self.seen(np.arange(first, last + 1e-9, STEP_SECONDS)).mean())

    def moving(self, times: Array, step: float) -> tuple[Array, Array]:
        """(3, K) x, y and z at K times, and (2, K) feet per second along and across the ice over the step after them.

        A negative step is the one before them.
        """
        here, there = np.split(self.at(np.concatenate([times, times + step])), 2, axis=1)
        return here, (there[:2] - here[:2]) / step


def samples_of(tracks: Sequence[Track], ice: Ice, first: float, last: float) -> Array:
    """(4, N) time, x, y and z of the puck where it was seen, from batches of one rate as they came.

    From one second of the segment's clock to another, in the order of their times, in feet.
    """
    if not tracks:
        return np.empty((4, 0))
    times = np.concatenate([track.sample_numbers for track in tracks]) / tracks[0].rate_hertz
    inside = np.flatnonzero((times >= first - 1e-9) & (times <= last + 1e-9))
    heights = [np.full(len(track), np.nan) if track.z is None else track.z for track in tracks]
    columns = [track.x for track in tracks], [track.y for track in tracks], heights
    samples = np.array([times[inside], *(np.concatenate(column)[inside] for column in columns)])
    samples = samples[:, np.isfinite(samples[1:3]).all(axis=0)]
    samples = samples[:, np.argsort(samples[0], kind="stable")]
    samples[1], samples[2] = ice.place(samples[1], samples[2])
    samples[3] *= ice.feet
    return samples


def puck_of(samples: Array, last: float) -> Puck:
    """The puck up to a second of the segment's clock, from samples (4, N) in the order of their times.

    Samples that come twice count once; where two of one time lie apart neither does. A lone sample that the puck cannot
    have got to is left out.

    Raises:
        PlayscoreError: SAMPLES_CONTRADICTED, there seem to be two pucks.
    """
    samples = _one_a_time(samples[:, : np.searchsorted(samples[0], last + 1e-9, side="right")])
    if samples.shape[1] > 2:
        samples = samples[:, ~_strays(samples)]
    return Puck(*samples)


def _one_a_time(samples: Array) -> Array:
    again = np.flatnonzero(np.diff(samples[0]) < 1e-9) + 1
    if not len(again):
        return samples
    apart = np.hypot(*(samples[1:3, again] - samples[1:3, again - 1])) > MAX_APART_FEET
    times = np.unique(samples[0, again[apart]])
    if len(times) >= MAX_CONTRADICTIONS:
        raise PlayscoreError(
            Reason.SAMPLES_CONTRADICTED,
            f"at {len(times)} times, the first {times[0]:.2f} s into the segment, two samples of the puck lie more than"
            f" {MAX_APART_FEET:g} ft apart; one puck is in play",
        )
    kept = np.ones(samples.shape[1], bool)
    kept[again] = False
    kept &= ~np.isin(samples[0], times)
    return samples[:, kept]


def _strays(samples: Array) -> NDArray[np.bool_]:
    """(N,) lone samples that the puck can neither have got to nor come back from."""
    step = np.diff(samples[0])
    too_fast = np.hypot(*np.diff(samples[1:3], axis=1)) / step > MAX_SPEED
    strays = np.zeros(samples.shape[1], bool)
    strays[1:-1] = too_fast[:-1] & too_fast[1:]
    return strays
