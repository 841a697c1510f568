"""A play from the line-up to its decision (release, handoff, sack, kick): 22 players in closed form, no frame loop.

Coordinates of a play: x downfield from the line of scrimmage, y across the field from 0 to 53⅓, yards; 10 frames a
second. `docs/simulator.md` describes the movement. No player's path depends on what happens after the decision.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulator.situation import FIELD_WIDTH, OFFENSE

Array = NDArray[np.float64]

FRAME_SECONDS = 0.1
SNAP = 15
"""Frame of the snap."""
LAST_DECISION = SNAP + 64
FRAMES = LAST_DECISION + 2
MIDDLE = FIELD_WIDTH / 2

PASSER, CENTER, WIDE_LEFT, WIDE_RIGHT, SLOT, TIGHT_END, BACK = 0, 3, 6, 7, 8, 9, 10
LINE = np.array([1, 2, 3, 4, 5])
RECEIVERS = np.array([WIDE_LEFT, WIDE_RIGHT, SLOT, TIGHT_END, BACK])
FRONT = np.array([11, 12, 13, 14])
HOOK, COVER_BACK = 15, 16
COVERING = np.array([17, 18, 19, 20, COVER_BACK])
"""Who covers each of RECEIVERS."""
DEEP = 21


class Call(enum.IntEnum):
    """What the offense called."""

    PASS = 0
    RUN = 1
    PUNT = 2
    FIELD_GOAL = 3


class Decision(enum.IntEnum):
    """How the opening ended."""

    THROW = 0
    SACK = 1
    SCRAMBLE = 2
    HANDOFF = 3
    PUNT = 4
    FIELD_GOAL = 5


@dataclass(frozen=True, eq=False)
class Opening:
    """B plays up to their decision. One more frame follows, for central differences."""

    positions: Array
    """(B, FRAMES, 22, 2)"""
    velocities: Array
    """(B, FRAMES, 22, 2), yards per second"""
    ball: Array
    """(B, FRAMES, 2)"""
    frame: NDArray[np.int64]
    """(B,) frame of the decision"""
    decision: NDArray[np.int64]
    """(B,) of Decision"""
    target: NDArray[np.int64]
    """(B,) player index; meaningful where thrown"""


@dataclass(frozen=True, slots=True)
class _Route:
    """Straight ahead to `depth` yards past the line of scrimmage, a turn (degrees, inside positive), on at `pace`."""

    depth: float
    turn: float
    pace: float
    seconds: float
    """Usual time of the throw."""


_ROUTES = {
    "go": _Route(60, 0, 1.0, 2.9),
    "slant": _Route(3, 48, 0.9, 1.8),
    "hitch": _Route(5.5, 170, 0.2, 2.0),
    "out": _Route(6.5, -88, 0.85, 2.5),
    "dig": _Route(10, 88, 0.85, 3.0),
    "curl": _Route(9, 165, 0.25, 2.8),
    "post": _Route(11, 32, 0.98, 3.1),
    "corner": _Route(10, -42, 0.95, 3.1),
    "cross": _Route(4, 75, 0.85, 2.7),
    "bubble": _Route(-99, -110, 0.32, 1.5),
    "flat": _Route(-0.6, -85, 0.7, 2.2),
    "sit": _Route(3, 150, 0.2, 2.6),
    "block": _Route(-99, 90, 0.03, 9.0),
}
_ROUTE_NAMES = tuple(_ROUTES)
_DEPTH = np.array([route.depth for route in _ROUTES.values()])
_TURN = np.radians([route.turn for route in _ROUTES.values()])
_PACE = np.array([route.pace for route in _ROUTES.values()])
_SECONDS = np.array([route.seconds for route in _ROUTES.values()])
_BLOCK = _ROUTE_NAMES.index("block")

_MENU = {
    "wide": {
        "go": 20,
        "slant": 11,
        "hitch": 14,
        "out": 11,
        "dig": 9,
        "curl": 12,
        "post": 8,
        "corner": 4,
        "cross": 6,
        "bubble": 5,
    },
    "slot": {
        "go": 12,
        "slant": 13,
        "hitch": 11,
        "out": 14,
        "dig": 10,
        "curl": 7,
        "post": 8,
        "corner": 7,
        "cross": 14,
        "bubble": 4,
    },
    "tight": {
        "go": 8,
        "hitch": 10,
        "out": 13,
        "dig": 6,
        "curl": 9,
        "corner": 7,
        "cross": 14,
        "flat": 13,
        "sit": 10,
        "block": 10,
    },
    "back": {"flat": 36, "sit": 28, "bubble": 9, "go": 3, "block": 24},
}


def _cumulative(menu: dict[str, int]) -> Array:
    weights = np.array([menu.get(name, 0) for name in _ROUTE_NAMES], dtype=float)
    shares: Array = np.cumsum(weights) / weights.sum()
    return shares


_MENU_CUMULATIVE = np.stack([_cumulative(_MENU[kind]) for kind in ("wide", "wide", "slot", "tight", "back")])
_TOP_SPEED = np.array([8.3, 8.3, 8.0, 7.2, 7.0])

# Seconds since the snap, 0 before it.
_SINCE_SNAP = np.maximum(np.arange(FRAMES) - SNAP, 0) * FRAME_SECONDS


TOP_SPEED = np.array([7.5, *[6.0] * 5, 10.2, 10.2, 10.0, 9.2, 9.4, *[7.4] * 4, 8.8, 8.8, 10.0, 10.0, 10.0, 9.6, 9.8])
TOP_ACCELERATION = np.array([9.0, *[5.0] * 5, 9.5, 9.5, 9.5, 9.0, 8.5, *[6.5] * 4, 6.5, 7.0, 7.8, 7.8, 7.8, 7.2, 7.2])
"""Of the 22 players of a play: yards per second, and per second squared."""
MEASUREMENT_ERROR = 0.008
"""Standard deviation of a published coordinate (yards) and of a component of velocity (yards per second)."""
_REACTION_SECONDS = 1.1
_RUSH = np.array([1.1, 0.9, 0.9, 1.1, 1.4])
"""How fast the four in front and the blitzer press in, relative to the average."""
_EFFORT = 0.65
"""Share of their top acceleration that players use before the decision, while everyone runs the play as drawn up."""
_WANDER = 0.2
"""Yards by which a player strays from their path."""
_END_ZONE_APPEAL = 1.0
"""How much passers prefer a target in the end zone, in the unit of a target's appeal."""
_HURRIED = 0.6
"""Share of passers who throw at once when a rusher gets close."""


