"""A face-off as code works with it: the messages of `playscore.hockey.v1`."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Final

from playscore.game import Play, PlayContext
from playscore.shots import Handedness, Strength
from playscore.subjects import Role

FACEOFF_TAKER: Final = Role(5, "faceoff_taker")
"""Rated by wins above expected."""


class RinkZone(enum.Enum):
    """A third of the ice, as a team attacks."""

    DEFENSIVE = 1
    NEUTRAL = 2
    OFFENSIVE = 3


class FaceoffResult(enum.Enum):
    """Who won a face-off: the taker or the opponent."""

    WON = 1
    LOST = 2


@dataclass(frozen=True, slots=True)
class FaceoffSituation:
    """A face-off before the drop; None is unknown. Units as in the contract; places in the source's coordinates.

    The taker is of the team that the context names as attacking.
    """

    period: int | None = None
    game_clock_seconds: float | None = None
    taker_id: str = ""
    opponent_id: str = ""
    x: float | None = None
    y: float | None = None
    taker_skaters: int | None = None
    opponent_skaters: int | None = None
    taker_score: int | None = None
    opponent_score: int | None = None
    taker_faceoffs: int | None = None
    taker_wins: int | None = None
    opponent_faceoffs: int | None = None
    opponent_wins: int | None = None
    taker_shoots: Handedness | None = None
    opponent_shoots: Handedness | None = None


@dataclass(frozen=True, slots=True)
class FaceoffOutcome:
    """The official result of a face-off; None: not known yet."""

    result: FaceoffResult | None
    revision: int = 1
    """Counts the official results of the face-off, apart from its own revisions; 0: the source does not count."""


@dataclass(frozen=True, slots=True)
class FaceoffAttributes:
    """What splits of the face-off ratings can be made by, as seen from a subject; None is unknown."""

    season: int | None = None
    period: int | None = None
    game_clock_seconds: float | None = None
    team_id: str = ""
    opponent_team_id: str = ""
    opponent_id: str = ""
    home: bool | None = None
    zone: RinkZone | None = None
    strength: Strength | None = None
    score_difference: int | None = None
    is_taker: bool | None = None


NOTHING_KNOWN: Final = FaceoffSituation()


def situation_of(context: PlayContext) -> FaceoffSituation:
    """The situation of a face-off; one of which nothing is known where the context has none."""
    return context.situation if isinstance(context.situation, FaceoffSituation) else NOTHING_KNOWN


def outcome_of(play: Play) -> FaceoffOutcome | None:
    """The official result of a play, if it is a face-off whose result is known."""
    return play.outcome if isinstance(play.outcome, FaceoffOutcome) else None
