"""The columns of a pass's tensor: what every number is, in which order, under one specification.

**Field.** The offense moves towards +x. x counts yards beyond the line of scrimmage, y yards to the left of the field's
long center line. A play that goes the other way is rotated by 180 degrees about the center of the field: left stays
left. Angles are radians, counterclockwise from +x, in (-pi, pi].

**Rows** run from the snap to the release, both included, ten a second.

**Slots** are fixed by the lineup at the snap and keep their player through the play (`featurizer.passing.lineup`).

**Masks.** An absent value is 0 and its mask says so: `<slot>.present` for a player, `<slot>.orientation_known` for the
orientation of the body, `<name>.known` for a static value. A derived column is 0 if a player it measures is absent.
"""

from __future__ import annotations

from typing import Final

from playscore.features import Column, FeatureSpecification
from playscore.game import Sport

FRAME_RATE_HERTZ: Final = 10.0

OFFENSE_SLOTS: Final = ("passer", "target", *(f"offense_{place}" for place in range(2, 11)))
DEFENSE_SLOTS: Final = tuple(f"defense_{place}" for place in range(11))
SLOTS: Final = OFFENSE_SLOTS + DEFENSE_SLOTS
PASSER: Final = 0
TARGET: Final = 1
SIDE: Final = len(OFFENSE_SLOTS)
"""Players of a team; the defense's slots begin here."""

NEAR_TARGET_YARDS: Final = 2.0

_SLOT_FEATURES: Final = (
    ("x", "yd", "yards beyond the line of scrimmage"),
    ("y", "yd", "yards to the left of the field's long center line"),
    ("speed_x", "yd/s", "velocity downfield"),
    ("speed_y", "yd/s", "velocity to the left"),
    ("acceleration_x", "yd/s^2", "acceleration downfield"),
    ("acceleration_y", "yd/s^2", "acceleration to the left"),
    ("direction", "rad", "direction of the velocity; 0 where it is 0"),
    ("orientation", "rad", "orientation of the body; see orientation_known"),
)
SLOT_FEATURES: Final = tuple(name for name, _, _ in _SLOT_FEATURES)

_DERIVED: Final = (
    ("target.defenders_within_2_yards", "1", "defenders at most 2 yards from the target"),
    ("target.separation", "yd", "distance from the target to the nearest defender"),
    ("target.closing_speed", "yd/s", "how fast that defender and the target come together; negative: apart"),
    ("target.second_separation", "yd", "distance from the target to the second-nearest defender"),
    ("target.sideline_distance", "yd", "distance from the target to the nearer sideline; negative: out of bounds"),
    ("target.end_zone_distance", "yd", "distance from the target to the goal line attacked; negative: in the end zone"),
    ("passer.separation", "yd", "distance from the passer to the nearest defender"),
    ("passer.closing_speed", "yd/s", "how fast that defender and the passer come together; negative: apart"),
    ("passer.second_separation", "yd", "distance from the passer to the second-nearest defender"),
    ("pass.distance", "yd", "distance from the passer to the target"),
    ("pass.lane_clearance", "yd", "distance from the straight line between passer and target to the nearest defender"),
    ("time_since_snap", "s", "seconds since the snap"),
    ("interpolated", "1", "1 if a player in the frame was interpolated"),
)
DERIVED_COLUMNS: Final = tuple(name for name, _, _ in _DERIVED)

_SITUATION: Final = (
    ("quarter", "1", "1 to 4; 5 and above are overtime"),
    ("game_clock_seconds", "s", "seconds left on the clock of the quarter"),
    ("down", "1", "1 to 4"),
    ("yards_to_go", "yd", "yards to a first down"),
    ("yards_to_end_zone", "yd", "yards from the line of scrimmage to the goal line attacked"),
    ("score_difference", "1", "points of the offense minus points of the defense before the snap"),
    ("home", "1", "1 if the passer plays at home, else 0"),
    ("games_remaining", "1", "regular-season games the passer's team has left after this one"),
)
SITUATION: Final = tuple(name for name, _, _ in _SITUATION)
"""Static values that may be missing; each has its `.known`."""


def _frame_columns() -> tuple[Column, ...]:
    return (
        *(Column(f"{slot}.{name}", unit, f"{slot}: {text}") for slot in SLOTS for name, unit, text in _SLOT_FEATURES),
        *(Column(f"{slot}.present", "1", f"1 if {slot} was seen or interpolated, else 0") for slot in SLOTS),
        *(Column(f"{slot}.orientation_known", "1", f"1 if {slot}.orientation is known, else 0") for slot in SLOTS),
        *(Column(name, unit, text) for name, unit, text in _DERIVED),
    )


def _static_columns() -> tuple[Column, ...]:
    return (
        *(Column(name, unit, text) for name, unit, text in _SITUATION),
        *(Column(f"{name}.known", "1", f"1 if {name} is known, else 0") for name in SITUATION),
        Column("target_known", "1", "1 if the target is known, else 0 (a throwaway)"),
    )


SPECIFICATION: Final = FeatureSpecification(
    sport=Sport.AMERICAN_FOOTBALL,
    frame_rate_hertz=FRAME_RATE_HERTZ,
    frame_columns=_frame_columns(),
    static_columns=_static_columns(),
)
"""What every tensor of a pass is made to."""

# Where the parts of a row begin.
PRESENT_AT: Final = len(SLOTS) * len(SLOT_FEATURES)
ORIENTED_AT: Final = PRESENT_AT + len(SLOTS)
DERIVED_AT: Final = ORIENTED_AT + len(SLOTS)
