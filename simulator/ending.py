"""A play from its decision to the whistle: the ball's flight, the catch, the run, the tackle. Also in closed form."""

from __future__ import annotations

import enum
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulator.opening import BACK, DEEP, FRAME_SECONDS, LINE, PASSER, Opening, measured, pursue
from simulator.situation import FIELD_WIDTH, OFFENSE

Array = NDArray[np.float64]
Integers = NDArray[np.int64]

AFTER_WHISTLE = 6
"""Frames that a source keeps after a play has ended."""


class Result(enum.IntEnum):
    """How a play ended."""

    COMPLETE = 0
    INCOMPLETE = 1
    INTERCEPTED = 2
    SACK = 3
    SCRAMBLE = 4
    RUN = 5
    PUNT = 6
    FIELD_GOAL = 7


@dataclass(frozen=True, eq=False)
class Plan:
    """How B plays are to end. Arrays are (B,) unless stated."""

    result: Integers
    yards: Integers
    """Gained by the offense; returns not counted."""
    touchdown: NDArray[np.bool_]
    aim: Array
    """(B, 2): where thrown or kicked balls come down."""
    flight_seconds: Array
    return_yards: Array
    """Of interceptions and punts."""
    target: Integers
    yards_to_end_zone: Array


@dataclass(frozen=True, eq=False)
class Film:
    """B whole plays, padded on the right."""

    positions: Array
    """(B, F, 22, 2)"""
    velocities: Array
    """(B, F, 22, 2)"""
    ball: Array
    """(B, F, 2)"""
    frames: Integers
    """(B,) real frames"""
    arrival: Integers
    """(B,) frame at which the ball arrives"""
    whistle: Integers
    """(B,) frame of the tackle, score or incompletion"""
    end: Array
    """(B, 2) where the carrier is stopped"""
    carrier: Integers
    """(B,) who carries the ball at the end; -1: no one"""


@dataclass(frozen=True, eq=False)
class _Outline:
    """The two stretches of B endings: to `catch` in `first` seconds, then to `end`. Arrays are (B,) unless stated."""

    place: Array
    """(B, 22, 2) at the decision"""
    velocity: Array
    """(B, 22, 2) at the decision"""
    carrier: Integers
    """Who has the ball after the first stretch, if anybody."""
    loose: NDArray[np.bool_]
    """No one has it then: incompletions and field goals."""
    in_air: NDArray[np.bool_]
    """The ball flies to `catch`; else the carrier brings it."""
    returned: NDArray[np.bool_]
    """The defense carries it back."""
    catch: Array
    """(B, 2)"""
    end: Array
    """(B, 2)"""
    first: Array


def finish(rng: np.random.Generator, opening: Opening, plan: Plan) -> Film:
    """Play B plays to their planned ends."""
    line = _outline(rng, opening, plan)
    halfway = _when_the_ball_comes(line, plan)
    tackler, second = _tackle(line, plan, halfway)
    goal = _at_the_end(line, plan, halfway, tackler, second)

    between = (goal - halfway) / second[:, None, None]
    through = _Through(halfway, _capped(0.75 * between, 8.5), goal, _capped(0.35 * between, 4.0))
    length = np.round((line.first + second) / FRAME_SECONDS).astype(int) + AFTER_WHISTLE
    path = _paths(line, through, second, np.arange(length.max() + 1) * FRAME_SECONDS)
    positions, velocities = pursue(path, line.velocity, effort=1.0)
    return _splice(rng, opening, line, second, length, positions[:, 1:], velocities[:, 1:])