def _smoothing(frames: float) -> Array:
    distance = np.arange(FRAMES)[:, None] - np.arange(FRAMES)[None, :]
    kernel = np.exp(-((distance / frames) ** 2) / 2)
    normalized: Array = kernel / kernel.sum(axis=1, keepdims=True)
    return normalized


_TURNING = _smoothing(4.0)


def measured(rng: np.random.Generator, values: Array) -> Array:
    """Positions or velocities as a source publishes them."""
    return values + rng.normal(0, MEASUREMENT_ERROR, values.shape)


def smooth_step(progress: Array) -> Array:
    """0 below 0, 1 above 1, smooth between."""
    inside = np.clip(progress, 0, 1)
    return inside * inside * (3 - 2 * inside)


def pursue(path: Array, velocity: Array, effort: float) -> tuple[Array, Array]:
    """Positions and velocities, (B, F, 22, 2) each, of players who follow a path (B, F, 22, 2) as well as they can.

    They start on the path with `velocity` (B, 22, 2). Speed and acceleration bend toward the limits of each position.
    `effort` is the share of the top acceleration that is used.
    """
    wanted = np.gradient(path, FRAME_SECONDS, axis=1)
    positions, velocities = np.empty_like(path), np.empty_like(path)
    here, top_step = path[:, 0], effort * TOP_ACCELERATION * FRAME_SECONDS
    for frame in range(path.shape[1]):
        positions[:, frame], velocities[:, frame] = here, velocity
        desired = _limited(wanted[:, frame] + (path[:, frame] - here) / _REACTION_SECONDS, TOP_SPEED, 4)
        velocity = velocity + _limited(effort * 0.42 * (desired - velocity), top_step, 2)
        here = here + velocity * FRAME_SECONDS
    return positions, velocities


