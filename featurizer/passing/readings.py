"""Ways to read velocities otherwise than the header states: other units, other conventions of angles.

A velocity W, read as the header states, is a complex number. If the source means something else, the true velocity is
W, or its conjugate where angles run the other way around, times a scale and a turn.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from featurizer.passing.columns import FRAME_RATE_HERTZ
from featurizer.passing.normalize import UNIT_NAMES, YARDS, Array
from featurizer.passing.track import Plane
from playscore.game import AngleConvention, LengthUnit

TWOFOLD: Final = 1.3
"""A reading that changes directions and speeds must fit so much better than one that changes either."""

DEGREES: Final = "degrees"
MEASURES: Final = {DEGREES: 1.0, "radians": 180.0 / math.pi, "gradians": 0.9, "full turns": 360.0}
"""Of angles, in degrees."""

_YARDS_PER_SECOND: Final = {
    "yards per second": 1.0,
    "meters per second": 1.0 / 0.9144,
    "feet per second": 1.0 / 3.0,
    "miles per hour": 1760.0 / 3600.0,
    "kilometers per hour": 1.0 / 3.6 / 0.9144,
    "yards per frame": FRAME_RATE_HERTZ,
    "meters per frame": FRAME_RATE_HERTZ / 0.9144,
    "feet per frame": FRAME_RATE_HERTZ / 3.0,
}
"""Units of speeds."""


class _Reading(NamedTuple):
    """Another way to read velocities: the true one is `scale * turn * W`, of the conjugate of W if `mirrored`."""

    words: str
    scale: float = 1.0
    turn: complex = 1.0
    mirrored: bool = False
    twofold: bool = False
    """Whether directions and speeds are read otherwise."""


@dataclass(frozen=True, slots=True, eq=False)
class Readings:
    """R of them, as columns."""

    words: tuple[str, ...]
    """What the film then looks like; empty for the header's own reading."""
    stated: NDArray[np.bool_]
    """Whether it is the header's own."""
    scale: Array
    toward: Plane
    """The conjugate of the turn."""
    mirrored: NDArray[np.bool_]
    handicap: Array
    """By which a reading must fit better than one that changes less."""

    @classmethod
    def of(cls, readings: list[_Reading]) -> Readings:
        """From single ones."""
        words, scale, turn, mirrored, twofold = zip(*readings, strict=True)
        stated = np.array([not said for said in words])
        return cls(words, stated, np.array(scale), np.conj(turn), np.array(mirrored), np.where(twofold, TWOFOLD, 1.0))


@cache
def all_readings(unit: LengthUnit, convention: AngleConvention | None, measure: str) -> Readings:
    """All ways to read velocities; that of the header is the first if `measure` is degrees."""
    as_stated = _Reading("" if measure == DEGREES else f"directions look like {measure}")
    turns = [as_stated, *([] if convention is None else _turns(convention, measure))]
    return Readings.of(
        [
            _Reading(
                ", and ".join(filter(None, (turn.words, scale.words))),
                scale.scale,
                turn.turn,
                turn.mirrored,
                bool(turn.words and scale.words),
            )
            for turn in turns
            for scale in (_Reading(""), *_scales(unit))
        ]
    )


def _scales(unit: LengthUnit) -> list[_Reading]:
    stated = YARDS[unit]
    speeds = [_Reading(f"speeds look like {name}", yards / stated) for name, yards in _YARDS_PER_SECOND.items()]
    places = [_Reading(f"positions look like {name}", stated / YARDS[other]) for other, name in UNIT_NAMES.items()]
    return [reading for reading in speeds + places if not np.isclose(reading.scale, 1.0)]


def _turns(convention: AngleConvention, measure: str) -> list[_Reading]:
    """What the other conventions of angles make of a velocity that was read by this one."""
    clockwise = convention is AngleConvention.DEGREES_CLOCKWISE_FROM_Y
    same, other = ("clockwise", "counterclockwise") if clockwise else ("counterclockwise", "clockwise")
    zero = 1j if clockwise else 1.0
    flipped: dict[tuple[complex, bool], str] = {
        (-1.0, False): ", flipped by 180 degrees, as if positions were flipped and angles were not",
        (1.0, True): ", as if y were flipped and angles were not",
        (-1.0, True): ", as if x were flipped and angles were not",
    }
    readings = []
    for axis, at in {"+x": 1.0, "+y": 1j, "-x": -1.0, "-y": -1j}.items():
        for sense, turn, mirrored in ((same, at / zero, False), (other, at * zero, True)):
            words = f"directions look like {measure} {sense} from {axis}{flipped.get((turn, mirrored), '')}"
            readings.append(_Reading(words, turn=turn, mirrored=mirrored))
    return [reading for reading in readings if reading.mirrored or reading.turn != 1.0]
