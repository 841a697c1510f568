"""The source's coordinates turned to those of a shot: feet from the center of the ice, the net attacked at x = +89."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from playscore import rink
from playscore.game import AttackingDirection, CoordinateSystem, LengthUnit, Origin

Number = TypeVar("Number", float, NDArray[np.float64])

FEET: Final = {LengthUnit.FOOT: 1.0, LengthUnit.YARD: 3.0, LengthUnit.METER: 1.0 / 0.3048}
"""In a unit of length."""


@dataclass(frozen=True, slots=True)
class Ice:
    """How a source's places are read. `sign` is +1 where the shooting team attacks toward the source's +x, else -1."""

    coordinates: CoordinateSystem
    sign: int = 1

    @property
    def feet(self) -> float:
        """In one unit of the source."""
        return FEET[self.coordinates.length_unit]

    def place(self, x: Number, y: Number) -> tuple[Number, Number]:
        """Places of the source, in feet, the net attacked at +x."""
        corner = self.coordinates.origin is Origin.CORNER
        along = x * self.feet - (rink.HALF_LENGTH_FEET if corner else 0.0)
        across = y * self.feet - (rink.HALF_WIDTH_FEET if corner else 0.0)
        return self.sign * along, self.sign * across

    def turned(self, sign: int) -> Ice:
        """The same ice, attacked toward +x where `sign` is +1, else toward -x."""
        return Ice(self.coordinates, sign)


def sign_of(direction: AttackingDirection | None) -> int | None:
    """+1 or -1; None where no direction is stated."""
    match direction:
        case AttackingDirection.POSITIVE_X:
            return 1
        case AttackingDirection.NEGATIVE_X:
            return -1
    return None
