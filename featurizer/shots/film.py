"""The factors of a shot that its film tells."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from featurizer.shots import net
from featurizer.shots.events import (
    MAX_SECONDS_SINCE_ENTRY,
    MAX_SECONDS_SINCE_PASS,
    ONE_TIMER_SECONDS,
    ROYAL_ROAD_SECONDS,
    RUSH_SECONDS,
    crosses_slot,
)
from featurizer.shots.puck import MAX_GAP_SECONDS, STEP_SECONDS, Array, Puck
from featurizer.shots.scene import Scene
from featurizer.shots.values import Values, flag
from playscore import rink

GOALIE_LOOK_BACK_SECONDS: Final = 1.0
TURN_SECONDS: Final = 1.0
MIN_TURNING_SPEED: Final = 3.0
"""Below it a direction says nothing, ft/s."""
SET_SPEED: Final = 4.0
"""A goalie who is slower is set, ft/s."""
CROSS_ICE_SECONDS: Final = 2.0
CONTROL_FEET: Final = 5.0
"""From somebody's body to a puck that they have."""
LANE_FEET: Final = 10.0
NET_FRONT_FEET: Final = 10.0
BEHIND_PUCK_FEET: Final = 10.0
MIN_SEEN: Final = 0.6
"""Share of a stretch in which the puck must be seen for what it did there to be known."""
HELD_SPEED: Final = 25.0
"""Of a puck beside somebody who has it, as they see it: one that is faster flies past, ft/s."""
PASSED_IN_SECONDS: Final = 1.0
"""After the puck crossed the blue line is when somebody has it who got a pass there."""
PASS_SPEED: Final = 30.0
"""Nobody skates so fast with the puck, ft/s."""
CROSSING_SPEED: Final = 15.0
"""Across the ice, of a pass, ft/s."""
AT_NET_FEET: Final = 1.0
"""Wide of a post is where a shot may still go."""
_NOBODY: Final = -1


@dataclass(frozen=True, slots=True, eq=False)
class Beside:
    """Everybody beside the puck, in R frames up to the release."""

    first_row: int
    """Of the film."""
    times: Array
    """(R,) seconds of the segment's clock"""
    puck_seen: NDArray[np.bool_]
    """(R,)"""
    within_reach: NDArray[np.bool_]
    """(R, E) the puck is, of somebody's body"""
    held: NDArray[np.bool_]
    """(R, E) and does not fly past them"""
    held_by: NDArray[np.integer]
    """(R,) the nearest of those who hold it; -1: nobody does"""


def scene_factors(scene: Scene, x: float, y: float) -> Values:
    """Where everybody is at the release of a shot from (x, y)."""
    return {**_shooter(scene), **_goalie(scene, x, y), **_traffic(scene, x, y), **_numbers(scene, x, y)}


def puck_factors(puck: Puck, scene: Scene, released: float) -> Values:
    """What the puck did up to the release, and over the first tenth of a second after it.

    `released` is the second of the segment's clock.
    """
    places, velocities = puck.moving(np.array([released]), STEP_SECONDS)
    beside = _beside(puck, scene)
    return {
        "puck_speed_feet_per_second": float(np.hypot(*velocities)[0]),
        "puck_height_feet": float(places[2, 0]),
        **_cross_ice(puck, released),
        **_entry(puck, scene, beside, released),
        **_received(scene, beside, released),
    }


def _shooter(scene: Scene) -> Values:
    if scene.shooter is None:
        return {}
    x, y = scene.place(scene.shooter)
    vx, vy = scene.velocity(scene.shooter)
    before = scene.velocity(scene.shooter, scene.row - round(TURN_SECONDS * scene.skaters.rate_hertz))
    turning = min(math.hypot(vx, vy), math.hypot(*before)) >= MIN_TURNING_SPEED
    return {
        "shooter_distance_feet": rink.distance_to_net(x, y),
        "shooter_angle_degrees": rink.angle_to_net(x, y),
        "shooter_speed_feet_per_second": math.hypot(vx, vy),
        "shooter_turn_degrees": _between((vx, vy), before) if turning else None,
        **_pressure(scene, scene.shooter),
    }


def _pressure(scene: Scene, shooter: int) -> Values:
    """By the defender who is nearest to the shooter."""
    if not scene.defenders:
        return {}
    x, y = scene.place(shooter)
    vx, vy = scene.velocity(shooter)
    places = np.array([scene.place(defender) for defender in scene.defenders])
    away = np.hypot(places[:, 0] - x, places[:, 1] - y)
    nearest = int(np.argmin(away))
    other_vx, other_vy = scene.velocity(scene.defenders[nearest])
    toward = (places[nearest] - (x, y)) / max(away[nearest], 1e-6)
    return {
        "nearest_defender_feet": float(away[nearest]),
        "nearest_defender_closing_feet_per_second": float((vx - other_vx) * toward[0] + (vy - other_vy) * toward[1]),
    }