def _limited(vectors: Array, length: Array, hardness: int) -> Array:
    """The vectors (B, 22, 2), bent to be shorter than `length` (22,). High `hardness` bends late."""
    share = (vectors[..., 0] ** 2 + vectors[..., 1] ** 2) / (length * length)
    limited: Array = vectors / ((1 + share ** (hardness / 2)) ** (1 / hardness))[..., None]
    return limited


def open_plays(
    rng: np.random.Generator,
    call: NDArray[np.int64],
    ball_y: Array,
    yards_to_end_zone: Array,
) -> Opening:
    """Draw the openings of B plays. `call`: of Call, `ball_y` and `yards_to_end_zone`: yards, all (B,)."""
    count = len(call)
    passing = call == Call.PASS
    offense, defense = _line_up(rng, call, ball_y, yards_to_end_zone)
    positions = np.empty((count, FRAMES, 22, 2))
    passer = _passer_path(rng, offense[:, PASSER], passing)
    positions[:, :, PASSER] = passer

    route = (rng.random((count, 5, 1)) > _MENU_CUMULATIVE).sum(axis=2)
    route[~passing] = _BLOCK
    receivers = _run_routes(rng, offense[:, RECEIVERS], route, yards_to_end_zone, ball_y)
    positions[:, :, RECEIVERS] = receivers
    positions[:, :, COVERING] = _cover(
        rng, defense[:, COVERING - OFFENSE], receivers, passing, _tightness(yards_to_end_zone)
    )
    positions[:, :, DEEP] = _deep(rng, defense[:, DEEP - OFFENSE], receivers, yards_to_end_zone)

    blitz = passing & (rng.random(count) < 0.27)
    rushers = np.concatenate((FRONT, [HOOK]))
    radius, win = _rush(rng, positions, defense, rushers, passer)
    hook = _hook(rng, defense[:, HOOK - OFFENSE], receivers)
    positions[~blitz, :, HOOK] = hook[~blitz]
    _block(positions, offense, passer, radius, win)
    handoff = SNAP + rng.integers(7, 11, count)
    _hand_off(positions, call, handoff)
    positions[:, SNAP:] += _wander(rng, count)
    positions[:, SNAP:], moving = pursue(positions[:, SNAP:], np.zeros((count, 22, 2)), _EFFORT)
    velocities = np.concatenate((np.zeros((count, SNAP, 22, 2)), moving), axis=1)

    nearest = np.linalg.norm(positions[:, :, OFFENSE:] - positions[:, :, None, PASSER], axis=3).min(axis=2)
    frame, target = _read(rng, positions, route, passing, nearest, yards_to_end_zone)
    reached = _first(nearest < 1.1)
    caught = passing & (reached <= frame)
    sacked = caught & (rng.random(count) < 0.72)
    scrambles = passing & ~sacked & (rng.random(count) < np.where(caught, 0.25, 0.033))
    frame = np.where(sacked, reached, frame)
    frame = np.where(call == Call.RUN, handoff, frame)
    frame = np.where(call == Call.PUNT, SNAP + rng.integers(20, 24, count), frame)
    frame = np.where(call == Call.FIELD_GOAL, SNAP + rng.integers(12, 15, count), frame)
    decision = np.select(
        [sacked, scrambles, passing, call == Call.RUN, call == Call.PUNT],
        [Decision.SACK, Decision.SCRAMBLE, Decision.THROW, Decision.HANDOFF, Decision.PUNT],
        Decision.FIELD_GOAL,
    )
    ball = _carry_ball(positions[:, :, PASSER], ball_y)
    positions += _sway(rng, count)
    return Opening(measured(rng, positions), measured(rng, velocities), ball, frame, decision, target)


