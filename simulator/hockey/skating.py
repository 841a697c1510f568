"""Where everybody wants to be, and how they and the puck move from one frame to the next."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from playscore import rink
from simulator.hockey.ice import BENCH_DOORS, BOXES, NET, inside
from simulator.hockey.rinks import EVERYBODY, RATE_HERTZ, SAMPLES, SECOND, SLOTS, Puck, Rinks

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]

STEP_SECONDS: Final = 1.0 / RATE_HERTZ
THINKING: Final = 3
"""Frames from thought to thought."""
CRUISING: Final = 23.0
"""Feet per second, as every speed here."""
CARRYING: Final = 25.0
CHANGING: Final = 25.0
CHASING: Final = 28.0
PRESSING_FEET: Final = 18.0
ACCELERATION: Final = 24.0
"""Feet per second squared."""
GOALIE_SPEED: Final = 11.0
GOALIE_ACCELERATION: Final = 30.0
GOALIE_REACTION_SECONDS: Final = 0.22
EAGERNESS: Final = 1.7
"""1/s: wanted speed for each foot from where one wants to be."""
GOALIE_EAGERNESS: Final = 7.0
GRAVITY: Final = 32.2
PUCK_HEIGHT: Final = 0.04
"""Of a puck that lies on the ice, its center."""
BOARD_FEET: Final = 0.4
"""From the boards to a puck that lies on them."""
ICE_DRAG: Final = 0.55
"""1/s"""

_MARKS: Final = np.array([2, 5, 2, 4, 3, 1])
"""Whom each defending slot covers."""
_GOAL_SIDE: Final = np.array([0.5, 0.36, 0.22, 0.36, 0.2, 0.2])
"""How far toward the net from there."""
_HOME: Final = np.array([[78.0, 0.0], [70, 8], [72, 0], [70, -8], [82, -5], [82, 5]])
"""Where they stand if that attacker is not there."""
_FORECHECK: Final = np.array([[22.0, 16.0], [8.0, 0.0], [22.0, -16.0]])
_LANES: Final = np.array([[-4.0, 0.0], [16.0, 26.0], [9.0, 0.0], [16.0, -26.0], [-13.0, 15.0], [-13.0, -15.0]])
"""Attackers from the puck while it comes up the ice; y is that of the ice."""


def aim(rinks: Rinks) -> None:
    """Tells everybody where to go. Skaters think again five times a second, or when the puck goes another way."""
    lanes = np.flatnonzero(rinks.rethink | (rinks.frame % THINKING == 0))
    rinks.rethink[lanes] = False
    if len(lanes):
        _aim_skaters(rinks, lanes)
    _aim_goalies(rinks)


def _aim_skaters(rinks: Rinks, lanes: NDArray[np.int64]) -> None:
    places, on, toward = rinks.attack_view(lanes)
    attacking, mode = rinks.attacking[lanes], rinks.mode[lanes]
    puck = rinks.puck[lanes, :2] * toward[:, None]
    targets = np.concatenate(
        (_attack(rinks, lanes, puck), _defense(rinks, lanes, attackers=places[:, :SLOTS], on=on, puck=puck)), axis=1
    )
    speeds = np.full((len(lanes), EVERYBODY), CRUISING)

    rows = np.arange(len(lanes))
    carrier = (rinks.carrier[lanes] - SLOTS * attacking) % EVERYBODY
    carried = mode == Puck.CARRIED
    targets[carried, carrier[carried]] = rinks.carry_to[lanes[carried]]
    speeds[carried, carrier[carried]] = CARRYING
    receiver = rinks.receiver[lanes]
    passed = (mode == Puck.PASSED) & (receiver >= 0)
    catcher = (receiver - SLOTS * attacking) % EVERYBODY
    targets[passed, catcher[passed]] = (rinks.flight_to[lanes, :2] * toward[:, None])[passed]
    loose = (mode == Puck.LOOSE) | ((mode == Puck.PASSED) & (receiver < 0))
    ahead = puck + 0.35 * rinks.puck_vel[lanes, :2] * toward[:, None]
    apart = np.where(on, np.hypot(places[..., 0] - puck[:, :1], places[..., 1] - puck[:, 1:]), 1e3)
    apart[:, [0, SLOTS]] += 12.0
    for first in (0, SLOTS):
        chaser = first + np.argmin(apart[:, first : first + SLOTS], axis=1)
        targets[loose, chaser[loose]] = ahead[loose]
        speeds[rows[loose], chaser[loose]] = CHASING
    # The nearest defending skater goes to the puck carrier, if near enough to matter.
    presser = SLOTS + 1 + np.argmin(apart[:, SLOTS + 1 :], axis=1)
    near = carried & (apart[rows, presser] < PRESSING_FEET)
    gap = np.where(puck[near, :1] > rink.BLUE_LINE_X_FEET, 10.0, 4.0)
    line = NET - puck[near]
    line /= np.maximum(np.hypot(line[:, 0], line[:, 1]), 1e-6)[:, None]
    targets[near, presser[near]] = puck[near] + gap * line
    speeds[rows[near], presser[near]] = CARRYING

    targets *= toward[:, None, None]
    visitors = (attacking == 1)[:, None, None]
    halves = targets.reshape(-1, 2, SLOTS, 2)
    rinks.targets[lanes] = np.where(visitors[..., None], halves[:, ::-1], halves).reshape(-1, EVERYBODY, 2)
    paces = speeds.reshape(-1, 2, SLOTS)
    rinks.paces[lanes] = np.where(visitors, paces[:, ::-1], paces).reshape(-1, EVERYBODY)
    _line_up(rinks, lanes[mode == Puck.DEAD])
    _changes(rinks, lanes)


def _attack(rinks: Rinks, lanes: NDArray[np.int64], puck: Array) -> Array:
    """Attackers without the puck: their spots in the zone, or lanes up the ice behind the blue line until it is in."""
    along = puck[:, :1] + _LANES[:, 0] + np.where(puck[:, :1] < -25, 9.0, 0.0) * (_LANES[:, 0] > 0)
    ways = np.stack((along, np.broadcast_to(_LANES[:, 1], along.shape)), axis=-1) + rinks.looseness[lanes, ::-1]
    ways[..., 0] = np.clip(ways[..., 0], -86.0, np.maximum(rink.BLUE_LINE_X_FEET - 3.0, puck[:, :1] - 4.0))
    settled = (puck[:, 0] > rink.BLUE_LINE_X_FEET)[:, None, None]
    places: Array = np.where(settled, rinks.spots[lanes], ways)
    # While the puck is far out, one forward stands where the goalie looks.
    line = puck - NET
    far = np.hypot(line[:, 0], line[:, 1])
    rows = np.flatnonzero((far > 22.0) & (puck[:, 0] > rink.BLUE_LINE_X_FEET) & (rinks.screener[lanes] > 0))
    aside = rinks.looseness[lanes[rows], 0] / 7.5
    places[rows, rinks.screener[lanes[rows]]] = NET + 7.0 * line[rows] / far[rows, None] + aside
    return places


def _defense(rinks: Rinks, lanes: NDArray[np.int64], *, attackers: Array, on: Flags, puck: Array) -> Array:
    """Skaters without it: between their man and the net in their end; a gap in front of a rush; forechecking before."""
    looseness = rinks.looseness[lanes]
    marks = attackers[:, _MARKS]
    covering = marks + (NET - marks) * _GOAL_SIDE[:, None] + looseness
    idle = ~on[:, _MARKS]
    covering = np.where(idle[..., None], _HOME, covering)
    covering[:, 4:, 0] = np.maximum(covering[:, 4:, 0], 64.0)
    covering[..., 0] = np.minimum(covering[..., 0], 88.0)

    retreat = covering.copy()
    gap = np.clip(puck[:, 0] + 22.0, -30.0, 80.0)
    retreat[:, 4:, 0] = gap[:, None] + looseness[:, 4:, 0]
    retreat[:, 4, 1], retreat[:, 5, 1] = 0.5 * puck[:, 1] - 10.0, 0.5 * puck[:, 1] + 10.0
    deep = puck[:, 0] < -20.0
    retreat[deep, 1:4] = puck[deep, None] + _FORECHECK + looseness[deep, 1:4]
    retreat[deep, 4:, 0] = np.minimum(retreat[deep, 4:, 0], 5.0)
    in_zone = (puck[:, 0] > rink.BLUE_LINE_X_FEET)[:, None, None]
    places: Array = np.where(in_zone, covering, retreat)
    return places


_FACEOFF: Final = np.array([[-40.0, 0.0], [-3.0, 16.0], [-2.5, 0.0], [-3.0, -16.0], [-18.0, 9.0], [-18.0, -9.0]])
"""From the spot, seen as one's own team attacks."""


