"""The chance of a goal: what it is made of at the release, and the formula. docs/hockey_simulator.md explains it."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Final

import numpy as np
from numpy.typing import NDArray

from playscore import rink
from simulator.hockey.ice import NET

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]

GOALIE_HALF_WIDTH_FEET: Final = 1.5
BODY_HALF_WIDTH_FEET: Final = 0.8
EDGE_FEET: Final = 0.15
"""Over which a body's edge fades, so that the chance is a smooth function of where everybody is."""
_RAYS: Final = (np.arange(24) + 0.5) / 24 * 2 * rink.HALF_NET_WIDTH_FEET - rink.HALF_NET_WIDTH_FEET


@dataclass(frozen=True, eq=False)
class Release:
    """n shots at their release, all seen as attacks on the net at x = +89. Arrays (n,), feet, seconds, degrees."""

    distance: Array
    """From the puck to the center of the goal line."""
    angle: Array
    """From the long axis: 0 in front, above 90 behind."""
    visible_past_goalie: Array
    """Share of the goal mouth that the goalie does not cover; 1 without one."""
    visible_past_traffic: Array
    """Share that neither goalie nor any skater covers."""
    screens: Array
    """Skaters, but for the shooter, in the triangle of puck and posts."""
    puck_speed: Array
    """Right after the release."""
    goalie_off_line: Array
    """From the goalie to the line from puck to net center; 0 without one."""
    goalie_speed: Array
    """0 without one."""
    goalie_depth: Array
    """Out of the goal line; 0 without one."""
    nearest_defender: Array
    """From the shooter to the nearest defending skater; 60 if there is none nearer."""
    since_royal_road: Array
    """Since a pass across the long axis below the tops of the circles; 99 without one in the last 3 s."""
    since_shot: Array
    """Since the shooting team's last shot; 99 without one in the last 3 s."""
    one_timer: Array
    """1 where a pass was shot at most 0.5 s after it was received."""
    since_entry: Array
    """Since the puck came over the blue line; 99 beyond 60 s."""
    odd_man: Array
    """Attackers less defending skaters that are at most 10 ft farther from the net than the puck."""
    empty_net: Array
    """1 without a goalie."""

    def row(self, place: int) -> dict[str, float]:
        """One shot's, by name."""
        return {field.name: float(getattr(self, field.name)[place]) for field in fields(self)}


@dataclass(frozen=True, eq=False)
class Bodies:
    """Everybody but the shooter around n shots, seen as attacks on the net at x = +89."""

    goalie: Array
    """(n, 2) NaN without one."""
    skaters: Array
    """(n, 10, 2) attackers first; NaN: not there, or the shooter."""
    defending: Flags
    """(10,)"""


def open_rays(puck: Array, bodies: Array, half_width: float) -> Array:
    """(n, rays) how open each ray from the puck (n, 2) to the goal mouth is past the bodies (n, k, 2), 0 to 1."""
    aim = np.stack(np.broadcast_arrays(NET[0], _RAYS), axis=-1)[None] - puck[:, None]
    length = np.linalg.norm(aim, axis=-1, keepdims=True)
    along_ray = (aim / length)[:, None]
    apart = (bodies - puck[:, None])[:, :, None]
    along = (apart * along_ray).sum(-1)
    across = np.abs(apart[..., 0] * along_ray[..., 1] - apart[..., 1] * along_ray[..., 0])
    between = _logistic((along - 1.0) / 0.3) * _logistic((length[:, None, :, 0] + 1.0 - along) / 0.3)
    share = np.nan_to_num(between * _logistic((half_width - across) / EDGE_FEET))
    left_open: Array = np.prod(1 - share, axis=1)
    return left_open


def block_probability(puck: Array, bodies: Bodies) -> Array:
    """(n,) that a defending skater blocks a shot from the puck (n, 2): each may, if close to its line to the net."""
    aim = NET - puck
    length = np.linalg.norm(aim, axis=-1, keepdims=True)
    along_line = aim / length
    apart = bodies.skaters[:, bodies.defending] - puck[:, None]
    along = (apart * along_line[:, None]).sum(-1)
    across = apart[..., 0] * along_line[:, None, 1] - apart[..., 1] * along_line[:, None, 0]
    reach = 2.2 + 0.06 * np.clip(along, 0, 45)
    between = _logistic((along - 2.0) / 1.0) * _logistic((length - 4.0 - along) / 1.5)
    share = np.nan_to_num(MAX_BLOCK * between * np.exp(-((across / reach) ** 2)))
    probability: Array = 1 - np.prod(1 - share, axis=1)
    return probability