def _line_up(
    rng: np.random.Generator, call: NDArray[np.int64], ball_y: Array, yards_to_end_zone: Array
) -> tuple[Array, Array]:
    """Where the 11 of each side stand at the snap: (B, 11, 2) twice."""
    count = len(call)
    offense, defense = np.zeros((count, 11, 2)), np.zeros((count, 11, 2))
    shotgun = rng.random(count) < 0.72
    depth = np.select([call == Call.PUNT, call == Call.FIELD_GOAL], [-14.0, -7.5], np.where(shotgun, -5.0, -1.3))
    offense[:, PASSER] = np.stack((depth + rng.normal(0, 0.2, count), ball_y), axis=1)
    offense[:, LINE, 0] = np.array([-1.6, -1.3, -0.8, -1.3, -1.6])
    offense[:, LINE, 1] = ball_y[:, None] + np.array([3.0, 1.5, 0.0, -1.5, -3.0])

    strength = rng.choice((-1.0, 1.0), count)
    tight = (call == Call.PUNT) | (call == Call.FIELD_GOAL)
    width = np.where(tight, 0.25, 1.0)
    offense[:, WIDE_LEFT] = np.stack(
        (np.full(count, -0.8), ball_y + width * _spread(rng, FIELD_WIDTH - ball_y)), axis=1
    )
    offense[:, WIDE_RIGHT] = np.stack((np.full(count, -0.8), ball_y - width * _spread(rng, ball_y)), axis=1)
    offense[:, SLOT] = np.stack((rng.uniform(-2, -1.2, count), ball_y - strength * rng.uniform(6, 10, count)), axis=1)
    offense[:, TIGHT_END] = np.stack((np.full(count, -1.2), ball_y + strength * rng.uniform(4.3, 6, count)), axis=1)
    behind = np.where(shotgun, depth - 0.3, -7.0)
    beside = np.where(shotgun, strength * rng.uniform(1.4, 2.2, count), rng.normal(0, 0.3, count))
    offense[:, BACK] = np.stack((np.where(tight, depth + 4, behind), ball_y + beside), axis=1)

    defense[:, FRONT - OFFENSE, 0] = rng.uniform(0.7, 1.3, (count, 4))
    defense[:, FRONT - OFFENSE, 1] = ball_y[:, None] + np.array([4.0, 1.2, -1.2, -4.0]) + rng.normal(0, 0.4, (count, 4))
    defense[:, HOOK - OFFENSE] = np.stack(
        (rng.uniform(3.5, 5.5, count), ball_y + strength * rng.uniform(0, 3, count)), 1
    )
    defense[:, COVER_BACK - OFFENSE] = np.stack(
        (rng.uniform(3.5, 5.5, count), ball_y - strength * rng.uniform(1, 4, count)), axis=1
    )
    covered = offense[:, RECEIVERS[:4]]
    cushion = np.concatenate((rng.uniform(1.2, 8.5, (count, 3)), rng.uniform(4, 9.5, (count, 1))), axis=1)
    cushion *= 1 - 0.7 * _tightness(yards_to_end_zone)[:, None]
    defense[:, COVERING[:4] - OFFENSE, 0] = covered[..., 0] + 0.8 + cushion
    defense[:, COVERING[:4] - OFFENSE, 1] = covered[..., 1] + rng.normal(0, 0.9, (count, 4))
    defense[:, DEEP - OFFENSE] = np.stack((rng.uniform(11, 16, count), ball_y + rng.normal(0, 4, count)), axis=1)
    # The returner of a punt waits deep.
    defense[call == Call.PUNT, DEEP - OFFENSE, 0] = 44.0
    defense[..., 0] = np.minimum(defense[..., 0], yards_to_end_zone[:, None] + 7)
    offense += rng.normal(0, 0.12, offense.shape)
    for side in (offense, defense):
        side[..., 1] = np.clip(side[..., 1], 1.5, FIELD_WIDTH - 1.5)
    return offense, defense


