"""A shot as code works with it: the messages of `playscore.hockey.v1`."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Final

from playscore import rink
from playscore.game import Play, PlayContext
from playscore.subjects import Role

SHOOTER: Final = Role(2, "shooter")
"""Rated by goals above expected."""
GOALIE: Final = Role(3, "goalie")
"""Rated by goals saved above expected."""
SHOOTING_TEAM: Final = Role(4, "shooting_team")
"""Rated by goals above expected."""


class NetState(enum.Enum):
    """Who defended the net."""

    GUARDED = 1
    EMPTY = 2


class ShotListing(enum.Enum):
    """Which attempts a source lists."""

    UNBLOCKED = 1
    ON_GOAL = 2


class ShotKind(enum.Enum):
    """In what kind of play a shot was taken."""

    IN_PLAY = 1
    PENALTY_SHOT = 2
    SHOOTOUT = 3


class ShotType(enum.Enum):
    """How a shot was taken."""

    WRIST = 1
    SNAP = 2
    SLAP = 3
    BACKHAND = 4
    TIP_IN = 5
    DEFLECTED = 6
    WRAP_AROUND = 7
    OTHER = 8


class Handedness(enum.Enum):
    """Which way somebody holds their stick; of goalies, the hand with which they catch."""

    LEFT = 1
    RIGHT = 2


class HockeyEventKind(enum.Enum):
    """What happened on the ice."""

    FACEOFF = 1
    SHOT_ON_GOAL = 2
    MISSED_SHOT = 3
    BLOCKED_SHOT = 4
    PASS = 5
    ZONE_ENTRY = 6
    DUMP_IN = 7
    HIT = 8
    GIVEAWAY = 9
    TAKEAWAY = 10
    RECOVERY = 11
    STOPPAGE = 12
    PENALTY = 13
    GOAL = 14
    OTHER = 15


class ShotResult(enum.Enum):
    """How a shot ended."""

    GOAL = 1
    SAVED = 2
    MISSED = 3
    BLOCKED = 4
    POST = 5


class OpportunityLevel(enum.Enum):
    """How good a chance was."""

    LOW = 1
    MEDIUM = 2
    HIGH = 3


class IceZone(enum.Enum):
    """Where on the ice a shot was taken."""

    NET_FRONT = 1
    SLOT = 2
    LEFT_CIRCLE = 3
    RIGHT_CIRCLE = 4
    POINT = 5
    BEHIND_NET = 6
    OUTSIDE = 7


class Strength(enum.Enum):
    """How many skaters a team had, against how many."""

    EVEN = 1
    POWER_PLAY = 2
    SHORT_HANDED = 3

    @classmethod
    def of(cls, own: int | None, others: int | None) -> Strength | None:
        """By the skaters of both teams; None where one of the numbers is not known."""
        if not own or not others:
            return None
        if own == others:
            return cls.EVEN
        return cls.POWER_PLAY if own > others else cls.SHORT_HANDED


@dataclass(frozen=True, slots=True)
class PrecedingEvent:
    """Something that happened before a shot, in the source's coordinates. Empty and None are unknown."""

    kind: HockeyEventKind
    seconds_before: float
    team_id: str = ""
    x: float | None = None
    y: float | None = None


@dataclass(frozen=True, slots=True)
class ShotSituation:
    """A shot up to its release; None is unknown. Units as in the contract; places in the source's coordinates."""

    period: int | None = None
    game_clock_seconds: float | None = None
    shooting_skaters: int | None = None
    defending_skaters: int | None = None
    shooter_id: str = ""
    goalie_id: str = ""
    net_state: NetState | None = None
    listing: ShotListing | None = None
    kind: ShotKind | None = None
    shot_type: ShotType | None = None
    x: float | None = None
    y: float | None = None
    shooting_score: int | None = None
    defending_score: int | None = None
    shooter_seconds_on_ice: float | None = None
    shooting_seconds_on_ice: float | None = None
    defending_seconds_on_ice: float | None = None
    shooter_shoots: Handedness | None = None
    goalie_catches: Handedness | None = None
    preceding_events: tuple[PrecedingEvent, ...] = ()
    """The latest first."""
    one_timer: bool | None = None


@dataclass(frozen=True, slots=True)
class ShotOutcome:
    """The official result of a shot; None: not known yet."""

    result: ShotResult | None
    revision: int = 1
    """Counts the official results of the shot, apart from its own revisions; 0: the source does not count."""


@dataclass(frozen=True, slots=True)
class ShotAttributes:
    """What splits of the shot ratings can be made by; see `playscore.hockey.v1.ShotAttributes`. None is unknown."""

    season: int | None = None
    period: int | None = None
    shooting_team_id: str = ""
    defending_team_id: str = ""
    distance_feet: float | None = None
    angle_degrees: float | None = None
    shooting_at_home: bool | None = None
    game_clock_seconds: float | None = None
    strength: Strength | None = None
    net_state: NetState | None = None
    listing: ShotListing | None = None
    shot_type: ShotType | None = None
    zone: IceZone | None = None
    rebound: bool | None = None
    rush: bool | None = None
    one_timer: bool | None = None
    royal_road: bool | None = None
    screens: int | None = None
    score_difference: int | None = None
    shooter_id: str = ""
    goalie_id: str = ""
    level: OpportunityLevel | None = None
    tracked: bool | None = None
    x_feet: float | None = None
    y_feet: float | None = None


NOTHING_KNOWN: Final = ShotSituation()


def situation_of(context: PlayContext) -> ShotSituation:
    """The situation of a shot; one of which nothing is known where the context has none."""
    return context.situation if isinstance(context.situation, ShotSituation) else NOTHING_KNOWN


def outcome_of(play: Play) -> ShotOutcome | None:
    """The official result of a play, if it is a shot whose result is known."""
    return play.outcome if isinstance(play.outcome, ShotOutcome) else None


NET_FRONT_FEET: Final = 20.0
NET_FRONT_DEGREES: Final = 45.0
SLOT_X_FEET: Final = rink.GOAL_LINE_X_FEET - 35.0


def zone_of(x: float, y: float) -> IceZone:
    """Where a place is, in feet from the center of the ice, the net attacked at x = +89."""
    if x < rink.BLUE_LINE_X_FEET:
        return IceZone.OUTSIDE
    if x > rink.GOAL_LINE_X_FEET:
        return IceZone.BEHIND_NET
    if rink.distance_to_net(x, y) <= NET_FRONT_FEET and rink.angle_to_net(x, y) <= NET_FRONT_DEGREES:
        return IceZone.NET_FRONT
    if x < SLOT_X_FEET:
        return IceZone.POINT
    if abs(y) <= rink.DOT_Y_FEET:
        return IceZone.SLOT
    return IceZone.LEFT_CIRCLE if y > 0 else IceZone.RIGHT_CIRCLE