def _goalie(scene: Scene, x: float, y: float) -> Values:
    if scene.goalie is None:
        return {}
    goalie_x, goalie_y = scene.place(scene.goalie)
    before_x, before_y = scene.place(
        scene.goalie, scene.row - round(GOALIE_LOOK_BACK_SECONDS * scene.skaters.rate_hertz)
    )
    speed = math.hypot(*scene.velocity(scene.goalie))
    return {
        "goalie_move_feet": net.distance_to_line(before_x, before_y, x, y),
        "goalie_speed_feet_per_second": speed,
        "goalie_off_line_feet": net.distance_to_line(goalie_x, goalie_y, x, y),
        "goalie_set": None if math.isnan(speed) else flag(speed < SET_SPEED),
        "goalie_depth_feet": max(0.0, rink.GOAL_LINE_X_FEET - goalie_x),
    }


def _traffic(scene: Scene, x: float, y: float) -> Values:
    opening = net.mouth(x, y)
    bodies = [e for e in (*scene.attackers, *scene.defenders) if e != scene.shooter]
    places = np.array([scene.place(e) for e in bodies]).reshape(-1, 2).T
    hidden = net.shadows(x, y, places[0], places[1], net.BODY_RADIUS_FEET)
    screening = net.in_the_way(opening, hidden)
    away = np.hypot(places[0] - x, places[1] - y)[screening]
    return {
        "screens": float(screening.sum()),
        "nearest_screen_feet": float(away.min()) if len(away) else None,
        **_visible(scene, x, y, opening, hidden),
    }


def _visible(scene: Scene, x: float, y: float, opening: tuple[float, float], hidden: net.Array) -> Values:
    """What of the net is seen past the goalie, and past the skaters too; nothing of a goalie whom nobody sees."""
    by_goalie = np.empty((2, 0))
    if scene.goalie is not None:
        goalie_x, goalie_y = scene.place(scene.goalie)
        by_goalie = net.shadows(x, y, np.array([goalie_x]), np.array([goalie_y]), net.GOALIE_RADIUS_FEET)
    elif not scene.empty_net:
        return {}
    return {
        "net_visible_past_goalie": net.visible_share(opening, by_goalie),
        "net_visible_past_traffic": net.visible_share(opening, np.concatenate([by_goalie, hidden], axis=1)),
    }


def _numbers(scene: Scene, x: float, y: float) -> Values:
    defenders = [scene.place(e) for e in scene.defenders]
    attackers = [scene.place(e) for e in scene.attackers]
    others = [scene.place(e) for e in scene.attackers if e != scene.shooter]
    reach = rink.distance_to_net(x, y) + BEHIND_PUCK_FEET

    def up(places: list[tuple[float, float]]) -> int:
        return sum(rink.distance_to_net(*place) <= reach for place in places)

    return {
        "defenders_between": float(
            sum(
                x < place[0] <= rink.GOAL_LINE_X_FEET and net.distance_to_line(*place, x, y) <= LANE_FEET
                for place in defenders
            )
        ),
        "attackers_at_net": float(sum(rink.distance_to_net(*place) <= NET_FRONT_FEET for place in others)),
        "odd_man": float(up(attackers) - up(defenders)),
    }


def _cross_ice(puck: Puck, released: float) -> Values:
    if puck.seen_share(released - CROSS_ICE_SECONDS, released) < MIN_SEEN:
        return {}
    lately = puck.between(released - CROSS_ICE_SECONDS, released)
    passing = puck.between(released - ROYAL_ROAD_SECONDS, released)
    return {
        "cross_ice_feet": float(np.ptp(lately.y)),
        "royal_road": flag(_crosses_slot(passing)),
    }


def _crosses_slot(puck: Puck) -> bool:
    """Whether the puck crosses the slot as a pass does: fast, and not on its way into the net."""
    beside = puck.y != 0.0
    times, x, y = puck.times[beside], puck.x[beside], puck.y[beside]
    crossed = crosses_slot(x[:-1], y[:-1], x[1:], y[1:])
    if not crossed.any():
        return False
    step, along, across = np.diff(times), np.diff(x), np.diff(y)
    passed = (np.hypot(along, across) >= PASS_SPEED * step) & (np.abs(across) >= CROSSING_SPEED * step)
    with np.errstate(divide="ignore", invalid="ignore"):
        wide = np.abs(y[1:] + across * (rink.GOAL_LINE_X_FEET - x[1:]) / along)
    shot = (along > 0.0) & (wide <= rink.HALF_NET_WIDTH_FEET + AT_NET_FEET)
    return bool((crossed & passed & ~shot).any())