def _spread(rng: np.random.Generator, room: Array) -> Array:
    """How far outside the ball a wide receiver stands, given the yards to the sideline on that side."""
    return np.minimum(rng.uniform(10, 20, len(room)), room - rng.uniform(2.5, 6, len(room)))


def _passer_path(rng: np.random.Generator, start: Array, passing: NDArray[np.bool_]) -> Array:
    """Drop, drift in the pocket, now and then a rollout: (B, F, 2)."""
    count = len(start)
    depth = np.where(passing, np.minimum(rng.normal(-7.6, 0.9, count), start[:, 0] - 0.6), start[:, 0])
    seconds = rng.uniform(1.3, 1.8, count) + 0.13 * (start[:, 0] - depth)
    dropped = smooth_step(_SINCE_SNAP[None, :] / seconds[:, None])
    later = smooth_step((_SINCE_SNAP[None, :] - 1.4) / 2.2)
    rollout = rng.random(count) < 0.11
    aside = np.where(rollout, rng.choice((-1.0, 1.0), count) * rng.uniform(5, 10, count), rng.normal(0, 1.7, count))
    path = np.repeat(start[:, None], FRAMES, axis=1)
    path[..., 0] += (depth - start[:, 0])[:, None] * dropped
    path[..., 0] += (np.where(passing, rng.normal(0.5, 1.4, count), 0.0))[:, None] * later
    path[..., 1] += np.where(passing, aside, 0.0)[:, None] * later
    return path


def _run_routes(
    rng: np.random.Generator, start: Array, route: NDArray[np.int64], yards_to_end_zone: Array, ball_y: Array
) -> Array:
    """Paths of the five eligible receivers, (B, F, 5, 2)."""
    count = len(start)
    top = _TOP_SPEED * rng.normal(1, 0.045, (count, 5))
    # Routes are cut to the room there is; a go has the end zone's back as its end.
    room = np.minimum(1.0, (yards_to_end_zone[:, None] + 6) / 22)
    depth = _DEPTH[route] * rng.normal(1, 0.16, (count, 5)) * np.where(_DEPTH[route] < 50, room, 1)
    depth += rng.normal(0, 0.9, (count, 5)) * (depth > -20)
    stem_length = np.maximum(depth - start[..., 0], 0.2)
    seconds = _SINCE_SNAP[None, :, None]
    speed = top[:, None] * (1 - np.exp(-seconds / 0.7))
    stem = np.cumsum(speed, axis=1) * FRAME_SECONDS
    broken = (stem >= stem_length[:, None]).astype(float)
    broken = _TURNING @ broken
    inside = np.where(start[..., 1] > ball_y[:, None], -1.0, 1.0)
    turn = (_TURN[route] + rng.normal(0, 0.09, (count, 5)) * (route != _BLOCK)) * inside
    heading = turn[:, None] * broken
    pace = 1 + (_PACE[route][:, None] - 1) * broken
    pace *= 1 - 0.35 * np.sin(np.pi * broken) * (np.abs(turn) > 0.9)[:, None]
    pace *= np.where(route == _BLOCK, 0.25, 1.0)[:, None]
    velocity = np.stack((np.cos(heading), np.sin(heading)), axis=-1) * (speed * pace)[..., None]
    path = start[:, None] + np.cumsum(velocity, axis=1) * FRAME_SECONDS
    path[..., 0] = _bounded(path[..., 0], -30.0, (yards_to_end_zone + 8.5)[:, None, None])
    path[..., 1] = _bounded(path[..., 1], 1.0, FIELD_WIDTH - 1.0)
    return path


def _bounded(value: Array, low: float | Array, high: float | Array) -> Array:
    """The value, bent smoothly so that it never leaves [low, high]; unchanged 3 yards inside."""
    over, under = value - (high - 3), (low + 3) - value
    bent = np.where(over > 0, high - 3 * np.exp(-np.maximum(over, 0) / 3), value)
    return np.where(under > 0, low + 3 * np.exp(-np.maximum(under, 0) / 3), bent)