def _line_up(rinks: Rinks, stopped: NDArray[np.int64]) -> None:
    """For the face-off."""
    for team in (0, 1):
        toward = rinks.direction(team, stopped)[:, None, None]
        places = rinks.spot[stopped, None] + _FACEOFF * toward
        places[..., 1] = np.clip(places[..., 1], -38.0, 38.0)
        rinks.targets[stopped, team * SLOTS : (team + 1) * SLOTS] = inside(places, 3.0)


def _aim_goalies(rinks: Rinks) -> None:
    """On the line from net to where they think the puck is; farther out for a far puck, back on the posts behind."""
    guarding = rinks.has_goalie() & ~rinks.pulled
    toward = -rinks.direction(np.arange(2), np.arange(len(rinks))[:, None])
    seen = rinks.seen_puck[:, None] * toward[..., None]
    apart = seen - NET
    far = np.hypot(apart[..., 0], apart[..., 1])
    depth = np.minimum(1.3 + 0.042 * far, 4.6)
    depth = np.where(seen[..., 0] > NET[0] - 1.0, 0.9, depth)
    place = NET + apart * (depth / np.maximum(far, 1e-6))[..., None]
    place[..., 0] = np.minimum(place[..., 0], NET[0] - 0.7)
    place[..., 1] = np.minimum(np.maximum(place[..., 1] + rinks.misplaced, -3.4), 3.4)
    place *= toward[..., None]
    goalies = rinks.targets[:, ::SLOTS]
    goalies[guarding] = place[guarding]