def _entry(puck: Puck, scene: Scene, beside: Beside, released: float) -> Values:
    """When and how the puck last came over the blue line, in the time that is looked at.

    Where it was out of sight then, only whether that was a rush may be known.
    """
    past = puck.between(released - MAX_SECONDS_SINCE_ENTRY, released)
    inside = past.x >= rink.BLUE_LINE_X_FEET
    crossings = np.flatnonzero(~inside[:-1] & inside[1:])
    seen = puck.seen_share(released - MAX_SECONDS_SINCE_ENTRY, released)
    if not len(crossings):
        settled = seen >= MIN_SEEN and bool(inside.all())
        return {"seconds_since_entry": MAX_SECONDS_SINCE_ENTRY, "rush": 0.0} if settled else {}
    before = int(crossings[-1])
    after = before + 1
    earliest, latest = released - float(past.times[before]), released - float(past.times[after])
    if earliest - latest > MAX_GAP_SECONDS + 1e-9:
        sure = earliest <= RUSH_SECONDS or latest > RUSH_SECONDS
        return {"rush": flag(latest <= RUSH_SECONDS) if sure else None}
    part = float((rink.BLUE_LINE_X_FEET - past.x[before]) / (past.x[after] - past.x[before]))
    crossed = float(past.times[before] + part * (past.times[after] - past.times[before]))
    across = float(past.y[before] + part * (past.y[after] - past.y[before]))
    _, velocity = puck.moving(np.array([crossed]), -STEP_SECONDS)
    return {
        "seconds_since_entry": released - crossed,
        "rush": flag(released - crossed <= RUSH_SECONDS),
        "entry_lateral_feet": abs(across),
        "entry_speed_feet_per_second": float(np.hypot(*velocity)[0]),
        "entry_carried": _carried(scene, beside, crossed, released),
    }


def _carried(scene: Scene, beside: Beside, crossed: float, released: float) -> float | None:
    """Whether an attacker had the puck as it crossed the blue line, or had it soon after, from a pass.

    None where no attacker was seen as it crossed.
    """
    skaters, attackers = scene.skaters, list(scene.attackers)
    first = max(skaters.row(crossed), beside.first_row)
    last = skaters.row(min(crossed + PASSED_IN_SECONDS, released))
    if not attackers or not np.isfinite(skaters.x[first, attackers]).any():
        return None
    rows = slice(first - beside.first_row, last - beside.first_row + 1)
    within_reach, held = beside.within_reach[rows, attackers], beside.held[rows, attackers]
    return flag(bool(within_reach[0].any() or held.any()))


def _received(scene: Scene, beside: Beside, released: float) -> Values:
    """How long the shooter has had the puck, if a teammate had it before."""
    shooter = scene.shooter
    if shooter is None or beside.puck_seen.mean() < MIN_SEEN or not beside.puck_seen[-1]:
        return {}
    has = beside.within_reach[:, shooter]
    had_by = np.where(has, shooter, beside.held_by)
    others = np.flatnonzero((had_by != _NOBODY) & (had_by != shooter))
    if not len(others):
        return {"seconds_since_pass": MAX_SECONDS_SINCE_PASS, "one_timer": 0.0} if has[0] else {"one_timer": 0.0}
    last = int(others[-1])
    if int(had_by[last]) not in scene.attackers:
        return {"one_timer": 0.0}
    began = last + int(np.argmax(has[last:])) if has[last:].any() else len(has) - 1
    seconds = max(0.0, released - float(beside.times[began]))
    return {"seconds_since_pass": seconds, "one_timer": flag(seconds <= ONE_TIMER_SECONDS + STEP_SECONDS / 2)}


def _beside(puck: Puck, scene: Scene) -> Beside:
    """Over as long as is looked for a pass."""
    skaters = scene.skaters
    first = max(0, scene.row - round(MAX_SECONDS_SINCE_PASS * skaters.rate_hertz))
    rows = slice(first, scene.row + 1)
    x, y, vx, vy = (column[rows] for column in (skaters.x, skaters.y, skaters.vx, skaters.vy))
    times = (np.arange(first, first + len(x)) + skaters.first_frame) / skaters.rate_hertz
    (puck_x, puck_y, _), (along, across) = (each[..., None] for each in puck.moving(times, -STEP_SECONDS))
    away = np.hypot(x - puck_x, y - puck_y)
    within_reach = away <= CONTROL_FEET
    held = within_reach & (np.hypot(vx - along, vy - across) <= HELD_SPEED)
    held_by = np.where(held.any(axis=1), np.where(held, away, np.inf).argmin(axis=1), _NOBODY)
    return Beside(first, times, np.isfinite(puck_x[:, 0]), within_reach, held, held_by)


def _between(one: tuple[float, float], other: tuple[float, float]) -> float:
    """Degrees between two directions."""
    turn = math.atan2(one[0] * other[1] - one[1] * other[0], one[0] * other[0] + one[1] * other[1])
    return abs(math.degrees(turn))