def _late(path: Array, frames: Array) -> Array:
    """The path (B, F, K, 2), each of the K players delayed by `frames` (B, K)."""
    when = np.clip(np.arange(FRAMES)[None, :, None] - frames[:, None], 0, FRAMES - 1)
    before = when.astype(int)
    after = np.minimum(before + 1, FRAMES - 1)
    share = (when - before)[..., None]
    plays = np.arange(len(path))[:, None, None]
    players = np.arange(path.shape[2])[None, None, :]
    late: Array = path[plays, before, players] * (1 - share) + path[plays, after, players] * share
    return late


def _tightness(yards_to_end_zone: Array) -> Array:
    """How much closer defenders cover because there is little field behind them: 1 at the goal line, 0 far from it."""
    return np.exp(-yards_to_end_zone / 14)


def _cover(rng: np.random.Generator, start: Array, receivers: Array, passing: NDArray[np.bool_], tight: Array) -> Array:
    """Man: a delayed copy of the receiver's path, closing in. Zone: a landmark, leaning toward them. (B, F, 5, 2).

    `tight` (B,): see `_tightness`.
    """
    count = len(start)
    seconds, tight = _SINCE_SNAP[None, :, None], tight[:, None]
    seen = _late(receivers, rng.gamma(2.6, 0.85, (count, 5)) * (1 - 0.4 * tight))
    leverage = np.stack((rng.normal(0.7, 1.0, (count, 5)), rng.normal(0, 1.0, (count, 5))), axis=-1)
    leverage *= (1 - 0.4 * tight)[..., None]
    cushion = start - receivers[:, 0]
    closing = np.exp(-((seconds / rng.uniform(1.2, 2.6, (count, 5))[:, None]) ** 2))[..., None]
    man = seen + leverage[:, None] + (cushion - leverage)[:, None] * closing

    drop = rng.normal(5.5, 4, (count, 5)) * (1 - tight)
    landmark = start + np.stack((drop, rng.normal(0, 3, (count, 5))), axis=-1)
    lean = rng.uniform(0.4, 0.97, (count, 1, 5))
    lean = (lean + (0.97 - lean) * 0.8 * tight[:, None]) * smooth_step((seconds - 0.6) / (2.4 - 0.8 * tight[:, None]))
    home = start[:, None] + (landmark - start)[:, None] * smooth_step(seconds / 2.2)[..., None]
    zone = home + (seen + 0.5 * leverage[:, None] - home) * lean[..., None]
    # Corners and safety play one coverage; the player who covers the back chooses independently.
    is_man = np.repeat(rng.random((count, 1)) < 0.48 + 0.4 * tight, 5, axis=1)
    is_man[:, 4] = rng.random(count) < 0.6
    path = np.where((is_man & passing[:, None])[:, None, :, None], man, zone)
    path[..., 1] = _bounded(path[..., 1], 0.8, FIELD_WIDTH - 0.8)
    return path


def _deep(rng: np.random.Generator, start: Array, receivers: Array, yards_to_end_zone: Array) -> Array:
    """The free safety stays over the deepest receiver. (B, F, 2)."""
    count = len(start)
    deepest = receivers[:, :, :4, 0].max(axis=2)
    lean = rng.uniform(0.1, 0.75, (count, 1)) * smooth_step((_SINCE_SNAP[None, :] - 1.0) / 2.5)
    wide = receivers[np.arange(count), :, rng.integers(0, 3, count), 1]
    path = np.repeat(start[:, None], FRAMES, axis=1)
    path[..., 0] += 5 * smooth_step(_SINCE_SNAP / 3)[None, :]
    path[..., 0] += np.maximum(deepest + 2 - path[..., 0], 0) * smooth_step((_SINCE_SNAP[None, :] - 1.5) / 2)
    path[..., 1] += (wide - path[..., 1]) * lean
    limit = np.maximum(yards_to_end_zone + 8, start[:, 0] + 3)
    path[..., 0] = _bounded(path[..., 0], -30.0, limit[:, None])
    return path