MAX_BLOCK: Final = 0.56


def goal_logit(at: Release) -> Array:
    """(n,) logit of the chance that an unblocked shot of an average shooter on an average goalie is a goal."""
    far = at.distance - 30.0
    wide = np.clip(at.angle, 0, 120) / 45.0
    open_goalie = at.visible_past_goalie - 0.5
    hidden = np.clip(at.visible_past_goalie - at.visible_past_traffic, 0, 1)
    royal_road = np.exp(-at.since_royal_road / 1.0)
    rebound = np.exp(-at.since_shot / 1.2)
    rush = _logistic((4.0 - at.since_entry) / 0.5)
    moving = np.clip(at.goalie_speed, 0, 14) / 8.0
    pressure = np.exp(-at.nearest_defender / 5.0)
    screened = np.minimum(at.screens, 3.0)
    guarded = (
        -2.89
        - 0.063 * far
        - 0.30 * wide
        + 1.3 * open_goalie
        - 0.6 * hidden
        + 0.30 * np.clip(at.goalie_off_line, 0, 5)
        + 0.30 * moving
        - 0.05 * (at.goalie_depth - 3.0)
        + 0.011 * (at.puck_speed - 95.0)
        + 0.55 * royal_road
        + 0.45 * rebound
        + 0.20 * rush
        + 0.12 * np.clip(at.odd_man, -2, 2)
        + 0.15 * at.one_timer
        - 0.35 * pressure
        + 0.10 * screened
        # Three things that two factors do together.
        + 0.35 * royal_road * moving
        + 0.010 * screened * np.clip(far, -15, 30)
        - 0.5 * (wide - 0.7) * open_goalie
    )
    empty = 0.9 - 0.016 * at.distance - 0.5 * wide - 1.6 * hidden - 0.7 * pressure
    logit: Array = np.where(at.empty_net > 0, empty, guarded)
    return logit


def probability(logit: Array) -> Array:
    """(n,)"""
    return _logistic(logit)


def _logistic(values: Array) -> Array:
    result: Array = 1 / (1 + np.exp(-np.clip(values, -60, 60)))
    return result


def on_goal_probability(distance: Array, angle: Array) -> Array:
    """(n,) that an unblocked shot that is no goal was on goal."""
    return _logistic(1.02 - 0.008 * (distance - 30.0) - 0.10 * np.clip(angle, 0, 90) / 45.0)


POST_SHARE: Final = 0.06
"""Of the shots that miss."""


def tactical(bodies: Bodies, puck: Array, shooter: Array) -> tuple[Array, Array, Array]:
    """(n,) the nearest defending skater to the shooter, the odd man, and the screens; places (n, 2)."""
    defenders = bodies.skaters[:, bodies.defending]
    apart = np.linalg.norm(defenders - shooter[:, None], axis=-1)
    nearest = np.minimum(np.where(np.isnan(apart), 60.0, apart).min(1), 60.0)
    reach = np.linalg.norm(NET - puck, axis=-1)[:, None] + 10.0
    near = np.linalg.norm(NET - bodies.skaters, axis=-1) <= reach
    attackers = near[:, ~bodies.defending].sum(1) + 1.0
    odd = attackers - near[:, bodies.defending].sum(1)
    return nearest, odd, _in_triangle(puck, bodies.skaters)


def _in_triangle(puck: Array, skaters: Array) -> Array:
    """(n,) how many stand in the triangle of puck and posts."""
    posts = NET + np.array([[0.0, -rink.HALF_NET_WIDTH_FEET], [0.0, rink.HALF_NET_WIDTH_FEET]])
    left, right = posts[1] - puck, posts[0] - puck
    apart = skaters - puck[:, None]

    def cross(first: Array, second: Array) -> Array:
        turned: Array = first[..., 0] * second[..., 1] - first[..., 1] * second[..., 0]
        return turned

    size = cross(right, left)[:, None]
    toward_left = cross(right[:, None], apart) * np.sign(size)
    toward_right = cross(apart, left[:, None]) * np.sign(size)
    share = (toward_left + toward_right) / np.maximum(np.abs(size), 1e-9)
    count: Array = ((toward_left >= 0) & (toward_right >= 0) & (share <= 1)).astype(float).sum(1)
    return count
