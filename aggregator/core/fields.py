"""What splits can be made by, and what is measured, role by role."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from aggregator.core.records import Role


class FieldType(enum.Enum):
    """What a field holds."""

    INTEGER = "a whole number"
    NUMBER = "a number"
    BOOLEAN = "true or false"
    STRING = "a string"


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a filter. `values` lists all there are, for fields with few."""

    name: str
    type: FieldType
    unit: str
    description: str
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Schema:
    """A role's measures and split fields."""

    role: Role
    model: str
    """The model whose scores rate this role."""
    measures: tuple[str, ...]
    identity: tuple[Field, ...]
    """Fields that every score has: they are part of its key."""
    attributes: tuple[Field, ...]
    """Fields that may be absent from a score."""
    fields: Mapping[str, Field] = field(init=False)
    """All of them by name, in the order of the names."""

    def __post_init__(self) -> None:
        every = sorted((*self.identity, *self.attributes), key=lambda each: each.name)
        object.__setattr__(self, "fields", MappingProxyType({each.name: each for each in every}))


_IDENTITY = (
    Field("game_id", FieldType.STRING, "", "The source's identifier of the game."),
    Field("play_id", FieldType.STRING, "", "The source's identifier of the play, unique in the game."),
    Field("subject_id", FieldType.STRING, "", "Whose play it is."),
)

PASSING = Schema(
    role=Role.PASSER,
    model="passing",
    measures=("play_score", "yards_gained", "expected_yards"),
    identity=_IDENTITY,
    attributes=(
        Field("season", FieldType.INTEGER, "", "The year in which the season began."),
        Field("week", FieldType.INTEGER, "", "Week of the season, from 1."),
        Field("quarter", FieldType.INTEGER, "", "1 to 4; 5 and above are overtime periods."),
        Field("game_clock_seconds", FieldType.NUMBER, "s", "Left on the clock of the quarter at the snap."),
        Field("down", FieldType.INTEGER, "", "1 to 4."),
        Field("yards_to_go", FieldType.NUMBER, "yd", "To a first down."),
        Field("yards_to_end_zone", FieldType.NUMBER, "yd", "From the line of scrimmage to the goal line attacked."),
        Field(
            "score_difference", FieldType.INTEGER, "", "Points of the offense less those of the defense, at the snap."
        ),
        Field("home", FieldType.BOOLEAN, "", "The passer plays at home."),
        Field("team_id", FieldType.STRING, "", "The passer's side."),
        Field("opponent_id", FieldType.STRING, "", "The other side."),
        Field("time_to_throw", FieldType.NUMBER, "s", "From the snap to the release."),
        Field(
            "under_pressure",
            FieldType.BOOLEAN,
            "",
            "At the release a defender was within 2 yd of the passer, or closing in such that he would be there "
            "within 0.2 s at his present velocity.",
        ),
        Field(
            "air_yards",
            FieldType.NUMBER,
            "yd",
            "From the line of scrimmage to where the ball was caught or aimed at, as charted.",
        ),
        Field(
            "depth",
            FieldType.STRING,
            "",
            "By charted air yards where known, else by where the target stood at the release: behind_line below 0 yd, "
            "short below 10, intermediate below 20, deep from 20.",
            values=("behind_line", "short", "intermediate", "deep"),
        ),
        Field("target_separation", FieldType.NUMBER, "yd", "From the target to the nearest defender, at the release."),
        Field("defenders_near_target", FieldType.INTEGER, "", "Defenders within 2 yd of the target, at the release."),
        Field(
            "passer_depth",
            FieldType.NUMBER,
            "yd",
            "Of the passer behind the line of scrimmage, at the release; negative beyond it.",
        ),
        Field(
            "passer_lateral",
            FieldType.NUMBER,
            "yd",
            "Of the passer to the left (positive) or right (negative) of the snap, at the release.",
        ),
        Field("passer_speed", FieldType.NUMBER, "yd/s", "Of the passer, at the release."),
        Field("target_id", FieldType.STRING, "", "Who was thrown at."),
    ),
)

SCHEMAS: Mapping[Role, Schema] = MappingProxyType({PASSING.role: PASSING})
"""Of every role."""
