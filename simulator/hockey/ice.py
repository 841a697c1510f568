"""The ice: boards, benches, boxes and face-off spots, in feet from its center."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from playscore import rink

Array = NDArray[np.float64]

CORNER_FEET: Final = 28.0
NET: Final = np.array([rink.GOAL_LINE_X_FEET, 0.0])
"""The center of the goal line that is attacked, seen from the attackers."""
BENCH_DOORS: Final = np.array([[-15.0, -41.0], [15.0, -41.0]])
"""Of the home team and of the visitors."""
BOXES: Final = np.array([[-8.0, 41.0], [8.0, 41.0]])
SPOTS: Final = np.array(
    [
        [0.0, 0.0],
        *[
            [side * x, across * rink.DOT_Y_FEET]
            for x in (rink.NEUTRAL_ZONE_DOT_X_FEET, rink.END_ZONE_DOT_X_FEET)
            for side in (1, -1)
            for across in (1, -1)
        ],
    ]
)
"""(9, 2) where face-offs are taken: the center, four neutral spots, four of the end zones."""
CENTER_SPOT: Final = 0
NEUTRAL_SPOTS: Final = slice(1, 5)
END_SPOTS: Final = slice(5, 9)


def inside(places: Array, margin: float) -> Array:
    """The nearest places (..., 2) that are `margin` feet or more from the boards."""
    straight_x, straight_y = rink.HALF_LENGTH_FEET - CORNER_FEET, rink.HALF_WIDTH_FEET - CORNER_FEET
    core = np.stack(
        (np.clip(places[..., 0], -straight_x, straight_x), np.clip(places[..., 1], -straight_y, straight_y)), axis=-1
    )
    out = places - core
    beyond = np.hypot(out[..., 0], out[..., 1])
    room = CORNER_FEET - margin
    kept: Array = core + out * np.minimum(1.0, room / np.maximum(beyond, 1e-9))[..., None]
    return kept


def nearest_spot(places: Array, spots: slice) -> NDArray[np.int64]:
    """(n,) number in SPOTS of the nearest of some spots, for places (n, 2)."""
    apart = places[:, None] - SPOTS[spots]
    nearest: NDArray[np.int64] = np.argmin((apart**2).sum(-1), axis=1) + int(spots.start)
    return nearest