def _outline(rng: np.random.Generator, opening: Opening, plan: Plan) -> _Outline:
    count = len(plan.result)
    plays = np.arange(count)
    place = opening.positions[plays, opening.frame]
    velocity = opening.velocities[plays, opening.frame]
    result = plan.result
    in_air = np.isin(result, (Result.COMPLETE, Result.INCOMPLETE, Result.INTERCEPTED, Result.PUNT, Result.FIELD_GOAL))
    carrier = np.select(
        [result == Result.COMPLETE, result == Result.RUN, result == Result.PUNT, result == Result.INTERCEPTED],
        [plan.target, np.full(count, BACK), np.full(count, DEEP), _nearest_defender(place, plan.aim)],
        PASSER,
    )
    first = np.where(in_air, plan.flight_seconds, np.where(result == Result.SACK, 0.3, 0.6))
    carried = place[plays, carrier] + velocity[plays, carrier] * first[:, None] * 0.7
    carried[:, 1] += np.where(result == Result.SCRAMBLE, rng.normal(0, 2.0, count), 0)
    catch = np.where(in_air[:, None], plan.aim, carried)
    loose = np.isin(result, (Result.INCOMPLETE, Result.FIELD_GOAL))
    returned = np.isin(result, (Result.INTERCEPTED, Result.PUNT))

    x = np.where(plan.touchdown, np.maximum(plan.yards_to_end_zone + 2.5, catch[:, 0] + 0.5), plan.yards)
    x = np.select([returned, loose], [catch[:, 0] - plan.return_yards, catch[:, 0]], x)
    aside = rng.normal(0, 0.3, count) * np.minimum(np.abs(x - catch[:, 0]), 25)
    y = np.clip(catch[:, 1] + np.where(loose, 0, aside), 0.3, FIELD_WIDTH - 0.3)
    end = np.stack((x, y), axis=1)
    return _Outline(place, velocity, carrier, loose, in_air, returned, catch, end, first)


def _nearest_defender(place: Array, spot: Array) -> Integers:
    nearest: Integers = OFFENSE + np.linalg.norm(place[:, OFFENSE:] - spot[:, None], axis=2).argmin(axis=1)
    return nearest


def _when_the_ball_comes(line: _Outline, plan: Plan) -> Array:
    """Where everyone is at the end of the first stretch, (B, 22, 2)."""
    plays = np.arange(len(plan.result))
    halfway = line.place + np.minimum(line.first, 0.9)[:, None, None] * line.velocity * 0.7
    reach = np.full(22, 2.2)
    reach[OFFENSE:] = 4.5
    reach[LINE] = 0.8
    halfway = _toward(halfway, line.catch, reach * np.maximum(line.first - 0.4, 0)[:, None], 2.0)
    punt = plan.result == Result.PUNT
    halfway[punt] = _toward(halfway[punt], line.catch[punt], np.full((punt.sum(), 22), 28.0), 6.0)
    there = np.where(line.loose, plan.target, line.carrier)
    played = plan.result != Result.FIELD_GOAL
    halfway[plays[played], there[played]] = line.catch[played]
    return halfway


def _tackle(line: _Outline, plan: Plan, halfway: Array) -> tuple[Integers, Array]:
    """Who tackles, and the seconds of the second stretch: enough for carrier and tackler. (B,) both."""
    plays = np.arange(len(plan.result))
    apart = np.linalg.norm(halfway - line.end[:, None], axis=2)
    defends = np.arange(22) >= OFFENSE
    tackler = np.where(defends[None, :] != line.returned[:, None], apart, np.inf).argmin(axis=1)
    run = np.linalg.norm(line.end - line.catch, axis=1)
    meet = np.where(plan.touchdown, 0.0, apart[plays, tackler])
    seconds = np.maximum(np.maximum(run, meet) / 6.8, 0.4)
    return tackler, np.where(line.loose, 0.3, seconds)


def _at_the_end(line: _Outline, plan: Plan, halfway: Array, tackler: Integers, second: Array) -> Array:
    """Where everyone is at the end of the second stretch, (B, 22, 2)."""
    plays = np.arange(len(plan.result))
    reach = np.full(22, 3.0)
    reach[OFFENSE:] = 4.6
    reach[LINE] = 2.0
    moved = _toward(halfway, line.end, reach * np.where(line.loose, 0.3, 1.0)[:, None] * second[:, None], 1.8)
    held = ~line.loose
    tackled = held & ~plan.touchdown
    contact = _toward(halfway, line.end, np.full(moved.shape[:2], np.inf), 0.6)
    moved[plays[tackled], tackler[tackled]] = contact[plays[tackled], tackler[tackled]]
    moved[plays[held], line.carrier[held]] = line.end[held]
    return moved


def _toward(place: Array, spot: Array, reach: Array, stay_off: float) -> Array:
    """Each player (B, 22, 2) moved toward the spot (B, 2), by at most `reach`, but no closer than `stay_off`."""
    apart = spot[:, None] - place
    distance = np.linalg.norm(apart, axis=2)
    step = np.clip(distance - stay_off, 0, reach)
    moved: Array = place + apart * (step / np.maximum(distance, 1e-6))[..., None]
    return moved


