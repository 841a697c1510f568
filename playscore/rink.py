"""The ice of the NHL: where lines, nets and face-off spots are.

Coordinates are feet from the center of the ice, x along it, y across it and to the left of +x; the net that is attacked
stands at x = +89. Sources whose rinks are of other sizes keep their own distances: nothing is stretched.
"""

from __future__ import annotations

import math
from typing import Final

HALF_LENGTH_FEET: Final = 100.0
HALF_WIDTH_FEET: Final = 42.5
GOAL_LINE_X_FEET: Final = 89.0
BLUE_LINE_X_FEET: Final = 25.0
HALF_NET_WIDTH_FEET: Final = 3.0
NET_HEIGHT_FEET: Final = 4.0
DOT_Y_FEET: Final = 22.0
"""Of the face-off spots of the end zones and of the neutral zone."""
END_ZONE_DOT_X_FEET: Final = 69.0
NEUTRAL_ZONE_DOT_X_FEET: Final = 20.0


def distance_to_net(x: float, y: float) -> float:
    """Feet from a place to the center of the goal line."""
    return math.hypot(GOAL_LINE_X_FEET - x, y)


def angle_to_net(x: float, y: float) -> float:
    """Degrees between the line from a place to the center of the goal line and the long axis.

    0 is straight in front of the net, 90 on the goal line, above 90 behind it.
    """
    return math.degrees(math.atan2(abs(y), GOAL_LINE_X_FEET - x))
