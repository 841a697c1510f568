"""Displacement, speed and direction over a play as a whole: whether they agree and, if not, what they look like.

**Measure.** D is the displacement per second and W the velocity as the header says to read it, in all samples of moving
players, as complex numbers. How another reading would fit is the size of D - cfW relative to D, for the scale c and the
turn f that a unit or an angle convention brings, with W mirrored where angles run the other way around. Four sums over
the samples tell it for all readings. As the header has it (c = f = 1) the difference is 0.02 to 0.15 in 98 of 100 real
passes with velocities, at most 0.24, and 0.03 to 0.08 in simulated ones.

**Contradiction.** The difference is more than 0.08, and another reading leaves at most 0.75 of it. In real passes the
best other one leaves 0.85 or more. Or directions do not fit: the cosine between D and W is below 0.85 (real passes:
0.97 or more). Or speeds do not: the ratio of D to W is not within 0.96 to 1.25 (real passes: 1.00 to 1.12). Of one
player the difference may be 0.7 (real passes: 0.43 at most, simulated ones: 0.15).

Where a source has speeds without directions, the ratio may be 0.8 to 1.6. The one such source has 1.08 to 1.36, as if
its speeds were smoothed, and in meters. Such speeds are no features.
"""

from __future__ import annotations

import cmath
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from featurizer.core.tracking_window import DIRECTION, SPEED, TrackingWindow
from featurizer.passing.columns import FRAME_RATE_HERTZ
from featurizer.passing.normalize import YARDS, Array, unit_vectors
from featurizer.passing.readings import DEGREES, MEASURES, TWOFOLD, Readings, all_readings
from featurizer.passing.track import FASTEST_YARDS_PER_SECOND, MISSED_YARDS, Plane, Track
from playscore.errors import PlayscoreError, Reason
from playscore.game import CoordinateSystem

MOVING_YARDS_PER_SECOND: Final = 2.0
"""Displacement from which a sample counts."""
MIN_SAMPLES: Final = 30
"""Of moving players, for a play to be judged. Real passes have 56 or more."""
MIN_PLAYER_SAMPLES: Final = 5
"""For a player to be judged."""
MIN_DIFFERENCE: Final = 0.08
"""Up to which no other reading is looked for. Speeds in meters instead of yards make 0.09."""
BETTER: Final = 0.75
MIN_COSINE: Final = 0.85
CLEAR_COSINE: Final = 0.98
"""From which angles are in degrees without doubt."""
MAX_PLAYER_DIFFERENCE: Final = 0.7
RATIOS: Final = (0.96, 1.25)
MIN_OTHER_RATIO: Final = 0.995
"""Displacement by speed in another reading, at least: speeds in meters have 1.09 times the ratio of those in yards."""
LOOSE_RATIOS: Final = (0.8, 1.6)
"""Where directions are not known."""
MAX_WILD: Final = 0.02
"""Share of samples faster than anybody runs up to which they are left to `jumps`; if there are more, all are wrong."""
FITTING: Final = 0.25
"""Difference up to which a reading is what the film looks like."""

_TINY: Final = 1e-12


@dataclass(frozen=True, slots=True)
class _Sums:
    """Of D and W over the samples that count."""

    count: int
    displacement: float
    """|D|²"""
    velocity: float
    """|W|²"""
    along: complex
    """D times the conjugate of W"""
    mirrored: complex
    """D times W"""

    @property
    def cosine(self) -> float:
        """Between displacement and velocity."""
        return self.along.real / math.sqrt(max(self.displacement * self.velocity, _TINY))

    @property
    def ratio(self) -> float:
        """Of displacement to velocity."""
        return math.sqrt(self.displacement / max(self.velocity, _TINY))

    @property
    def difference(self) -> float:
        """Of displacement and velocity, relative to the displacement."""
        return self._relative(self.along.real)

    @property
    def turn(self) -> float:
        """By which velocities must be turned to fit the displacement best; degrees counterclockwise."""
        return math.degrees(cmath.phase(self.along))

    @property
    def turned_difference(self) -> float:
        """The difference if they are turned so."""
        return self._relative(abs(self.along))

    def _relative(self, along: float) -> float:
        return math.sqrt(max(self.displacement + self.velocity - 2.0 * along, 0.0) / max(self.displacement, _TINY))

    def differences(self, readings: Readings) -> Array:
        """Of each reading."""
        along = (np.where(readings.mirrored, self.mirrored, self.along) * readings.toward).real
        square = self.displacement + readings.scale * (readings.scale * self.velocity - 2.0 * along)
        return np.asarray(np.sqrt(np.maximum(square, 0.0) / max(self.displacement, _TINY)))