def _hook(rng: np.random.Generator, start: Array, receivers: Array) -> Array:
    """The linebacker who does not blitz drops into the middle and leans to the tight end. (B, F, 2)."""
    count = len(start)
    drop = np.stack((rng.normal(5, 2, count), rng.normal(0, 3, count)), axis=1)
    path = start[:, None] + drop[:, None] * smooth_step(_SINCE_SNAP / 2.4)[None, :, None]
    lean = rng.uniform(0, 0.5, (count, 1)) * smooth_step((_SINCE_SNAP[None, :] - 1) / 2)
    path += (receivers[:, :, 3] - path) * lean[..., None] * np.array([0.6, 1.0])
    return path


def _rush(
    rng: np.random.Generator, positions: Array, defense: Array, rushers: NDArray[np.int64], passer: Array
) -> tuple[Array, Array]:
    """Write the rushers' paths: held up before the pocket, then pressing in. Distance and progress, (B, F, 5)."""
    count = len(defense)
    start = defense[:, rushers - OFFENSE] - passer[:, :1]
    radius, angle = np.linalg.norm(start, axis=2), np.arctan2(start[..., 1], start[..., 0])
    seconds = _SINCE_SNAP[None, :, None]
    held = np.clip(rng.normal(5.0, 0.8, (count, 1)) + rng.normal(0, 0.5, (count, 5)), 3.0, 8.0)
    protection = np.exp(rng.normal(0, 0.35, (count, 1)))
    gain = protection * _RUSH * rng.gamma(1.2, 0.99, (count, 5))
    first = 1 - np.exp(-seconds / 0.7)
    since = np.maximum(seconds - rng.uniform(0.6, 1.6, (count, 1, 5)), 0)
    distance = radius[:, None] + (held - radius)[:, None] * first
    distance = np.maximum(distance - gain[:, None] * since * since / (since + 1.1), 0.5)
    progress = smooth_step((2.6 - distance) / 2.0)
    around = np.sign(angle) * np.array([0.8, 0.2, 0.2, 0.8, 0.2]) * rng.uniform(0, 1.2, (count, 5))
    bearing = angle[:, None] + around[:, None] * (0.5 * first + 0.5 * progress)
    toward = np.stack((np.cos(bearing), np.sin(bearing)), axis=-1)
    positions[:, :, rushers] = passer[:, :, None] + distance[..., None] * toward
    return distance, progress


def _block(positions: Array, offense: Array, passer: Array, distance: Array, progress: Array) -> None:
    """Write the line's paths: each stays between a rusher and the passer until beaten; the center helps inside."""
    blocked = np.array([0, 1, 2, 2, 3])
    rusher = positions[:, :, FRONT][:, :, blocked] - passer[:, :, None]
    bearing = np.arctan2(rusher[..., 1], rusher[..., 0])
    beaten = progress[:, :, blocked]
    radius = np.maximum(distance[:, :, blocked] - 0.9 + 1.3 * beaten, 0.7)
    bearing = bearing + 0.35 * beaten * np.array([1, -1, 1, -1, 1])
    radius[:, :, 2] += 0.5
    engaged = (1 - np.exp(-_SINCE_SNAP / 0.6))[None, :, None, None]
    place = passer[:, :, None] + radius[..., None] * np.stack((np.cos(bearing), np.sin(bearing)), axis=-1)
    place[:, :, 2, 1] += 0.9
    start = offense[:, None, LINE]
    positions[:, :, LINE] = start + (place - start) * engaged


def _first(happens: NDArray[np.bool_]) -> NDArray[np.int64]:
    """The first frame (B,) of (B, F) in which it happens; FRAMES where it never does."""
    return np.where(happens.any(axis=1), happens.argmax(axis=1), FRAMES)