def _capped(velocity: Array, limit: float) -> Array:
    speed = np.linalg.norm(velocity, axis=-1, keepdims=True)
    capped: Array = velocity * np.minimum(1, limit / np.maximum(speed, 1e-6))
    return capped


@dataclass(frozen=True, eq=False)
class _Through:
    """Where everyone is at the end of each stretch, and how fast they move there. (B, 22, 2) each."""

    halfway: Array
    halfway_velocity: Array
    goal: Array
    goal_velocity: Array


def _paths(line: _Outline, through: _Through, second: Array, seconds: Array) -> Array:
    """Cubic Hermite paths through both points, then coasting to a halt: (B, E, 22, 2)."""
    since = seconds[None, :] - line.first[:, None]
    to_catch = _hermite(
        (line.place, line.velocity),
        (through.halfway, through.halfway_velocity),
        line.first,
        seconds[None, :] / line.first[:, None],
    )
    to_end = _hermite(
        (through.halfway, through.halfway_velocity),
        (through.goal, through.goal_velocity),
        second,
        since / second[:, None],
    )
    over = np.maximum(since - second[:, None], 0)[..., None, None]
    to_end += through.goal_velocity[:, None] * (0.3 * (1 - np.exp(-over / 0.3)))
    return np.where((since <= 0)[..., None, None], to_catch, to_end)


def _hermite(start: tuple[Array, Array], end: tuple[Array, Array], duration: Array, progress: Array) -> Array:
    """From one (place, velocity) to another, (B, 22, 2) each, at `progress` (B, E) of `duration` (B,)."""
    u = np.clip(progress, 0, 1)[:, :, None, None]
    u2, u3 = u * u, u * u * u
    span = duration[:, None, None]
    path: Array = (
        (2 * u3 - 3 * u2 + 1) * start[0][:, None]
        + (u3 - 2 * u2 + u) * (start[1] * span)[:, None]
        + (3 * u2 - 2 * u3) * end[0][:, None]
        + (u3 - u2) * (end[1] * span)[:, None]
    )
    return path


def _splice(
    rng: np.random.Generator,
    opening: Opening,
    line: _Outline,
    second: Array,
    length: Integers,
    *after: Array,
) -> Film:
    """Opening and ending, positions and velocities (B, E, 22, 2), in one film; the ball with them."""
    plays = np.arange(len(length))
    frames = opening.frame + 1 + length
    number = np.arange(int(frames.max()))[None, :]
    before = number <= opening.frame[:, None]
    early = np.minimum(number[0], opening.positions.shape[1] - 1)
    late = np.clip(number - opening.frame[:, None] - 1, 0, after[0].shape[1] - 1)

    def joined(opened: Array, ended: Array) -> Array:
        mask = before.reshape(*before.shape, *(1,) * (opened.ndim - 2))
        return np.where(mask, opened[:, early], ended[plays[:, None], late])

    positions, velocities = (measured(rng, part) for part in after)
    arrival = opening.frame + np.maximum(np.round(line.first / FRAME_SECONDS).astype(int), 1)
    whistle = opening.frame + np.round((line.first + second) / FRAME_SECONDS).astype(int)

    released = opening.ball[plays, opening.frame]
    flown = np.clip((number - opening.frame[:, None]) / (arrival - opening.frame)[:, None], 0, 1)[..., None]
    flight = released[:, None] + (line.catch - released)[:, None] * flown
    bounce = np.clip(number - arrival[:, None], 0, 8)[..., None] * 0.12 * rng.normal(0, 1, (len(plays), 1, 2))
    flight += np.where(line.loose[:, None, None], bounce, 0)
    held = (number >= arrival[:, None]) & ~line.loose[:, None] | ~line.in_air[:, None]
    in_hand = after[0][plays, :, line.carrier][plays[:, None], late] + 0.25
    ball = np.where(before[..., None], opening.ball[:, early], np.where(held[..., None], in_hand, flight))
    return Film(
        positions=joined(opening.positions, positions),
        velocities=joined(opening.velocities, velocities),
        ball=ball,
        frames=frames,
        arrival=arrival,
        whistle=np.maximum(whistle, arrival + 1),
        end=line.end,
        carrier=np.where(line.loose, -1, line.carrier),
    )
