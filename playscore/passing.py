"""A pass as code works with it: the messages of `playscore.football.v1`."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Final

from playscore.field_limits import FIELD_LIMITS
from playscore.game import Play, PlayContext
from playscore.subjects import Role

PASSER: Final = Role(1, "passer")
"""Rated by the passing score."""


class PlayKind(enum.Enum):
    """What the source says a play is."""

    UNSPECIFIED = 0
    PASS = 1
    RUN = 2
    OTHER = 3
    SPIKE = 4
    KNEEL = 5
    CONVERSION_TRY = 6
    SPECIAL_TEAMS = 7


class PassResult(enum.Enum):
    """How a pass play ended."""

    COMPLETE = 1
    INCOMPLETE = 2
    INTERCEPTED = 3
    SACK = 4
    SCRAMBLE = 5


class PassDepth(enum.Enum):
    """How far downfield a pass went, by its air yards."""

    BEHIND_LINE = 1
    SHORT = 2
    INTERMEDIATE = 3
    DEEP = 4


@dataclass(frozen=True, slots=True)
class FootballSituation:
    """The situation before the snap; None is unknown. Units as in the contract: seconds, yards."""

    kind: PlayKind = PlayKind.UNSPECIFIED
    quarter: int | None = None
    game_clock_seconds: float | None = None
    down: int | None = None
    yards_to_go: float | None = None
    yards_to_end_zone: float | None = None
    home_score: int | None = None
    away_score: int | None = None
    passer_id: str = ""
    target_id: str = ""
    charted_air_yards: float | None = None


@dataclass(frozen=True, slots=True)
class PassOutcome:
    """The official result of a pass play. Yards are whole net yards credited to the pass; None: not known yet."""

    result: PassResult | None
    yards_gained: float | None
    revision: int = 1
    """Counts the official results of the play, apart from its own revisions; 0: the source does not count."""


@dataclass(frozen=True, slots=True)
class PassAttributes:
    """What splits of the passing rating can be made by; see `playscore.football.v1.PassAttributes`. None is unknown."""

    season: int | None = None
    week: int | None = None
    quarter: int | None = None
    game_clock_seconds: float | None = None
    down: int | None = None
    yards_to_go: float | None = None
    yards_to_end_zone: float | None = None
    score_difference: int | None = None
    home: bool | None = None
    team_id: str = ""
    opponent_id: str = ""
    time_to_throw_seconds: float | None = None
    under_pressure: bool | None = None
    air_yards: float | None = None
    depth: PassDepth | None = None
    target_separation_yards: float | None = None
    defenders_near_target: int | None = None
    passer_depth_yards: float | None = None
    passer_lateral_yards: float | None = None
    passer_speed_yards_per_second: float | None = None
    target_id: str = ""


FIELD_YARDS: Final = 100.0
"""From goal line to goal line."""
MIN_YARDS, MAX_YARDS = FIELD_LIMITS["playscore.football.v1.PassOutcome.yards_gained"].bounds
"""What a play can gain where the goal lines are not known."""


def yards_possible(yards_to_end_zone: float | None) -> tuple[float, float]:
    """The fewest and the most yards that the field lets a play gain."""
    if yards_to_end_zone is None:
        return MIN_YARDS, MAX_YARDS
    return yards_to_end_zone - FIELD_YARDS, yards_to_end_zone


NOTHING_KNOWN: Final = FootballSituation()


def situation_of(context: PlayContext) -> FootballSituation:
    """The football situation of a context; one of which nothing is known where it has none."""
    return context.situation if isinstance(context.situation, FootballSituation) else NOTHING_KNOWN


def outcome_of(play: Play) -> PassOutcome | None:
    """The official result of a play, if it is a pass whose result is known."""
    return play.outcome if isinstance(play.outcome, PassOutcome) else None
