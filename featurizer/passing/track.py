"""The ways of all players through a window, as complex numbers: x + iy in yards, so that a turn is a product."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from featurizer.passing.normalize import GAP_FRAMES, Array

Plane = NDArray[np.complex128]

FASTEST_YARDS_PER_SECOND: Final = 13.0
"""What nobody runs. The fastest step of the real games is 11.2, in one that is tracked roughly; in the others 10.3."""

MISSED_YARDS: Final = 0.8
"""How far, a frame, from where their velocity leads nobody ends up: 0.57 in real passes, 0.09 in simulated ones."""

MIN_STANDING: Final = 9
"""Players who must be where they were, in a frame that repeats the one before."""


@dataclass(frozen=True, slots=True, eq=False)
class Track:
    """T frames of P players, in yards from the center of the field, along the source's axes."""

    place: Plane
    """(T, P); NaN: not seen"""
    velocity: Plane
    """(T, P) yards per second; NaN unless the source has both speed and direction"""
    step: Plane
    """(T-1, P) yards from each frame to the next"""
    frozen: NDArray[np.bool_] | None
    """(T,) the frames that only repeat the one before; None: there are none.

    Two of three sources have plays in which the film stands still for up to 4 frames, and then catches up at once.
    """

    @classmethod
    def of(cls, field: Array) -> Track:
        """From the channels of `normalize.to_field`."""
        place = _plane(field[0], field[1])
        step = place[1:] - place[:-1]
        return cls(place, _plane(field[2], field[3]), step, _frozen(step))


def _plane(x: Array, y: Array) -> Plane:
    plane: Plane = np.empty(x.shape, complex)
    plane.real, plane.imag = x, y
    return plane


def _frozen(step: Plane) -> NDArray[np.bool_] | None:
    still = step == 0.0
    if np.count_nonzero(still) < MIN_STANDING or still.sum(axis=1).max() < MIN_STANDING:
        return None
    moved = (~still & ~np.isnan(step)).any(axis=1)
    repeated = ~moved & still.any(axis=1)
    repeated[: moved.argmax()] = False  # before anybody moves they stand
    if not 0 < np.count_nonzero(repeated) <= GAP_FRAMES:
        return None
    return np.concatenate([[False], repeated])
