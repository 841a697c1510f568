"""The numbers of a pass: what the columns of its tensor say, and what its splits are made by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from featurizer.passing.columns import (
    DERIVED_AT,
    DERIVED_COLUMNS,
    FRAME_RATE_HERTZ,
    NEAR_TARGET_YARDS,
    ORIENTED_AT,
    PASSER,
    PRESENT_AT,
    SIDE,
    SITUATION,
    SLOT_FEATURES,
    SLOTS,
    SPECIFICATION,
    TARGET,
)
from featurizer.passing.normalize import GOAL_LINE, HALF_WIDTH, Array, rate_of_change
from playscore.game import Floats, GameHeader, HomeSide
from playscore.passing import FootballSituation, PassAttributes, PassDepth

PRESSURE_YARDS: Final = 2.0
PRESSURE_SECONDS: Final = 0.2


def depth_of(air_yards: float) -> PassDepth:
    """How far downfield a pass of so many air yards went."""
    if air_yards < 0.0:
        return PassDepth.BEHIND_LINE
    if air_yards < 10.0:
        return PassDepth.SHORT
    return PassDepth.INTERMEDIATE if air_yards < 20.0 else PassDepth.DEEP


@dataclass(frozen=True, slots=True, eq=False)
class Motion:
    """The 22 slots over T frames, the offense going towards +x, x from the line of scrimmage; NaN where absent."""

    position: Array
    """(2, T, 22) yards"""
    velocity: Array
    """(2, T, 22) yards per second"""
    acceleration: Array
    """(2, T, 22) yards per second squared"""
    orientation: Array
    """(2, T, 22) unit vectors"""
    interpolated: NDArray[np.bool_]
    """(T, 22)"""

    @property
    def present(self) -> NDArray[np.bool_]:
        """(T, 22)"""
        return np.asarray(~np.isnan(self.position[0]))

    def rows(self, start: int, stop: int) -> Motion:
        """The frames from row `start` to before row `stop`."""
        return Motion(
            self.position[:, start:stop],
            self.velocity[:, start:stop],
            self.acceleration[:, start:stop],
            self.orientation[:, start:stop],
            self.interpolated[start:stop],
        )


def motion(field: Array, interpolated: NDArray[np.bool_], sign: float, line: float) -> Motion:
    """The motion of the slots from the channels of `normalize.to_field`, gaps filled.

    `line` is x of the line of scrimmage in the offense's direction. The velocity is the source's if it has speed and
    direction, else the rate of change of the position. The acceleration is the rate of change of the velocity: sources
    that send one send only its magnitude. A sample with no neighbor in time says nothing about movement and counts as
    absent.
    """
    field = sign * field
    position = field[0:2]
    position[0] -= line
    velocity = field[2:4]
    if (silent := np.isnan(velocity)).any():
        velocity = np.where(silent.any(axis=0), rate_of_change(position), velocity)
    acceleration = rate_of_change(velocity)
    absent = np.isnan(acceleration[0]) | np.isnan(position[0])
    if absent.any():
        position[:, absent] = np.nan
        velocity[:, absent] = np.nan
        interpolated = interpolated & ~absent
    return Motion(position, velocity, acceleration, field[4:6], interpolated)


@dataclass(frozen=True, slots=True, eq=False)
class Surroundings:
    """The defenders around one slot, in every frame; inf where too few are present, NaN where the slot is absent."""

    distances: Array
    """(T, 11) to each defender"""
    nearest: Array
    """(T,)"""
    second: Array
    """(T,)"""
    closing_speed: Array
    """(T,) of the nearest defender and the slot"""

    @classmethod
    def of(cls, play: Motion, slot: int) -> Surroundings:
        """Who is around `slot`."""
        away = play.position[:, :, SIDE:] - play.position[:, :, slot, None]
        distances = np.hypot(away[0], away[1])
        reach = np.where(np.isnan(distances), np.inf, distances)
        frames = np.arange(len(reach))
        closest = reach.argmin(axis=1)
        nearest = reach[frames, closest]
        reach[frames, closest] = np.inf
        towards = away[:, frames, closest]
        relative = play.velocity[:, frames, SIDE + closest] - play.velocity[:, :, slot]
        with np.errstate(divide="ignore", invalid="ignore"):
            closing_speed = -(towards * relative).sum(axis=0) / nearest
        return cls(distances, nearest, reach.min(axis=1), closing_speed)


def _lane_clearance(play: Motion) -> Array:
    """(T,) distance from the segment between passer and target to the nearest defender."""
    passer = play.position[:, :, PASSER, None]
    lane = play.position[:, :, TARGET, None] - passer
    away = play.position[:, :, SIDE:] - passer
    with np.errstate(divide="ignore", invalid="ignore"):
        along = np.clip((away * lane).sum(axis=0) / (lane * lane).sum(axis=0), 0.0, 1.0)
    beside = away - along * lane
    clearance = np.hypot(beside[0], beside[1])
    return np.asarray(np.where(np.isnan(clearance), np.inf, clearance).min(axis=1))


def frame_columns(play: Motion, derived: Mapping[str, Array]) -> Floats:
    """(T, C) the columns of `SPECIFICATION.frame_columns`."""
    length = play.position.shape[1]
    present = play.present
    oriented = present & ~np.isnan(play.orientation[0])
    table = np.empty((length, len(SPECIFICATION.frame_columns)), np.float32)
    slots = table[:, :PRESENT_AT].reshape(length, len(SLOTS), len(SLOT_FEATURES), copy=False)
    with np.errstate(over="ignore"):
        for first, vectors in ((0, play.position), (2, play.velocity), (4, play.acceleration)):
            slots[:, :, first] = vectors[0]
            slots[:, :, first + 1] = vectors[1]
    slots[:, :, 6] = _angle(play.velocity)
    slots[:, :, 7] = _angle(play.orientation)
    slots[~present] = 0.0
    slots[~oriented, 7] = 0.0
    table[:, PRESENT_AT:ORIENTED_AT] = present
    table[:, ORIENTED_AT:DERIVED_AT] = oriented
    for column, name in enumerate(DERIVED_COLUMNS, DERIVED_AT):
        table[:, column] = derived[name]
    return table


def _angle(vector: Array) -> Array:
    """Radians in (-pi, pi], counter-clockwise from +x; the vector (0, 0) has the angle 0."""
    # Adding zero turns -0.0 into 0.0, of which arctan2 would make -pi and -0.0.
    return np.asarray(np.arctan2(vector[1] + 0.0, vector[0] + 0.0))


def derive(play: Motion, line: float) -> dict[str, Array]:
    """The derived columns by name, (T,) each; 0 where a player they measure is absent."""
    passer, target = Surroundings.of(play, PASSER), Surroundings.of(play, TARGET)
    throw = play.position[:, :, TARGET] - play.position[:, :, PASSER]
    columns = {
        "target.defenders_within_2_yards": (target.distances <= NEAR_TARGET_YARDS).sum(axis=1),
        "target.separation": target.nearest,
        "target.closing_speed": target.closing_speed,
        "target.second_separation": target.second,
        "target.sideline_distance": HALF_WIDTH - np.abs(play.position[1, :, TARGET]),
        "target.end_zone_distance": GOAL_LINE - line - play.position[0, :, TARGET],
        "passer.separation": passer.nearest,
        "passer.closing_speed": passer.closing_speed,
        "passer.second_separation": passer.second,
        "pass.distance": np.hypot(throw[0], throw[1]),
        "pass.lane_clearance": _lane_clearance(play),
        "time_since_snap": np.arange(len(passer.nearest)) / FRAME_RATE_HERTZ,
        "interpolated": play.interpolated.any(axis=1),
    }
    return {name: np.where(np.isfinite(column), column, 0.0) for name, column in columns.items()}


def static_columns(header: GameHeader, situation: FootballSituation, home: bool, target_known: bool) -> Floats:
    """(S,) the columns of `SPECIFICATION.static_columns`."""
    values: dict[str, float | None] = {
        "quarter": situation.quarter,
        "game_clock_seconds": situation.game_clock_seconds,
        "down": situation.down,
        "yards_to_go": situation.yards_to_go,
        "yards_to_end_zone": situation.yards_to_end_zone,
        "score_difference": score_difference(header, situation, home),
        "home": home if header.home_side is HomeSide.STATED else None,
        "games_remaining": _games_remaining(header, home),
    }
    ordered = [values[name] for name in SITUATION]
    return np.array(
        [
            *(0.0 if value is None else value for value in ordered),
            *(value is not None for value in ordered),
            target_known,
        ],
        np.float32,
    )


def _games_remaining(header: GameHeader, home: bool) -> int | None:
    if header.home_side is not HomeSide.STATED:
        return None
    return header.home_games_remaining if home else header.away_games_remaining


def score_difference(header: GameHeader, situation: FootballSituation, home: bool) -> int | None:
    """Points of the offense minus points of the defense; None if either, or whose points they are, is not known."""
    if situation.home_score is None or situation.away_score is None:
        return None
    lead = situation.home_score - situation.away_score
    if lead and header.home_side is not HomeSide.STATED:
        return None
    return lead if home else -lead


def attributes(
    play: Motion,
    derived: Mapping[str, Array],
    header: GameHeader,
    situation: FootballSituation,
    *,
    home: bool,
    time_to_throw: float,
    spot_y: float,
) -> PassAttributes:
    """What splits can be made by, taken from the last frame of `play`.

    `time_to_throw` is in seconds; `spot_y` is where the ball was snapped, in yards to the left of the center line.
    """
    x, y = play.position[:, -1, PASSER]
    target_seen = bool(play.present[-1, TARGET])
    air_yards = situation.charted_air_yards
    reach = air_yards if air_yards is not None else float(play.position[0, -1, TARGET]) if target_seen else None
    return PassAttributes(
        season=header.season,
        week=header.week,
        quarter=situation.quarter,
        game_clock_seconds=situation.game_clock_seconds,
        down=situation.down,
        yards_to_go=situation.yards_to_go,
        yards_to_end_zone=situation.yards_to_end_zone,
        score_difference=score_difference(header, situation, home),
        home=home if header.home_side is HomeSide.STATED else None,
        team_id=header.home_team_id if home else header.away_team_id,
        opponent_id=header.away_team_id if home else header.home_team_id,
        time_to_throw_seconds=time_to_throw,
        under_pressure=under_pressure(play),
        air_yards=air_yards,
        depth=None if reach is None else depth_of(reach),
        target_separation_yards=float(derived["target.separation"][-1]) if target_seen else None,
        defenders_near_target=int(derived["target.defenders_within_2_yards"][-1]) if target_seen else None,
        passer_depth_yards=-float(x),
        passer_lateral_yards=float(y) - spot_y,
        passer_speed_yards_per_second=float(np.hypot(*play.velocity[:, -1, PASSER])),
        target_id=situation.target_id,
    )


def under_pressure(play: Motion) -> bool:
    """Whether, in the last frame, a defender is within 2 yards of the passer's place, or will be within 0.2 s."""
    away = play.position[:, -1, SIDE:] - play.position[:, -1, PASSER, None]
    velocity = play.velocity[:, -1, SIDE:]
    with np.errstate(divide="ignore", invalid="ignore"):
        soonest = np.clip(-(away * velocity).sum(axis=0) / (velocity * velocity).sum(axis=0), 0.0, PRESSURE_SECONDS)
    closest = away + np.where(np.isnan(soonest), 0.0, soonest) * velocity
    return bool((np.hypot(closest[0], closest[1]) <= PRESSURE_YARDS).any())