@dataclass(frozen=True, slots=True, eq=False)
class _Pairs:
    """D and W, (T, P) each; 0 where a sample does not count."""

    counts: NDArray[np.bool_]
    displacement: Plane
    velocity: Plane

    @classmethod
    def of(cls, displacement: NDArray[np.complexfloating], velocity: NDArray[np.complexfloating]) -> _Pairs:
        """Of (T, P); NaN does not count."""
        counts = ~(np.isnan(displacement) | np.isnan(velocity))
        return cls(counts, np.where(counts, displacement, 0.0), np.where(counts, velocity, 0.0))

    def one(self, player: int) -> _Pairs:
        """Of one player."""
        return _Pairs(self.counts[:, player], self.displacement[:, player], self.velocity[:, player])

    def sums(self) -> _Sums:
        """Over all of them."""
        d, w = self.displacement.ravel(), self.velocity.ravel()
        return _Sums(
            int(np.count_nonzero(self.counts)),
            float(np.vdot(d, d).real),
            float(np.vdot(w, w).real),
            complex(np.vdot(w, d)),
            complex(np.dot(w, d)),
        )

    def disagreeing(self) -> NDArray[np.int64]:
        """The players whose velocity differs from their displacement by more than `MAX_PLAYER_DIFFERENCE` of it."""
        missed = (np.abs(self.displacement - self.velocity) ** 2).sum(axis=0)
        squares = (np.abs(self.displacement) ** 2).sum(axis=0)
        judged = self.counts.sum(axis=0) >= MIN_PLAYER_SAMPLES
        return np.flatnonzero(judged & (missed > MAX_PLAYER_DIFFERENCE**2 * squares))


def check_motion(track: Track, film: TrackingWindow, coordinates: CoordinateSystem) -> None:
    """Raise MOTION_CONTRADICTED if displacement, speed and direction of a play, or of a player in it, do not agree."""
    displacement, moving = _displacement(track)
    velocity = track.velocity[1:-1]
    counts = moving & ~np.isnan(velocity)
    if _plainly_agree(displacement[counts], velocity[counts]):
        return
    wild = counts & (np.abs(velocity) > FASTEST_YARDS_PER_SECOND)
    if np.count_nonzero(wild) <= MAX_WILD * np.count_nonzero(counts):
        moving &= ~wild
    displacement = np.where(moving, displacement, np.nan)
    pairs = _Pairs.of(displacement, velocity)
    sums = pairs.sums()
    if sums.count < MIN_SAMPLES:
        _check_one_kind(displacement, film, coordinates)
        return
    if sums.difference > MIN_DIFFERENCE or not RATIOS[0] <= sums.ratio <= RATIOS[1]:
        look = _look(sums, _otherwise(sums, displacement, *_polar(film, coordinates), coordinates), coordinates)
        if (
            look.difference < BETTER * sums.difference
            or sums.cosine < MIN_COSINE
            or not RATIOS[0] <= sums.ratio <= RATIOS[1]
        ):
            raise _contradiction(sums, look, coordinates)
    wrong = pairs.disagreeing()
    if len(wrong):
        player = int(wrong[0])
        sums = pairs.one(player).sums()
        speed, direction = (part[:, player] for part in _polar(film, coordinates))
        look = _look(sums, _otherwise(sums, displacement[:, player], speed, direction, coordinates), coordinates)
        raise _contradiction(sums, look, coordinates, film.player_ids[player])


def _displacement(track: Track) -> tuple[Plane, NDArray[np.bool_]]:
    """(T-2, P) yards per second of all frames but the first and the last, and where players move by it.

    They do not where nobody could run so: `jumps` deals with that.
    """
    displacement = (track.place[2:] - track.place[:-2]) * (FRAME_RATE_HERTZ / 2.0)
    speed = np.abs(displacement)
    swerve = np.abs(track.step[1:] - track.step[:-1])
    moving = (speed > MOVING_YARDS_PER_SECOND) & (speed < FASTEST_YARDS_PER_SECOND) & (swerve < MISSED_YARDS)
    if track.frozen is not None:
        moving[track.frozen[1:-1] | track.frozen[2:]] = False
    return displacement, moving


