"""Taking, losing and releasing the puck, and where the carrier and their teammates go then."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from playscore import rink
from simulator.hockey.ice import inside
from simulator.hockey.rinks import NEVER, RATE_HERTZ, SLOTS, Puck, Rinks
from simulator.hockey.skating import PUCK_HEIGHT, stick

Array = NDArray[np.float64]
Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]

DECISION_STEPS: Final = 3
"""A carrier decides five times a second."""
MISPLACED_FEET: Final = 1.4
"""Standard deviation of how far goalies stand beside their place."""
LOOSENESS_FEET: Final = 7.5
"""Standard deviation of how far defenders stand beside their place."""
SCREENS: Final = 0.9
"""How often a forward stands in front of the goalie while the puck is far out."""
_ZONE: Final = np.array([[74.0, -6.0], [70.0, 25.0], [80.0, 2.0], [70.0, -25.0], [31.5, 26.0], [31.5, -26.0]])
"""Spots of the attackers in the zone."""
_ZONE_SPREAD: Final = np.array([[6.0, 6.0], [9.0, 9.0], [6.0, 8.0], [9.0, 9.0], [6.0, 9.0], [6.0, 9.0]])


def redraw_spots(rinks: Rinks, lanes: Integers) -> None:
    """New spots for the attackers, and another looseness of the defense."""
    drawn = rinks.draws.normal(lanes, 4 * SLOTS + 2)
    normal = drawn[:, :-2].reshape(-1, 4, SLOTS)
    rinks.misplaced[lanes] = MISPLACED_FEET * drawn[:, -2:]
    places = _ZONE + normal[:, :2].transpose(0, 2, 1) * _ZONE_SPREAD
    # Any two forwards may trade places.
    swap = rinks.draws.uniform(lanes, 3)
    rinks.screener[lanes] = np.where(swap[:, 2] < SCREENS, 2, 0)
    turned = np.flatnonzero(swap[:, 0] < 0.5)
    first = 1 + (3 * swap[turned, 1]).astype(int)
    second = 1 + first % 3
    places[turned, first], places[turned, second] = places[turned, second], places[turned, first].copy()
    places[..., 0] = np.clip(places[..., 0], 28.0, 95.0)
    rinks.spots[lanes] = inside(places, 3.0)
    rinks.looseness[lanes] = normal[:, 2:].transpose(0, 2, 1) * LOOSENESS_FEET


def take(rinks: Rinks, lanes: Integers, slots: Integers, *, passed: Flags | bool = False) -> None:
    """These players have the puck from now on."""
    team = slots // SLOTS
    changed = team != rinks.attacking[lanes]
    rinks.attacking[lanes] = team
    rinks.carrier[lanes] = slots
    rinks.mode[lanes] = Puck.CARRIED
    rinks.rethink[lanes] = True
    rinks.got_at[lanes] = rinks.frame[lanes]
    rinks.was_passed[lanes] = passed
    rinks.decide_at[lanes] = rinks.frame[lanes] + DECISION_STEPS
    rinks.icing[lanes] = rinks.dumped[lanes] = rinks.tip[lanes] = False
    rinks.receiver[lanes] = -1
    rinks.residual[lanes] = rinks.puck[lanes, :2] - stick(rinks, lanes, slots)
    lost = lanes[changed]
    if len(lost):
        rinks.royal_road_at[lost] = NEVER
        redraw_spots(rinks, lost)
    choose_way(rinks, lanes)


def lose(rinks: Rinks, lanes: Integers, velocity: Array) -> None:
    """The puck is nobody's, sliding at (n, 2) ft/s."""
    rinks.mode[lanes] = Puck.LOOSE
    rinks.rethink[lanes] = True
    rinks.slide[lanes] = velocity
    rinks.receiver[lanes] = -1


def fly(rinks: Rinks, lanes: Integers, to: Array, speed: Array, *, to_height: Array | None = None) -> None:
    """The puck leaves the stick for places (n, 2), at (n,) ft/s along the ice."""
    rinks.rethink[lanes] = True
    start = rinks.puck[lanes]
    far = np.hypot(to[:, 0] - start[:, 0], to[:, 1] - start[:, 1])
    steps = np.maximum(np.round(far / speed * 60.0), 2.0) / 60.0 * RATE_HERTZ
    height = np.full(len(lanes), PUCK_HEIGHT) if to_height is None else to_height
    seconds = steps / RATE_HERTZ
    rinks.flight_from[lanes] = start
    rinks.flight_to[lanes] = np.column_stack((to, height))
    rinks.flight_start[lanes] = rinks.frame[lanes]
    rinks.flight_steps[lanes] = steps
    lifted = (height - start[:, 2]) / seconds + 16.1 * seconds
    rinks.rise[lanes] = np.where(height > PUCK_HEIGHT, lifted, 0.0)


def choose_way(rinks: Rinks, lanes: Integers) -> None:
    """Where the carriers skate to, seen as an attack."""
    toward = rinks.direction(rinks.attacking[lanes], lanes)[:, None]
    here = rinks.pos[lanes, rinks.carrier[lanes]] * toward
    uniform = rinks.draws.uniform(lanes, 3)
    slot = rinks.carrier[lanes] % SLOTS
    up = np.stack((here[:, 0] + 34.0, here[:, 1] * 0.9 + 24.0 * (uniform[:, 0] - 0.5)), axis=1)
    side = np.where(here[:, 1] > 0, 1.0, -1.0)
    inward = np.stack((62.0 + 18.0 * uniform[:, 1], side * 16.0 * (uniform[:, 2] - 0.25)), axis=1)
    wall = np.stack((60.0 + 24.0 * uniform[:, 1], side * (26.0 + 8.0 * uniform[:, 2])), axis=1)
    behind = np.stack((95.0 - 2 * uniform[:, 1], -side * (4.0 + 12.0 * uniform[:, 2])), axis=1)
    along_line = np.stack((34.0 + 14.0 * uniform[:, 1], here[:, 1] + 22.0 * (uniform[:, 2] - 0.5)), axis=1)
    choice = uniform[:, 0]
    forward = np.where((choice < 0.42)[:, None], inward, np.where((choice < 0.8)[:, None], wall, behind))
    in_zone = here[:, 0] > rink.BLUE_LINE_X_FEET
    way = np.where(in_zone[:, None], np.where((slot >= 4)[:, None], along_line, forward), up)
    rinks.carry_to[lanes] = inside(way, 3.0)