def _changes(rinks: Rinks, lanes: NDArray[np.int64]) -> None:
    """To the bench, and to the box."""
    leaving, boxed = rinks.leaving[lanes], rinks.boxed[lanes]
    which, slots = np.nonzero(leaving)
    rinks.targets[lanes[which], slots] = BENCH_DOORS[slots // SLOTS]
    rinks.paces[lanes[which], slots] = CHANGING
    which, slots = np.nonzero(boxed)
    rinks.targets[lanes[which], slots] = BOXES[slots // SLOTS]


def skate(rinks: Rinks) -> None:
    """Everybody moves on by one frame."""
    guarding = rinks.has_goalie() & ~rinks.pulled
    apart = rinks.targets - rinks.pos
    far = np.hypot(apart[..., 0], apart[..., 1])
    pace = np.minimum(EAGERNESS * far, rinks.paces)
    limits = np.full(far.shape, ACCELERATION * STEP_SECONDS)
    limits[:, ::SLOTS][guarding] = GOALIE_ACCELERATION * STEP_SECONDS
    pace[:, ::SLOTS][guarding] = np.minimum(GOALIE_EAGERNESS * far[:, ::SLOTS][guarding], GOALIE_SPEED)
    change = apart * (pace / np.maximum(far, 1e-6))[..., None] - rinks.vel
    size = np.hypot(change[..., 0], change[..., 1])
    velocity = rinks.vel + change * np.minimum(1.0, limits / np.maximum(size, 1e-9))[..., None]
    places = inside(rinks.pos + velocity * STEP_SECONDS, 1.0)
    rinks.vel = (places - rinks.pos) / STEP_SECONDS
    rinks.pos = places


def stick(rinks: Rinks, lanes: NDArray[np.int64], slots: NDArray[np.int64]) -> Array:
    """(n, 2) where the puck lies on the stick of these players: ahead of them, on the side they shoot from."""
    velocity = rinks.vel[lanes, slots]
    team = slots // SLOTS
    toward = rinks.direction(team, lanes)
    net = np.stack((toward * NET[0], np.zeros(len(lanes))), axis=1)
    ahead = net - rinks.pos[lanes, slots]
    ahead /= np.maximum(np.hypot(ahead[:, 0], ahead[:, 1]), 1e-6)[:, None]
    facing = velocity + 8.0 * ahead
    facing /= np.maximum(np.hypot(facing[:, 0], facing[:, 1]), 1e-6)[:, None]
    side = np.where(rinks.left_handed[lanes, team, rinks.who[lanes, slots]], 1.0, -1.0)[:, None]
    left = np.stack((-facing[:, 1], facing[:, 0]), axis=1)
    return inside(rinks.pos[lanes, slots] + 2.6 * facing + 1.4 * side * left, BOARD_FEET)


def move_puck(rinks: Rinks) -> Array:
    """The puck moves on by one frame, the players having moved. Its samples on the way: (B, 4, 3)."""
    start = rinks.puck.copy()
    now = rinks.frame
    parts = np.arange(1, SAMPLES + 1) / SAMPLES

    carried = np.flatnonzero(rinks.mode == Puck.CARRIED)
    rinks.residual[carried] *= 0.72
    held = stick(rinks, carried, rinks.carrier[carried])
    rinks.puck[carried, :2] = inside(held + rinks.residual[carried], BOARD_FEET)
    rinks.puck[carried, 2] += (PUCK_HEIGHT - rinks.puck[carried, 2]) * 0.5

    loose = np.flatnonzero(rinks.mode == Puck.LOOSE)
    if len(loose):
        _slide(rinks, loose)

    dead = np.flatnonzero(rinks.mode == Puck.DEAD)
    if len(dead):
        waiting = now[dead] - rinks.dead_from[dead] > SECOND
        apart = rinks.spot[dead] - rinks.puck[dead, :2]
        far = np.hypot(apart[:, 0], apart[:, 1])
        pace = np.minimum(30.0 * STEP_SECONDS, 0.2 * far) * waiting
        rinks.puck[dead, :2] += apart * (pace / np.maximum(far, 1e-6))[:, None]
        rinks.puck[dead, 2] += (PUCK_HEIGHT - rinks.puck[dead, 2]) * 0.5

    samples: Array = start[:, None] + (rinks.puck - start)[:, None] * parts[:, None]
    flying = np.flatnonzero((rinks.mode == Puck.PASSED) | (rinks.mode == Puck.SHOT))
    if len(flying):
        since = (now[flying] - rinks.flight_start[flying])[:, None] + parts
        steps = rinks.flight_steps[flying, None]
        share = np.minimum(since / steps, 1.0)[..., None]
        begin, end = rinks.flight_from[flying, None], rinks.flight_to[flying, None]
        path = begin + (end - begin) * share
        seconds = np.minimum(since, steps) * STEP_SECONDS
        height = begin[..., 2] + rinks.rise[flying, None] * seconds - 0.5 * GRAVITY * seconds**2
        path[..., 2] = np.maximum(height, PUCK_HEIGHT)
        samples[flying] = path
        rinks.puck[flying] = path[:, -1]
    rinks.puck_vel = (rinks.puck - start) / STEP_SECONDS
    free = rinks.mode == Puck.LOOSE
    rinks.puck_vel[free, :2] = rinks.slide[free]
    lag = 1 - np.exp(-STEP_SECONDS / GOALIE_REACTION_SECONDS)
    rinks.seen_puck += (rinks.puck[:, :2] - rinks.seen_puck) * lag
    return samples


def _slide(rinks: Rinks, loose: NDArray[np.int64]) -> None:
    """A loose puck slides, bounces off the boards, and off the front of the nets."""
    velocity = rinks.slide[loose] * np.exp(-ICE_DRAG * STEP_SECONDS)
    before = rinks.puck[loose, :2]
    free = before + velocity * STEP_SECONDS
    kept = inside(free, BOARD_FEET)
    out = free - kept
    size = np.hypot(out[:, 0], out[:, 1])
    normal = out / np.maximum(size, 1e-9)[:, None]
    into = (velocity * normal).sum(1, keepdims=True)
    velocity = np.where((size > 1e-9)[:, None], 0.6 * (velocity - 2 * np.maximum(into, 0) * normal), velocity)
    mouth = (np.abs(before[:, 0]) <= NET[0]) & (np.abs(kept[:, 0]) > NET[0]) & (np.abs(kept[:, 1]) < 3.3)
    kept[mouth, 0] = before[mouth, 0]
    velocity[mouth, 0] *= -0.4
    rinks.puck[loose, :2] = kept
    rinks.puck[loose, 2] += (PUCK_HEIGHT - rinks.puck[loose, 2]) * 0.3
    rinks.slide[loose] = velocity