def _plainly_agree(displacement: Plane, velocity: Plane) -> bool:
    """Whether samples (N,) are enough, and agree so well that nothing else need be looked at, no player either."""
    if len(displacement) < MIN_SAMPLES:
        return False
    size, missed = np.abs(displacement), np.abs(displacement - velocity)
    square = float(np.dot(size, size))
    ratio = math.sqrt(square / max(float(np.vdot(velocity, velocity).real), _TINY))
    return (
        float(np.dot(missed, missed)) <= MIN_DIFFERENCE**2 * square
        and RATIOS[0] <= ratio <= RATIOS[1]
        # What holds of each sample holds of each player.
        and bool((missed <= MAX_PLAYER_DIFFERENCE * size).all())
    )


def _otherwise(
    stated: _Sums, displacement: Plane, speed: Array, direction: Array, coordinates: CoordinateSystem
) -> dict[str, _Sums]:
    """The sums for directions in other measures than degrees; none if degrees fit without doubt."""
    if stated.cosine >= CLEAR_COSINE:
        return {}
    return {
        measure: _Pairs.of(displacement, speed * _headings(direction * degrees, coordinates)).sums()
        for measure, degrees in MEASURES.items()
        if measure != DEGREES
    }


def _polar(film: TrackingWindow, coordinates: CoordinateSystem) -> tuple[Array, Array]:
    """(T-2, P) speeds in yards per second, and directions as sent."""
    return film.samples[SPEED, 1:-1] * YARDS[coordinates.length_unit], film.samples[DIRECTION, 1:-1]


def _headings(degrees: Array, coordinates: CoordinateSystem) -> Plane:
    """Unit vectors."""
    x, y = unit_vectors(degrees, coordinates.angle_convention)
    return np.asarray(x + 1j * y)


def _check_one_kind(displacement: Plane, film: TrackingWindow, coordinates: CoordinateSystem) -> None:
    """The same for a source that has speeds alone, or directions alone."""
    size = np.abs(displacement)
    speed, direction = _polar(film, coordinates)
    sums = _Pairs.of(size + 0j, speed + 0j).sums()
    if sums.count >= MIN_SAMPLES and not LOOSE_RATIOS[0] <= sums.ratio <= LOOSE_RATIOS[1]:
        without_angles = replace(coordinates, angle_convention=None)
        raise _contradiction(sums, _look(sums, {}, without_angles), without_angles)
    if coordinates.angle_convention is None or np.isnan(direction).all():
        return
    sums = _Pairs.of(displacement, size * _headings(direction, coordinates)).sums()
    if sums.count >= MIN_SAMPLES and sums.cosine < MIN_COSINE:
        look = _look(sums, _otherwise(sums, displacement, size, direction, coordinates), coordinates)
        raise _contradiction(sums, look, coordinates)


class _Look(NamedTuple):
    words: str
    difference: float


def _look(stated: _Sums, others: Mapping[str, _Sums], coordinates: CoordinateSystem) -> _Look:
    """The reading that fits best, but for the stated one."""
    looks = []
    if coordinates.angle_convention is not None:
        looks += [_Look(f"directions look turned by {stated.turn:.0f} degrees", stated.turned_difference * TWOFOLD)]
    for measure, sums in {DEGREES: stated, **others}.items():
        readings = all_readings(coordinates.length_unit, coordinates.angle_convention, measure)
        differences = sums.differences(readings) * readings.handicap
        differences[readings.stated | (sums.ratio < MIN_OTHER_RATIO * readings.scale)] = np.inf
        best = int(differences.argmin())
        looks.append(_Look(readings.words[best], float(differences[best])))
    return min(looks, key=lambda look: look.difference)


def _contradiction(stated: _Sums, look: _Look, coordinates: CoordinateSystem, player_id: str = "") -> PlayscoreError:
    whose = f"of player {player_id}, " if player_id else ""
    words, fits = "displacement and velocity do not agree, however they are read", ""
    if look.difference < min(FITTING, stated.difference):
        words, fits = look.words, f", read so by {look.difference:.2f}"
    convention = coordinates.angle_convention
    return PlayscoreError(
        Reason.MOTION_CONTRADICTED,
        f"{whose}{words}: over {stated.count} samples of moving players, displacement and velocity as the header"
        f" states them differ by {stated.difference:.2f} of the displacement{fits}; the header's unit is the"
        f" {coordinates.length_unit.name.lower()}, speeds are in it per second, and angles are"
        f" {'not stated' if convention is None else convention.name}",
    )