def _read(
    rng: np.random.Generator,
    positions: Array,
    route: NDArray[np.int64],
    passing: NDArray[np.bool_],
    nearest: Array,
    yards_to_end_zone: Array,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """When the passer throws, and to whom: (B,) frames and (B,) player indices.

    Most throw at once when `nearest` (B, F), the yards to the nearest defender, becomes small.
    """
    count = len(route)
    seconds = np.clip(0.95 + rng.gamma(3.6, 0.52, count), 1.0, 6.2)
    frame = SNAP + np.round(seconds / FRAME_SECONDS).astype(int)
    frame = np.minimum(frame, LAST_DECISION)
    felt = _first((nearest < rng.uniform(1.2, 2.2, (count, 1))) & (_SINCE_SNAP > 1.0))
    frame = np.where(rng.random(count) < _HURRIED, np.minimum(frame, felt), frame)
    seconds = (frame - SNAP) * FRAME_SECONDS
    plays = np.arange(count)
    receivers = positions[plays, frame][:, RECEIVERS]
    defenders = positions[plays, frame][:, OFFENSE:]
    separation = np.linalg.norm(receivers[:, :, None] - defenders[:, None], axis=3).min(axis=2)
    late = seconds[:, None] - _SECONDS[route]
    appeal = 0.28 * np.minimum(separation, 7) - 0.55 * np.abs(late) - 0.038 * np.maximum(receivers[..., 0], 0)
    appeal += np.array([0.35, 0.35, 0.3, 0.0, -0.35]) + rng.gumbel(0, 1, appeal.shape) * 0.9
    appeal += _END_ZONE_APPEAL * (receivers[..., 0] >= yards_to_end_zone[:, None])
    appeal[route == _BLOCK] = -np.inf
    choice = np.where(passing, appeal.argmax(axis=1), 0)
    return frame, RECEIVERS[choice]


def _hand_off(positions: Array, call: NDArray[np.int64], frame: NDArray[np.int64]) -> None:
    """On runs the back comes to the passer's side at the handoff."""
    runs = np.flatnonzero(call == Call.RUN)
    if not len(runs):
        return
    when = smooth_step((np.arange(FRAMES)[None, :] - SNAP) / (frame[runs] - SNAP)[:, None])
    path = positions[runs, :, BACK]
    meet = positions[runs, frame[runs], PASSER] + np.array([0.4, 0.5])
    positions[runs, :, BACK] = path + (meet[:, None] - path) * when[..., None]


def _carry_ball(passer: Array, ball_y: Array) -> Array:
    """On the ground, snapped, then in the passer's hands: (B, F, 2)."""
    spot = np.stack((np.zeros_like(ball_y), ball_y), axis=1)
    distance = -passer[:, SNAP, 0]
    snapped = np.clip(_SINCE_SNAP[None, :] / (0.05 + distance / 14)[:, None], 0, 1)
    path: Array = spot[:, None] + (passer + np.array([0.25, -0.2]) - spot[:, None]) * snapped[..., None]
    return path


def _wander(rng: np.random.Generator, count: int) -> Array:
    """No one runs in a perfectly straight line: everyone strays from their path and back, (B, F - SNAP, 22, 2)."""
    phase, rate = rng.uniform(0, 2 * np.pi, (count, 1, 22, 2)), rng.uniform(1.5, 4.5, (count, 1, 22, 2))
    seconds = _SINCE_SNAP[None, SNAP:, None, None]
    wander: Array = _WANDER * smooth_step(seconds / 0.8) * np.sin(seconds * rate + phase)
    return wander


def _sway(rng: np.random.Generator, count: int) -> Array:
    """No one stands perfectly still: a slow sway of a few inches, (B, F, 22, 2)."""
    phase, rate = rng.uniform(0, 2 * np.pi, (2, count, 1, 22, 2))
    seconds = np.arange(FRAMES)[None, :, None, None] * FRAME_SECONDS
    sway: Array = 0.04 * np.sin(seconds * (0.6 + rate * 0.35) + phase)
    return sway
